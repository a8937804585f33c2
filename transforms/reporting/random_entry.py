"""The sceptic's alternative: the same trades at random times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from transforms.reporting.lots import Lot
from transforms.reporting.series import Floats, Series

DRAWS = 1_000
_CELLS_AT_ONCE = 2_000_000
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class RandomEntry:
    """Returns (share of the capital) of random entries, beside that of the desk's own, told the same way.

    `percentile` is the share of the draws that the desk's own entries did better than; a tie is half.
    """

    draws: int
    low: float
    median: float
    high: float
    own: float
    percentile: float


def random_entry(
    lots: Sequence[Lot], prices: Mapping[str, Series], start: int, end: int, capital: float, seed: int
) -> RandomEntry | None:
    """Every lot again, entered at a time that is drawn evenly from the period, and held as long as it was.

    Symbol, side, worth and fees stay, so turnover, exposure and costs are the same, and only the timing is chance.
    Prices are those in force at entry and exit. The own return is that of the lots at the prices that they got, without
    funding. `low` and `high` are the 5 % and 95 % quantiles. None when there are no lots with prices.
    """
    lots = [lot for lot in lots if lot.symbol in prices and len(prices[lot.symbol].values) > 1]
    if not lots or capital <= 0:
        return None
    draws = max(100, min(DRAWS, _MOST_CELLS // len(lots)))
    chance = np.random.default_rng(seed)
    made = np.full(draws, -sum(lot.fees for lot in lots))
    by_symbol: dict[str, list[Lot]] = {}
    for lot in lots:
        by_symbol.setdefault(lot.symbol, []).append(lot)
    for symbol, held in sorted(by_symbol.items()):
        at_once = max(1, _CELLS_AT_ONCE // draws)
        for first in range(0, len(held), at_once):
            made += _drawn(held[first : first + at_once], prices[symbol], start, end, draws, chance)
    own = sum(lot.profit for lot in lots)
    below = float(np.mean(made < own) + np.mean(made == own) / 2.0)
    low, median, high = np.quantile(made / capital, (0.05, 0.5, 0.95))
    return RandomEntry(draws, float(low), float(median), float(high), own / capital, below)


def _drawn(
    lots: Sequence[Lot], series: Series, start: int, end: int, draws: int, chance: np.random.Generator
) -> Floats:
    """What the lots make in each draw, before fees, (draws,)."""
    # Nothing is entered before the first price is known.
    start = max(start, int(series.moments[0]))
    lasted = np.array([min(lot.closed - lot.opened, end - start) for lot in lots], np.int64)
    signed = np.array([lot.sign * lot.notional for lot in lots])
    entered = start + (chance.random((draws, len(lots))) * (end - start - lasted)).astype(np.int64)
    gains = series.at(entered + lasted) / series.at(entered) - 1.0
    made: Floats = gains @ signed
    return made
