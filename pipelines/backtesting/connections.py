"""Who answers for the models in a backtest: the rules that the roster names, or answers that were recorded."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from agents.endpoints.asking import CallFailed, Connection, Ended, Reply
from agents.endpoints.in_process import InProcess
from agents.serving.backend import Backend, CannotServe, UnknownModel, Unrecorded, backend_named
from agents.serving.options import ServerOptions
from contracts.decisions import CallStatus
from contracts.roster import EndpointBacking, Roster
from pipelines.backtesting.errors import BacktestError


def connection_of(roster: Roster, answers: str) -> Connection:
    """How the model-backed agents are asked: `answers` is a file of recorded answers, empty for the rules."""
    if not answers:
        return InProcess.of(roster)
    backings = (profile.backing for profile in roster.agents)
    models = {b.endpoint: (b.model, b.rule) for b in backings if isinstance(b, EndpointBacking)}
    return RecordedAnswers(answers, tuple(sorted(models.items())), _without_capital(roster))


def answers_hash(file: Path) -> str:
    """The SHA-256 of a file of recorded answers; raises `BacktestError` when there are none in it."""
    if not _backend(str(file)).models():
        raise BacktestError(f"{file} holds no recorded answers: record them with --record (docs/serving.md)")
    return _digest(str(file))


def check_answers(file: str, roster: Roster, symbols: Iterable[str]) -> None:
    """Raises `BacktestError` when nothing is recorded of an agent that trades one of the symbols with capital.

    An agent without capital may go unrecorded: whatever it answered would be worth nothing, and counts as HOLD.
    """
    recorded, traded = set(_backend(file).models()), tuple(symbols)
    silent = [
        profile.agent
        for profile in roster.agents
        if isinstance(profile.backing, EndpointBacking)
        and profile.capital_weight > 0
        and any(profile.trades(symbol) for symbol in traded)
        and recorded.isdisjoint((profile.backing.model, profile.backing.rule))
    ]
    if silent:
        raise BacktestError(
            f"nothing is recorded in {file} of {', '.join(silent)}; recorded are {', '.join(sorted(recorded))}: record "
            "the missing ones too, or give them no capital (--set agents.<agent>.capital_weight=0)"
        )


def _without_capital(roster: Roster) -> frozenset[str]:
    """The endpoints that are asked only for agents without capital."""
    asked = [
        (p.backing.endpoint, p.capital_weight)
        for p in roster.agents
        if isinstance(p.backing, EndpointBacking)
    ]
    return frozenset(e for e, _ in asked) - {endpoint for endpoint, weight in asked if weight > 0}


@dataclass(frozen=True)
class RecordedAnswers:
    """The connection to a file of recorded answers (agents/serving/recordings.py), by endpoint its model's name or rule's.

    What was not asked when it was recorded has no answer, and a backtest that goes on without it would be about another
    desk: it stops there.
    """

    file: str
    models: tuple[tuple[str, tuple[str, str]], ...]
    may_be_silent: frozenset[str] = frozenset()
    """Endpoints of which nothing need be recorded: what they are asked then is refused, and counts as HOLD."""

    @property
    def deadline_seconds(self) -> None:
        """Nothing is waited for."""
        return None

    def connect(self) -> "_Recorded":
        return _Recorded(_backend(self.file), dict(self.models), self.may_be_silent, self.file)


def _backend(file: str) -> Backend:
    return _read(file, _digest(file))


def _digest(file: str) -> str:
    try:
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BacktestError(f"the recorded answers in {file} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=4)
def _read(file: str, sha256: str) -> Backend:
    """What is in the file, once a process for each content of it."""
    try:
        return backend_named("record", ServerOptions(recordings=Path(file)))
    except CannotServe as error:
        raise BacktestError(str(error)) from None


class _Recorded:
    def __init__(
        self, backend: Backend, models: dict[str, tuple[str, str]], may_be_silent: frozenset[str], file: str
    ) -> None:
        self._backend, self._models, self._may_be_silent, self._file = backend, models, may_be_silent, file

    def begin(self, endpoint: str, instances: Sequence[dict[str, Any]]) -> Ended:
        began = time.perf_counter()
        predictions = tuple(self._predict(endpoint, instance) for instance in instances)
        return Ended(Reply(predictions, seconds=time.perf_counter() - began))

    def _predict(self, endpoint: str, instance: dict[str, Any]) -> object | CallFailed:
        names = self._models.get(endpoint, ())
        recorded = [name for name in names if name in self._backend.models()]
        if not recorded and endpoint not in self._may_be_silent:
            raise BacktestError(f"nothing is recorded in {self._file} of the endpoint {endpoint}")
        if not recorded:
            return CallFailed(CallStatus.REFUSED, f"nothing is recorded of the endpoint {endpoint}")
        try:
            return self._backend.predict(recorded[0], instance)
        except (Unrecorded, UnknownModel) as error:
            raise BacktestError(
                f"the recorded agents were not asked this when they were recorded: {error}; keep --from and --to within "
                "the recorded period, with the roster, limits and data of the recording"
            ) from None
