"""Who answers for the models in a backtest: the rules that the roster names, or answers that were recorded."""

import time
from collections.abc import Sequence
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
    return RecordedAnswers(answers, tuple(sorted(models.items())))


@dataclass(frozen=True)
class RecordedAnswers:
    """The connection to a file of recorded answers (agents/serving/recordings.py), by endpoint its model's name or rule's.

    What was not asked when it was recorded has no answer, and a backtest that goes on without it would be about another
    desk: it stops there.
    """

    file: str
    models: tuple[tuple[str, tuple[str, str]], ...]

    @property
    def deadline_seconds(self) -> None:
        """Nothing is waited for."""
        return None

    def connect(self) -> "_Recorded":
        return _Recorded(_backend(self.file), dict(self.models), self.file)


@lru_cache(maxsize=4)
def _backend(file: str) -> Backend:
    try:
        return backend_named("record", ServerOptions(recordings=Path(file)))
    except CannotServe as error:
        raise BacktestError(str(error)) from None


class _Recorded:
    def __init__(self, backend: Backend, models: dict[str, tuple[str, str]], file: str) -> None:
        self._backend, self._models, self._file = backend, models, file

    def begin(self, endpoint: str, instances: Sequence[dict[str, Any]]) -> Ended:
        began = time.perf_counter()
        predictions = tuple(self._predict(endpoint, instance) for instance in instances)
        return Ended(Reply(predictions, seconds=time.perf_counter() - began))

    def _predict(self, endpoint: str, instance: dict[str, Any]) -> object | CallFailed:
        names = self._models.get(endpoint, ())
        recorded = [name for name in names if name in self._backend.models()]
        if not recorded:
            return CallFailed(CallStatus.REFUSED, f"nothing is recorded of the endpoint {endpoint}")
        try:
            return self._backend.predict(recorded[0], instance)
        except (Unrecorded, UnknownModel) as error:
            raise BacktestError(
                f"the recorded agents were not asked this when they were recorded: {error}; keep --from and --to within "
                "the recorded period, with the roster, limits and data of the recording"
            ) from None
