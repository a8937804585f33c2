"""The figures of a report, as its JSON holds them. Shares are fractions (0.01 is 1 %), amounts in quote currency."""

from typing import Annotated

from pydantic import AfterValidator

from contracts.model import Contract
from contracts.time import UtcTime

_DIGITS = 10


def _rounded(value: float) -> float:
    """To ten significant digits: what the order of a machine's additions decides is not told."""
    return float(f"{value:.{_DIGITS}g}") + 0.0


Figure = Annotated[float, AfterValidator(_rounded)]
"""A number of the report."""


class Between(Contract):
    """A figure with the interval that holds it in 95 % of the block-bootstrap draws; None where it is not defined."""

    value: Figure | None
    low: Figure | None = None
    high: Figure | None = None


class PerformanceFigures(Contract):
    """Returns and risk of the desk, or of what it is held against; docs/report.md has every formula."""

    total: Between
    cagr: Figure | None
    volatility: Figure | None
    sharpe: Between
    sortino: Figure | None
    calmar: Figure | None
    probability_sharpe_above_zero: Figure | None
    deepest_drawdown: Figure
    deepest_from: UtcTime | None = None
    deepest_until: UtcTime | None = None
    longest_drawdown_days: Figure | None = None
    longest_is_over: bool | None = None


class Curve(Contract):
    """What the plots show: at every step, the desk's equity and drawdown, and buy-and-hold from the same capital."""

    micros: tuple[int, ...]
    equity: tuple[Figure, ...]
    drawdown: tuple[Figure, ...]
    buy_and_hold: tuple[Figure, ...]
    gross_exposure: tuple[Figure, ...]
    net_exposure: tuple[Figure, ...]
    profit_by_agent: dict[str, tuple[Figure, ...]]


class YearRow(Contract):
    """Returns by month ("1" to "12") and of the whole year, as far as the period reaches."""

    year: int
    months: dict[str, Figure]
    whole: Figure


class MarketFigures(Contract):
    """The desk beside buying and holding its symbols in equal parts."""

    symbols: tuple[str, ...]
    performance: PerformanceFigures
    excess: Between
    beta: Figure | None
    correlation: Figure | None


class RandomEntryFigures(Contract):
    """The desk's own entries beside the same lots at random times; `percentile` is the share of draws that it beat."""

    draws: int
    low: Figure
    median: Figure
    high: Figure
    own: Figure
    percentile: Figure


class TradingFigures(Contract):
    """Fills and round trips: of the desk, of an agent, or of a symbol."""

    name: str
    net: Figure
    share_of_capital: Figure
    fees: Figure
    funding: Figure | None
    """Received above zero; None when it is not known, and then it is not in `net`."""
    fills: int
    traded_value: Figure
    round_trips: int
    hit_rate: Figure | None
    profit_factor: Figure | None
    mean_profit: Figure | None
    best: Figure | None
    worst: Figure | None
    mean_hours: Figure | None
    sharpe: Figure | None
    """A year's, of what was made in each step."""
    deepest_fall: Figure
    """From the highest profit so far, as a share of the desk's capital."""


class ConductFigures(Contract):
    """What an agent decided and said, and how much of it was held back."""

    agent: str
    role: str
    decisions: dict[str, int]
    wishes: int
    refused: dict[str, int]
    said: int
    throttled: int
    share_throttled: Figure | None
    signals: int
    signals_throttled: int
    heard: int
    not_heard: int
    share_spared: Figure | None
    calls: int
    calls_usd: Figure | None


class ExposureFigures(Contract):
    """Capital at work: shares of equity, averaged over time."""

    turnover: Figure
    turnover_per_year: Figure | None
    gross: Figure
    net: Figure
    largest_gross: Figure
    time_in_market: Figure


class CostFigures(Contract):
    """What trading cost, and what each cost is worth when it is switched off."""

    fees: Figure
    spread: Figure | None
    slippage: Figure | None
    funding: Figure | None
    liquidation: Figure | None
    before_costs: Figure
    """Profit before the costs that are known."""
    unexplained: Figure
    """Change of equity that fills, prices and known costs do not account for."""
    cases: tuple["CaseFigures", ...] = ()


class CaseFigures(Contract):
    """The same run with a cost switched off."""

    off: str
    total: Figure
    difference: Figure
    fills: int


class TrialFigures(Contract):
    """One run of a grid, in the order in which they were tried; `sharpe` is a year's."""

    name: str
    parameters: dict[str, str]
    total: Figure
    sharpe: Figure | None
    probability_sharpe_above_zero: Figure | None
    deflated_sharpe: Figure | None
    deepest_drawdown: Figure
    turnover: Figure
    fees: Figure
    round_trips: int


class GridFigures(Contract):
    """All runs of a grid; `chosen` is the one that the rest of the report is about, `trials` what deflates it."""

    trials: int
    chosen: str
    deflated_sharpe: Figure | None
    runs: tuple[TrialFigures, ...]


class SourceFigures(Contract):
    """One input."""

    name: str
    kind: str
    identity: str
    rows: int
    refused: int


class StateFigures(Contract):
    """A change of the desk's state."""

    moment: UtcTime
    state: str
    told: str


class Provenance(Contract):
    """What the report follows from: with all of it the run can be had again."""

    code_version: str
    seed: int
    bootstrap_draws: int
    sources: tuple[SourceFigures, ...]
    parameters: dict[str, str]
    settings: dict[str, str]
    roster: str


class ReportFigures(Contract):
    """Everything that a report says."""

    schema_version: int = 1
    title: str
    verdict: str
    """The first sentences: won or lost, against what, and how sure that is."""
    name: str
    desk: str
    kind: str
    start: UtcTime
    end: UtcTime
    days: Figure
    step: str
    """How long the returns are: day, hour or minute."""
    returns: int
    capital: Figure
    final_equity: Figure
    performance: PerformanceFigures
    market: MarketFigures | None
    random_entry: RandomEntryFigures | None
    months: tuple[YearRow, ...]
    exposure: ExposureFigures
    trading: TradingFigures
    agents: tuple[TradingFigures, ...]
    symbols: tuple[TradingFigures, ...]
    conduct: tuple[ConductFigures, ...]
    orders: dict[str, int]
    costs: CostFigures
    grid: GridFigures | None = None
    states: tuple[StateFigures, ...] = ()
    notes: tuple[str, ...] = ()
    curve: Curve
    provenance: Provenance
