"""The result of a backtest: what one desk with one parameter set did over one stretch of data.

Times are microseconds since 1970 (UTC), amounts are in quote currency, quantities in the base asset. Long columns are
parallel tuples, one place for each moment. Equal runs give equal JSON, to the byte.
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.model import Contract, Name
from contracts.payloads import DeskState, OrderStatus, Side

Micros = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class DataIdentity(Contract):
    """One input of a run: what it was, so that it can be had again. `rows` are the events that were read."""

    name: str
    kind: str
    """`recording`, `bars` or `dataset`."""
    sha256: str
    """Of the file's bytes; of several files, of their hashes in the order of their names."""
    rows: Count
    refused: Count
    symbols: tuple[Name, ...]
    first_micros: Micros
    last_micros: Micros


class EquityCurve(Contract):
    """The desk's worth over time: at each mark of any symbol and after each fill, the last of equal moments."""

    micros: tuple[int, ...]
    equity: tuple[float, ...]
    gross_exposure: tuple[float, ...]
    net_exposure: tuple[float, ...]
    states: tuple[DeskState, ...] = ()
    """The desk's state at each moment."""

    @model_validator(mode="after")
    def _columns_are_parallel(self) -> Self:
        columns = (self.micros, self.equity, self.gross_exposure, self.net_exposure)
        if len({len(column) for column in columns}) > 1:
            raise ValueError("the columns of an equity curve are equally long")
        return self


class PriceSeries(Contract):
    """What a symbol cost, for benchmarks: the closes of its bars at the moments when they closed."""

    symbol: Name
    micros: tuple[int, ...]
    closes: tuple[float, ...]


class BacktestFill(Contract):
    """One trade at the venue.

    `reference_price` is the mark that the order was checked against, `decided_micros` when it was decided and
    `arrived_micros` when it reached the venue. `spread_cost` is what crossing half the spread took, and
    `slippage_cost` what the price moved beyond it between decision and trade and by the order's size; below zero is a gain.
    """

    micros: Micros
    agent: Name
    symbol: Name
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    is_maker: bool
    client_order_id: Name
    trade_id: str
    reason: str = ""
    """`entry`, `stop`, `target`, `reduce`, `liquidation` or `signal`."""
    reference_price: Decimal
    decided_micros: Micros
    arrived_micros: Micros
    spread_cost: Decimal = Decimal(0)
    slippage_cost: Decimal = Decimal(0)


class RoundTrip(Contract):
    """A position from flat to flat (or through zero) of one agent in one symbol; `side` is that of its entry.

    `profit` is before fees and funding. A position that is open at the end has no round trip.
    """

    agent: Name
    symbol: Name
    side: Side
    opened_micros: Micros
    closed_micros: Micros
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    profit: Decimal
    fees: Decimal


class BacktestOrder(Contract):
    """An order that the desk asked for, and how it ended."""

    decided_micros: Micros
    ended_micros: Micros | None
    agent: Name
    symbol: Name
    side: Side
    type: Name
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    reference_price: Decimal
    reduce_only: bool
    status: OrderStatus
    reason: str
    client_order_id: Name


class Profit(Contract):
    """What was made with something: net = realised + unrealised - fees + funding."""

    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    traded_value: Decimal
    """The sum of quantity x price over all fills: turnover before it is divided by capital."""
    fills: Count
    round_trips: Count
    wins: Count
    """Round trips whose profit after fees is above zero."""


class AgentOutcome(Contract):
    """One agent: what it made, what it decided, what became of its wishes and of its messages."""

    agent: Name
    role: Name
    profit: Profit
    asked: Count = 0
    decisions: dict[str, Count] = Field(default_factory=dict)
    """By side (BUY, SELL, HOLD)."""
    calls: dict[str, Count] = Field(default_factory=dict)
    """By how they ended (answered, over_budget, ...)."""
    wishes: Count = 0
    """Proposals and signals that reached the risk book."""
    refused: dict[str, Count] = Field(default_factory=dict)
    """Wishes that were refused, by the check that refused them."""
    said: dict[str, Count] = Field(default_factory=dict)
    """Its messages by `<class>/<verdict>`, e.g. signal/admitted, chatter/throttled."""
    heard: Count = 0
    """Copies of others' messages that were delivered to it."""
    not_heard: Count = 0
    """Copies that participation kept from it."""


class SymbolOutcome(Contract):
    """One symbol: what was made with it."""

    symbol: Name
    profit: Profit


class Communication(Contract):
    """The desk's talk: throttled / signals is the share of signals throttled; 1 - delivered / possible what was spared."""

    messages: Count
    duplicates: Count
    refused: Count
    signals: Count
    signals_throttled: Count
    chatter: Count
    chatter_throttled: Count
    critical: Count
    critical_throttled: Count
    possible_deliveries: Count
    delivered: Count


class Costs(Contract):
    """What trading cost, by kind; paid is above zero. `slippage` includes what latency cost."""

    fees: Decimal
    spread: Decimal
    slippage: Decimal
    funding: Decimal
    liquidation: Decimal
    """Lost in positions that the venue closed for want of margin."""


class CostCase(Contract):
    """The same run with one of the costs switched off: what that cost is worth, all else being equal."""

    off: str
    """`fees`, `spread`, `slippage`, `funding`, `latency`, `liquidation`, `minimum_sizes`, or `all`."""
    final_equity: Decimal
    fills: Count
    difference: Decimal
    """final_equity minus that of the run with all costs."""


class StateChange(Contract):
    """A moment at which the desk's state changed, and what it said about it."""

    micros: Micros
    state: DeskState
    told: str


class BacktestResult(Contract):
    """One desk with one parameter set over one stretch of data: everything that a report needs, and to run it again."""

    schema_version: int = 1
    run: Name
    """`<desk>.<parameter set>`: unique among the runs of one backtest, and the name of its files."""
    desk: Name
    parameter_set: Name
    parameters: dict[str, str]
    """What the parameter set changed, by dotted name; empty is the desk as it is."""
    settings: dict[str, str]
    """Everything else that the result depends on, by dotted name: limits, costs, timing, market settings."""
    roster: str
    """The roster that was used, as JSON."""
    trials: Annotated[int, Field(ge=1)]
    """How many parameter sets were tried in this backtest: what a deflated Sharpe ratio corrects for."""
    seed: int = 0
    """Nothing in a run is random; a report's own draws (bootstrap, random entry) begin with this."""
    code_version: str
    data: tuple[DataIdentity, ...]
    from_micros: Micros
    to_micros: Micros
    """The first and the last moment of the run."""

    capital: Decimal
    final_equity: Decimal
    profit: Profit
    equity: EquityCurve
    prices: tuple[PriceSeries, ...]
    fills: tuple[BacktestFill, ...]
    round_trips: tuple[RoundTrip, ...]
    orders: tuple[BacktestOrder, ...]
    agents: tuple[AgentOutcome, ...]
    symbols: tuple[SymbolOutcome, ...]
    communication: Communication
    costs: Costs
    cost_cases: tuple[CostCase, ...] = ()
    """With all costs first; empty when they were not asked for."""
    states: tuple[StateChange, ...]
    events: Count
    """Market events that were gone through."""
    notes: tuple[str, ...] = ()
    """What a reader should know before believing the numbers, a sentence each."""


class RunSummary(Contract):
    """One run in the list of a backtest's runs."""

    run: Name
    desk: Name
    parameter_set: Name
    parameters: dict[str, str]
    final_equity: Decimal
    net: Decimal
    fees: Decimal
    traded_value: Decimal
    orders: Count
    fills: Count
    round_trips: Count


class Backtest(Contract):
    """DIR/result.json: all runs of one backtest; each run in full is DIR/runs/<run>.json."""

    schema_version: int = 1
    code_version: str
    data: tuple[DataIdentity, ...]
    answers_sha256: str = ""
    """Of the file of recorded answers; empty where rules stood in for the models."""
    from_micros: Micros
    to_micros: Micros
    trials: Annotated[int, Field(ge=1)]
    seed: int
    runs: tuple[RunSummary, ...]
