"""How sure a figure is: the stationary block bootstrap, which keeps what neighbouring returns have to do with each other.

Politis and Romano, "The Stationary Bootstrap", Journal of the American Statistical Association 89 (1994): blocks of
geometrically distributed length, from anywhere in the series, around its end to its beginning.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.reporting.series import Floats

DRAWS = 2_000
CONFIDENCE = 0.95
FEWEST_RETURNS = 20
"""Below so many returns no interval is told."""

_CELLS_AT_ONCE = 4_000_000


class Interval(NamedTuple):
    """Where a figure lies in CONFIDENCE of the draws: between their 2.5 % and 97.5 % quantiles."""

    low: float
    high: float

    @property
    def includes_zero(self) -> bool:
        """Whether the figure could as well be nothing."""
        return self.low <= 0.0 <= self.high


def block_length(n: int) -> int:
    """The mean length of a block for n returns: the cube root of n, rounded up."""
    return max(1, int(np.ceil(round(n ** (1 / 3), 9))))


def resamples(n: int, draws: int, block: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Places (m, n) to draw n returns from, in batches of m, `draws` in all; the same seed gives the same places.

    At each place a new block begins with probability 1 / block; else the place after the one before it is taken.
    """
    chance = np.random.default_rng(seed)
    for batch in _batches(draws, n):
        starts = chance.integers(0, n, (batch, n))
        begins = chance.random((batch, n)) < 1.0 / block
        begins[:, 0] = True
        place = np.arange(n)
        since = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
        yield (np.take_along_axis(starts, since, axis=1) + place - since) % n


def _batches(draws: int, n: int) -> Iterator[int]:
    most = max(1, _CELLS_AT_ONCE // n)
    for done in range(0, draws, most):
        yield min(most, draws - done)


def interval(
    statistic: Callable[..., Floats], *series: Floats, seed: int, draws: int = DRAWS
) -> Interval | None:
    """The interval of a statistic of one or more series of returns of one length, drawn together.

    `statistic` takes an array (m, n) for each series and gives (m,); draws for which it is not finite are left out. None
    for fewer than FEWEST_RETURNS returns, or when it is finite for fewer than nine draws of ten.
    """
    n = len(series[0])
    if n < FEWEST_RETURNS:
        return None
    with np.errstate(all="ignore"):
        found = np.concatenate(
            [
                statistic(*(values[places] for values in series))
                for places in resamples(n, draws, block_length(n), seed)
            ]
        )
    finite = found[np.isfinite(found)]
    if len(finite) < 0.9 * draws:
        return None
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(finite, (tail, 1.0 - tail))
    return Interval(float(low), float(high))


def totals(returns: Floats) -> Floats:
    """The compounded return of each row."""
    return np.prod(1.0 + returns, axis=1) - 1.0


def sharpes(returns: Floats) -> Floats:
    """The Sharpe ratio of each row, by step."""
    return np.mean(returns, axis=1) / np.std(returns, axis=1, ddof=1)


def excesses(returns: Floats, others: Floats) -> Floats:
    """By how much each row's compounded return exceeds the other's."""
    return totals(returns) - totals(others)
