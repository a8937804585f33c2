"""The model handler: one RunInference stage asks every model-backed agent's endpoint."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from agents.endpoints.asking import Asker, CallFailed, Connection
from agents.kinds.kind import Kind, kind_named
from agents.kinds.strictly import LONGEST
from agents.prompts.prompt import PromptTooLong
from contracts.decisions import UNANSWERED, CallOutcome, CallStatus, DecisionRequest
from contracts.refusals import Refusal
from contracts.roster import AgentProfile, EndpointBacking, Roster


class DecisionHandler(ModelHandler[DecisionRequest, CallOutcome, Asker]):
    """Maps each `DecisionRequest` to its `CallOutcome`; a bad call is an outcome too, never an exception.

    Use it `with_no_batching()`, each element a list of one request: RunInference's own batching stamps
    elements anew, and their event time would be lost. Without a `clock` (seconds) no latency is told, so that
    equal input gives equal outcomes.
    """

    def __init__(
        self,
        roster: Roster,
        connection: Connection,
        *,
        clock: Callable[[], float] | None = time.perf_counter,
    ) -> None:
        super().__init__()
        self._roster = roster
        self._connection = connection
        self._clock = clock

    def load_model(self) -> Asker:
        """Connect; what is slow to import is imported here, on the worker."""
        return _connected(self._connection)

    def run_inference(
        self, batch: Sequence[DecisionRequest], model: Asker, inference_args: dict[str, Any] | None = None
    ) -> Iterable[CallOutcome]:
        """The outcome of each request, in order."""
        return [self._outcome(request, model) for request in batch]

    def get_metrics_namespace(self) -> str:
        return "sapphire_endpoints"

    def _outcome(self, request: DecisionRequest, asker: Asker) -> CallOutcome:
        profile = self._roster.by_agent[request.agent]
        if not isinstance(profile.backing, EndpointBacking):
            raise TypeError(f"{request.agent} has no endpoint, so nobody may ask for it")
        kind = kind_named(profile.backing.asks)
        asked: dict[str, Any] = {
            "request": request,
            "endpoint": profile.backing.endpoint,
            "model": UNANSWERED,
            "prompt": kind.prompt_id,
            "deadline_ms": self._connection.deadline_seconds and self._connection.deadline_seconds * 1000.0,
        }
        began = self._clock() if self._clock else 0.0
        try:
            reply = asker.ask(profile.backing.endpoint, _instance(kind, profile, request))
        except CallFailed as failed:
            asked |= {"latency_ms": self._since(began), "attempts": failed.attempts}
            outcome = CallOutcome(**asked, status=failed.status, error=failed.error)
        else:
            asked |= {"latency_ms": self._since(began), "attempts": reply.attempts}
            outcome = _read(kind, asked, reply.prediction)
        return outcome.with_valid(cost_usd=self._cost(outcome, profile.backing))

    def _cost(self, outcome: CallOutcome, backing: EndpointBacking) -> Decimal | None:
        """By the tokens that were told; the most that it can be when a call was made and told none."""
        price = self._roster.price_of(backing, outcome.model)
        if price is None or outcome.attempts == 0:
            return None if price is None else Decimal(0)
        if outcome.tokens_in is None or outcome.tokens_out is None:
            return price.cost(backing.budget.tokens_in, backing.budget.tokens_out)
        return price.cost(outcome.tokens_in, outcome.tokens_out)

    def _since(self, began: float) -> float | None:
        return round((self._clock() - began) * 1000.0, 3) if self._clock else None


def _instance(kind: Kind, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
    try:
        return kind.instance(profile, request)
    except PromptTooLong as error:
        raise CallFailed(CallStatus.REFUSED, str(error), 0) from None


@cache
def _connected(connection: Connection) -> Asker:
    """One asker a process: the local streaming runner sets the stage up anew for nearly every bundle."""
    return connection.connect()


def _read(kind: Kind, asked: dict[str, Any], prediction: object) -> CallOutcome:
    """The outcome of a call that was answered, told by whether the answer can be read."""
    answer = ""
    try:
        received = kind.receive(prediction)
        answer = received.text
        asked |= {
            "model": received.model,
            "tokens_in": received.tokens_in,
            "tokens_out": received.tokens_out,
        }
        opinion = kind.opinion(answer, asked["request"])
    except Refusal as refusal:
        kept = answer or json.dumps(prediction, default=str)
        return CallOutcome(**asked, status=CallStatus.BAD_ANSWER, answer=kept[:LONGEST], error=refusal.error)
    return CallOutcome(**asked, status=CallStatus.ANSWERED, opinion=opinion)
