"""What the gateway answers: the wire that agents/client reads."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel

from contracts.coordination.participation import DeliveryReason
from contracts.message import MessageType
from contracts.payloads import DeskState, Guidance, Side
from contracts.roster import RiskTolerance, Role
from contracts.time import UtcTime


class WrongField(BaseModel):
    """One field and what is wrong with it."""

    field: str
    reason: str


class ProblemBody(BaseModel):
    """What a refusal looks like on the wire; `retry_after` is in seconds, when trying again can help."""

    title: str
    status: int
    detail: str
    errors: list[WrongField] = []
    retry_after: float | None = None


class Registered(BaseModel):
    """The gateway knows the agent; `has_inbox` is false for those that the jobs speak to themselves."""

    status: Literal["registered"] = "registered"
    agent: str
    desk: str
    role: Role
    has_inbox: bool
    desk_time: UtcTime


class Alive(BaseModel):
    """The sign of life was taken."""

    status: Literal["alive"] = "alive"
    agent: str
    desk_time: UtcTime


class Posted(BaseModel):
    """What became of one posted message; a refused one has its problem."""

    message_id: str | None
    status: Literal["published", "refused"]
    problem: ProblemBody | None = None


class PostedMany(BaseModel):
    """What became of each message of a list, in its order."""

    results: list[Posted]


class InboxMessages(BaseModel):
    """What an agent took (each a contracts.Message): acknowledged within `lease_seconds`, or it comes again."""

    messages: list[dict[str, Any]]
    lease_seconds: float


class InboxAcknowledged(BaseModel):
    """The ids that ended messages, and those that did not: acknowledged before, not handed out yet, or never there."""

    acknowledged: list[str]
    unknown: list[str]


class AgentRole(BaseModel):
    """An agent as the roster has it; `allocated_capital` is None until the desk has told."""

    role: Role
    expertise: tuple[str, ...]
    contribution: str
    collaboration_partners: tuple[str, ...]
    risk_tolerance: RiskTolerance
    time_horizon: str
    preferred_assets: tuple[str, ...]
    leverage_cap: float
    allocated_capital: Decimal | None


class AgentGuidance(BaseModel):
    """What the desk asks of an agent: its role, and the latest guidance, None until there is one."""

    agent: str
    role: AgentRole
    guidance: Guidance | None


class StateKnown(BaseModel):
    """The job's state that an answer goes by: after which entry of its log, and how long ago it was told."""

    position: int
    event_time: UtcTime
    told_at: UtcTime
    age_seconds: float


class SpokenActivity(BaseModel):
    """An agent's activity score, 1.0 is average, and when coordination last heard it, None when that is not known."""

    activity_score: float
    last_event_time: UtcTime | None


class AgentActivity(BaseModel):
    """How active an agent is, and which threshold others' broadcasts have to reach for it.

    With `known` both are what is in force now, by coordination's last known state: the score has decayed since the
    agent spoke. Without, the threshold is the roster's, and the score is as it was at `last_event_time`, None until
    there is one. `last_seen` is when the agent last spoke to this gateway, None when it has not since the gateway started.
    """

    participation_threshold: float
    activity: SpokenActivity | None
    last_seen: UtcTime | None
    known: StateKnown | None


class ProspectiveDelivery(BaseModel):
    """Whether one agent would hear a message; a directed one is judged by the throttle alone and has no numbers."""

    recipient: str
    delivered: bool
    reason: DeliveryReason
    relevance: float | None = None
    threshold: float | None = None


class ParticipationCheck(BaseModel):
    """What would become of a message; without a known state `verdict` is None and `detail` says why.

    `retry_after` is in seconds, when it would be throttled; `deliveries` are empty unless it would be admitted.
    """

    agent: str
    type: MessageType
    verdict: Literal["admitted", "throttled", "refused"] | None = None
    detail: str = ""
    retry_after: float | None = None
    activity_score: float | None = None
    deliveries: list[ProspectiveDelivery] = []
    known: StateKnown | None = None


class FailingCheck(BaseModel):
    """A check that refuses: the reason's code, its limit, and what was observed; null where that is no number."""

    check: str
    reason: str
    limit: Decimal | None
    observed: Decimal | None


class TradeValidation(BaseModel):
    """Whether a trade would pass, and what its order would be: `notional` in quote currency at the mark's `price`.

    `failing` are all checks that refuse, in their order; `quantity` is zero when the trade is too small to be one.
    """

    agent: str
    symbol: str
    side: Side
    would_pass: bool
    failing: list[FailingCheck]
    quantity: Decimal
    price: Decimal
    notional: Decimal
    is_reducing: bool
    state: DeskState
    known: StateKnown


class PortfolioStatus(BaseModel):
    """The desk's book as last known; `portfolio` and allocations are None until the trading job has told."""

    desk: str
    desk_time: UtcTime
    starting_capital: float
    portfolio: dict[str, Any] | None
    positions: list[dict[str, Any]]
    allocations: dict[str, dict[str, Any] | None]
    agent_roles: dict[str, Role]


class Health(BaseModel):
    """Whether the gateway can do its work, and if not, what is missing."""

    status: Literal["ok", "not ready"]
    problems: list[str] = []
