"""What a message says: one model for each type of message that agents, people and the desk send one another."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.calls import Usd
from contracts.controls import Goal
from contracts.model import Amounts, Contract, Name, Numbers, Price, Quantity, Text, Unit
from contracts.time import UtcTime


class Side(StrEnum):
    """The direction of a trade, or of an opinion about one."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell, 0 for a hold."""
        return _SIGNS[self]


_SIGNS = {Side.BUY: 1, Side.SELL: -1, Side.HOLD: 0}


class DeskState(StrEnum):
    """What the desk still allows: everything, smaller orders (drawdown), or nothing that adds risk."""

    ACTIVE = "ACTIVE"
    REDUCED = "REDUCED"
    HALTED = "HALTED"


class OrderStatus(StrEnum):
    """The states of an order's life (DESIGN section 4); the last five end it, apart from UNKNOWN."""

    NEW = "NEW"
    SUBMITTED = "SUBMITTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in _FINAL


_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class DiscussionKind(StrEnum):
    """What a strategy discussion is for."""

    QUESTION = "question"
    INSIGHT = "insight"
    STRATEGY = "strategy"


Leverage = Annotated[float, Field(ge=1.0, le=125.0)]


class Brackets(Contract):
    """A trade's protective prices, on the right sides of one another: below and above for a buy, mirrored for a sell."""

    side: Side
    stop_loss: Price | None = None
    take_profit: Price | None = None

    @model_validator(mode="after")
    def _not_inverted(self) -> Self:
        if self.stop_loss is None or self.take_profit is None or self.side is Side.HOLD:
            return self
        if (self.take_profit - self.stop_loss) * self.side.sign <= 0:
            raise ValueError(
                f"stop_loss {self.stop_loss} and take_profit {self.take_profit} are inverted for a {self.side}"
            )
        return self


# --- signals -------------------------------------------------------------------------------------------------------


class HftSignal(Brackets):
    """A bot's wish to trade, sized in quote currency.

    `as_of` is the moment of the market that it follows, the close of a bar for one: the desk judges it by no older price.
    """

    symbol: Name
    as_of: UtcTime | None = None
    confidence: Unit
    notional: Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=8)]
    price: Price | None = None
    leverage: Leverage = 1.0
    reduce_only: bool = False
    strategy: Name
    rationale: Text = ""
    indicators: Numbers = Field(default_factory=dict)


class Proposal(Brackets):
    """A model-backed agent's wish to trade, sized as a share of the agent's allocation; `as_of` as in `HftSignal`."""

    decision_id: Name
    as_of: UtcTime | None = None
    symbol: Name
    confidence: Unit
    size_fraction: Unit
    price: Price
    leverage: Leverage = 1.0
    reduce_only: bool = False
    horizon_seconds: Annotated[int, Field(gt=0, le=30 * 86_400)]
    rationale: Text = ""


class StrategyAdjustment(Contract):
    """An agent tells that it changed a parameter of its own."""

    strategy: Name
    parameter: Name
    old_value: Text
    new_value: Text
    reason: Text = ""


class AgentMarketData(Contract):
    """A price that an agent saw somewhere else than on the desk's feed."""

    symbol: Name
    price: Price
    volume: Annotated[float, Field(ge=0)] = 0.0
    bid: Price | None = None
    ask: Price | None = None
    source: Name


# --- chatter -------------------------------------------------------------------------------------------------------


class TradeThesis(Brackets):
    """Why a trade should work; conviction is the agent's own."""

    symbol: Name
    thesis: Text
    conviction: Unit
    entry_price: Price | None = None
    timeframe: Name


class StrategyDiscussion(Contract):
    """A contribution to a talk about how to trade."""

    topic: Text
    content: Text
    discussion_type: DiscussionKind = DiscussionKind.STRATEGY
    symbol: Name | None = None


class Insight(Contract):
    """Something an agent noticed."""

    insight: Text
    confidence: Unit
    symbol: Name | None = None


class Question(Contract):
    """A question to a peer, or to everyone."""

    topic: Text
    question: Text
    symbol: Name | None = None


class Response(Contract):
    """The answer to the message that `correlation_id` names."""

    answer: Text
    confidence: Unit
    symbol: Name | None = None


class Critique(Contract):
    """Doubts about the message that `correlation_id` names."""

    concerns: tuple[Text, ...] = Field(max_length=16)
    alternative: Text = ""
    conviction: Unit
    symbol: Name | None = None


class Consensus(Contract):
    """What the desk's agents agree on for a symbol; score is the weight behind `side`."""

    symbol: Name
    side: Side
    score: Unit
    participants: tuple[Name, ...]


class Heartbeat(Contract):
    """A sign of life."""

    healthy: bool = True
    latency_ms: Annotated[float, Field(ge=0)] | None = None


# --- critical ------------------------------------------------------------------------------------------------------


class RiskUpdate(Contract):
    """The state of the desk's risk; amounts in quote currency, drawdown as a share of the high-water mark.

    `volatility` is the mean of the marked symbols' volatilities, as a share of the price in a day.
    """

    state: DeskState
    equity: Decimal
    high_water_mark: Decimal
    drawdown: Annotated[float, Field(ge=0)]
    gross_exposure: Decimal
    net_exposure: Decimal
    leverage: Annotated[float, Field(ge=0)]
    alerts: tuple[Text, ...] = ()
    volatility: Annotated[float, Field(ge=0)] | None = None


class OrderExecution(Contract):
    """One step in an order's life as the execution service saw it.

    `sequence` counts the steps of one order from 1. A fill has last_quantity, last_price and fee (quote currency);
    other steps have them at None, None and 0. A fill belongs to `agent`, who proposed the order.
    """

    client_order_id: Name
    execution_id: Name
    sequence: Annotated[int, Field(ge=1)]
    agent: Name
    symbol: Name
    side: Side
    status: OrderStatus
    quantity: Quantity
    filled_quantity: Annotated[Decimal, Field(ge=0)]
    last_quantity: Quantity | None = None
    last_price: Price | None = None
    average_price: Price | None = None
    fee: Decimal = Decimal(0)
    venue: Name
    venue_order_id: Name | None = None
    reason: Text = ""


class PortfolioRebalance(Contract):
    """A new distribution of the desk's capital; amounts in quote currency by agent.

    `targets` are the shares of the active capital that the goal wants, `turnover` what part of it changed hands towards them
    this time, and `drift` how far the parts had moved from the last shares before it.
    """

    goal: Goal
    reason: Text
    equity: Decimal
    previous: Amounts
    allocations: Amounts
    targets: Amounts = Field(default_factory=dict)
    turnover: Annotated[float, Field(ge=0)] = 0.0
    drift: Annotated[float, Field(ge=0)] = 0.0


class Guidance(Contract):
    """What the portfolio asks of one agent, and the room it has: amounts in quote currency."""

    agent: Name
    role: Name
    goal: Goal
    capital: Decimal
    remaining: Decimal
    favour: tuple[Name, ...] = ()
    text: Text


# --- records: what the jobs tell one another ------------------------------------------------------------------------


class Snapshot(Contract):
    """The market of one symbol as of the message's event time: closed bars and features only.

    `bar_seconds` is the length of the bar that closed; price is its close. A feature that cannot be told yet (warming up)
    is absent, never a made-up number.
    """

    symbol: Name
    bar_seconds: Annotated[int, Field(gt=0)]
    price: Price
    bid: Price | None = None
    ask: Price | None = None
    features: Numbers


class Mark(Contract):
    """The price at which the desk values a symbol; a mark that is not `tradable` (stale, crossed) blocks new risk.

    `volatility` is the standard deviation of the symbol's return in a day, as a share of its price, and `atr` its average
    true range (quote currency): both from the closed bars so far, absent until there are enough of them.
    """

    symbol: Name
    price: Price
    bid: Price | None = None
    ask: Price | None = None
    tradable: bool = True
    reason: Text = ""
    volatility: Annotated[float, Field(ge=0)] | None = None
    atr: Annotated[float, Field(ge=0)] | None = None


class Decision(Contract):
    """What an agent answered when it was asked, also when it chose to hold."""

    decision_id: Name
    agent: Name
    model: Name
    prompt: Name
    snapshot_id: Name
    symbol: Name
    side: Side
    confidence: Unit
    size_fraction: Unit
    price: Price
    stop_loss: Price | None = None
    take_profit: Price | None = None
    horizon_seconds: int
    outcome: Name


class Reasoning(Contract):
    """Why an agent decided as it did."""

    decision_id: Name
    agent: Name
    symbol: Name
    rationale: Text


class Usage(Contract):
    """What a call of the agent's endpoint really took, told to the job that reserved it; None is what nobody knows.

    A call that was never `made` (its endpoint's circuit was open) took nothing.
    """

    decision_id: Name
    agent: Name
    made: bool
    tokens_in: Annotated[int, Field(ge=0)] | None = None
    tokens_out: Annotated[int, Field(ge=0)] | None = None
    cost_usd: Usd | None = None


class Position(Contract):
    """What an agent holds in a symbol after a change; quantity is signed, amounts are in quote currency.

    `funding` is what was received (negative: paid) for holding it.
    """

    agent: Name
    symbol: Name
    quantity: Decimal
    entry_price: Price | None
    mark_price: Price
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    fees: Decimal
    funding: Decimal = Decimal(0)
