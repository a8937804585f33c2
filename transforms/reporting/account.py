"""The account of a desk over a period: everything that a report is made from, wherever it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from transforms.reporting.fills import Fill
from transforms.reporting.round_trips import RoundTrip
from transforms.reporting.series import Series


@dataclass(frozen=True, slots=True)
class Conduct:
    """What one agent decided and said, and what became of it; counts of the period."""

    agent: str
    role: str = ""
    decisions: Mapping[str, int] = field(default_factory=dict)
    """By side: BUY, SELL, HOLD."""
    wishes: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """Wishes that the risk book refused, by check."""
    said: int = 0
    throttled: int = 0
    signals: int = 0
    signals_throttled: int = 0
    heard: int = 0
    not_heard: int = 0
    calls: int = 0
    calls_usd: float | None = None
    """What its model calls cost, in US dollars; None when that is not known."""
    funding: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading cost, by kind, in quote currency; paid is above zero, None is not known."""

    fees: float
    spread: float | None = None
    slippage: float | None = None
    funding: float | None = None
    liquidation: float | None = None


@dataclass(frozen=True, slots=True)
class CostCase:
    """The same run with one cost switched off, and how many fills it had."""

    off: str
    final_equity: float
    difference: float
    fills: int


@dataclass(frozen=True, slots=True)
class StateChange:
    """A moment (microseconds) at which the desk's state changed."""

    moment: int
    state: str
    told: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data came from, so that it can be had again."""

    name: str
    kind: str
    identity: str
    rows: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A desk over a period, in quote currency; times are microseconds since 1970 (UTC).

    `equity`, `gross` and `net` (exposure) are given at the same moments; `capital` is the equity at `start`. `kind` is
    `backtest` or the venue of a desk that ran. Fills are in order.
    """

    name: str
    desk: str
    kind: str
    start: int
    end: int
    capital: float
    final_equity: float
    equity: Series
    gross: Series
    net: Series
    prices: Mapping[str, Series]
    fills: tuple[Fill, ...]
    round_trips: tuple[RoundTrip, ...]
    orders: Mapping[str, int]
    """By how they ended."""
    conduct: tuple[Conduct, ...]
    costs: Costs
    funding_by_symbol: Mapping[str, float] | None = None
    """What was received (above zero) or paid; None when it is not known by symbol."""
    cost_cases: tuple[CostCase, ...] = ()
    states: tuple[StateChange, ...] = ()
    sources: tuple[Source, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    roster: str = ""
    code_version: str = ""
    seed: int = 0
    trials: int = 1
    notes: tuple[str, ...] = ()
