"""Decisions: what an agent is asked, what it may answer, and how the call went."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.calls import Usd
from contracts.message import MessageType
from contracts.model import Contract, Name, Numbers, Price, Text, Unit
from contracts.payloads import Brackets, Guidance, Side
from contracts.time import UtcTime

LONGEST_INSIGHT = 400
"""Characters: what an agent remembers of a message."""


class Opinion(Brackets):
    """What a model or a rule would do now.

    `size_fraction` is a share of what the agent may put into one trade; a HOLD has size 0. `insight` is what its peers
    should know, empty when there is nothing.
    """

    confidence: Unit
    size_fraction: Unit
    horizon_seconds: Annotated[int, Field(gt=0, le=30 * 86_400)]
    rationale: Text
    insight: Annotated[str, Field(max_length=LONGEST_INSIGHT)] = ""


class Heard(Contract):
    """A delivered message as an agent remembers it: who said what about which symbol, how sure they were."""

    message_id: Name
    sender: Name
    type: MessageType
    event_time: UtcTime
    symbol: Name | None = None
    side: Side | None = None
    weight: Unit | None = None
    text: str = ""


class OtherMarket(Contract):
    """A market beside the one that is asked about, as the agent saw it last."""

    symbol: Name
    seen: UtcTime
    closes: tuple[float, ...]
    held: Decimal = Decimal(0)


class DecisionRequest(Contract):
    """One question to one agent about one symbol: all that it may know at `event_time`, and nothing later.

    `closes` are the prices of the last closed bars, oldest first, the snapshot's own last. `held` is what the
    agent has of the symbol (base asset, signed). `others` are its other markets, for an agent that is asked for a portfolio.
    `position` is the snapshot's place in the agent's log.
    """

    decision_id: Name
    desk: Name
    agent: Name
    position: int
    event_time: UtcTime
    snapshot_id: Name
    symbol: Name
    bar_seconds: int
    price: Price
    bid: Price | None = None
    ask: Price | None = None
    features: Numbers
    closes: tuple[float, ...]
    held: Decimal = Decimal(0)
    guidance: Guidance | None = None
    heard: tuple[Heard, ...] = ()
    others: tuple[OtherMarket, ...] = ()


UNANSWERED = "unanswered"
"""Stands for the model in the outcome of a call to which no model gave its name."""


class CallStatus(StrEnum):
    """How a call of an endpoint ended; everything but ANSWERED is a HOLD, and a dead letter.

    OVER_BUDGET is a call that was not made because the agent's hour is spent: a HOLD, and nothing was refused.
    """

    ANSWERED = "answered"
    BAD_ANSWER = "bad_answer"
    DEADLINE = "deadline"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NOT_JSON = "not_json"
    CIRCUIT_OPEN = "circuit_open"
    OVER_BUDGET = "over_budget"


class CallOutcome(Contract):
    """What came of asking: an opinion, or why there is none.

    `answer` is what the model wrote, kept when it could not be read. `latency_ms` is measured by the wall
    clock over all `attempts`, and absent where the same input must give the same bytes.
    """

    request: DecisionRequest
    endpoint: Name
    model: Name
    prompt: Name
    status: CallStatus
    opinion: Opinion | None = None
    answer: str = ""
    error: str = ""
    attempts: Annotated[int, Field(ge=0)] = 1
    deadline_ms: float | None = None
    latency_ms: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: Usd | None = None

    @model_validator(mode="after")
    def _opinion_if_answered(self) -> Self:
        if (self.status is CallStatus.ANSWERED) != (self.opinion is not None):
            raise ValueError("an answered call has an opinion, and no other call has one")
        return self
