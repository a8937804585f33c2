"""Endpoints without a network: the rules that stand in for the models, asked in this very process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from agents.endpoints.asking import CallFailed, Ended, Reply
from agents.serving.backend import Backend, UnknownModel, backend_named
from agents.serving.chat import BadInstance
from contracts.decisions import CallStatus
from contracts.roster import EndpointBacking, Roster


@dataclass(frozen=True)
class InProcess:
    """The connection to the rules that the roster names: instances in, completions out, as through Vertex AI.

    It lets a bounded run give the same bytes with nothing else running. `rules` gives each endpoint's rule.
    """

    rules: Mapping[str, str] = field(hash=False)

    @classmethod
    def of(cls, roster: Roster) -> Self:
        """The rules that stand in for the roster's endpoints."""
        backings = (profile.backing for profile in roster.agents)
        return cls({b.endpoint: b.rule for b in backings if isinstance(b, EndpointBacking)})

    @property
    def deadline_seconds(self) -> None:
        """Nothing is waited for."""
        return None

    def connect(self) -> "_Rules":
        return _Rules(backend_named("rule"), self.rules)


class _Rules:
    def __init__(self, backend: Backend, rules: Mapping[str, str]) -> None:
        self._backend = backend
        self._rules = rules

    def begin(self, endpoint: str, instances: Sequence[dict[str, Any]]) -> Ended:
        began = time.perf_counter()
        predictions = tuple(self._predict(endpoint, instance) for instance in instances)
        return Ended(Reply(predictions, seconds=time.perf_counter() - began))

    def _predict(self, endpoint: str, instance: dict[str, Any]) -> object | CallFailed:
        if endpoint not in self._rules:
            return CallFailed(CallStatus.REFUSED, f"no rule stands in for the endpoint {endpoint}")
        try:
            return self._backend.predict(self._rules[endpoint], instance)
        except (BadInstance, UnknownModel) as error:
            return CallFailed(CallStatus.REFUSED, str(error))
