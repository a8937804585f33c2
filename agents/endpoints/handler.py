"""The model handler: one RunInference stage asks every model-backed agent's endpoint."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from agents.endpoints.asking import Asker, CallFailed, Connection, Reply
from agents.kinds.kind import Kind, kind_named
from agents.kinds.strictly import LONGEST
from agents.prompts.prompt import PromptTooLong
from contracts.decisions import UNANSWERED, CallOutcome, CallStatus, DecisionRequest
from contracts.refusals import Refusal
from contracts.roster import EndpointBacking, Roster


@dataclass(frozen=True, slots=True)
class _Question:
    """A request, made ready to be asked; `refusal` says why it cannot be."""

    request: DecisionRequest
    backing: EndpointBacking
    kind: Kind
    instance: dict[str, Any]
    refusal: str = ""


class DecisionHandler(ModelHandler[DecisionRequest, CallOutcome, Asker]):
    """Maps each `DecisionRequest` to its `CallOutcome`; a bad call is an outcome too, never an exception.

    What is in a batch is asked at the same time, so that a batch takes as long as its slowest call and one deadline at most,
    however many of its endpoints are slow. Questions for one endpoint that gains from it (`batch` in the roster) share a
    call.

    Use it `with_no_batching()`, each element a list of requests: RunInference's own batching stamps elements anew, and
    their event time would be lost. Without `tells_latency` equal input gives equal outcomes.
    """

    def __init__(self, roster: Roster, connection: Connection, *, tells_latency: bool = True) -> None:
        super().__init__()
        self._roster = roster
        self._connection = connection
        self._tells_latency = tells_latency

    def load_model(self) -> Asker:
        """Connect; what is slow to import is imported here, on the worker."""
        return _connected(self._connection)

    def run_inference(
        self, batch: Sequence[DecisionRequest], model: Asker, inference_args: dict[str, Any] | None = None
    ) -> Iterable[CallOutcome]:
        """The outcome of each request, in order."""
        questions = [self._question(request) for request in batch]
        outcomes = {
            place: self._outcome(question, CallFailed(CallStatus.REFUSED, question.refusal), _NOT_MADE)
            for place, question in enumerate(questions)
            if question.refusal
        }
        under_way = [
            (places, model.begin(endpoint, [questions[place].instance for place in places]))
            for endpoint, places in _calls(questions)
        ]
        for places, call in under_way:
            reply = call.reply()
            for place, prediction in zip(places, reply.predictions, strict=True):
                outcomes[place] = self._outcome(questions[place], prediction, reply)
        return [outcomes[place] for place in range(len(questions))]

    def get_metrics_namespace(self) -> str:
        return "sapphire_endpoints"

    def _question(self, request: DecisionRequest) -> _Question:
        profile = self._roster.by_agent[request.agent]
        if not isinstance(profile.backing, EndpointBacking):
            raise TypeError(f"{request.agent} has no endpoint, so nobody may ask for it")
        kind = kind_named(profile.backing.asks)
        try:
            return _Question(request, profile.backing, kind, kind.instance(profile, request))
        except PromptTooLong as error:
            return _Question(request, profile.backing, kind, {}, str(error))

    def _outcome(self, question: _Question, prediction: object | CallFailed, reply: Reply) -> CallOutcome:
        deadline = self._connection.deadline_seconds
        asked: dict[str, Any] = {
            "request": question.request,
            "endpoint": question.backing.endpoint,
            "model": UNANSWERED,
            "prompt": question.kind.prompt_id,
            "deadline_ms": deadline and deadline * 1000.0,
            "latency_ms": round(reply.seconds * 1000.0, 3) if self._tells_latency else None,
            "attempts": reply.attempts,
        }
        if isinstance(prediction, CallFailed):
            outcome = CallOutcome.of_known(**asked, status=prediction.status, error=prediction.error)
        else:
            outcome = _read(question.kind, asked, prediction)
        return outcome.with_valid(cost_usd=self._cost(outcome, question.backing))

    def _cost(self, outcome: CallOutcome, backing: EndpointBacking) -> Decimal | None:
        """By the tokens that were told; the most that it can be when a call was made and told none."""
        price = self._roster.price_of(backing, outcome.model)
        if price is None or outcome.attempts == 0:
            return None if price is None else Decimal(0)
        if outcome.tokens_in is None or outcome.tokens_out is None:
            return price.cost(backing.budget.tokens_in, backing.budget.tokens_out)
        return price.cost(outcome.tokens_in, outcome.tokens_out)


_NOT_MADE = Reply((), attempts=0)


def _calls(questions: Sequence[_Question]) -> Iterator[tuple[str, list[int]]]:
    """Which questions share a call: endpoint and places, no more places than the endpoint's `batch`."""
    places: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        if question.refusal:
            continue
        endpoint = question.backing.endpoint
        places.setdefault(endpoint, []).append(place)
        if len(places[endpoint]) == question.backing.batch:
            yield endpoint, places.pop(endpoint)
    yield from places.items()


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
        bad = {"status": CallStatus.BAD_ANSWER, "answer": kept[:LONGEST], "error": refusal.error}
        return CallOutcome.of_known(**asked, **bad)
    return CallOutcome.of_known(**asked, status=CallStatus.ANSWERED, opinion=opinion)
