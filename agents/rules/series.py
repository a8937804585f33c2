"""What the rules ask of a series of closes: returns, their spread, averages, distance from the average."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean


def log_returns(closes: Sequence[float]) -> list[float]:
    """ln(c[i] / c[i-1]), one fewer than `closes`."""
    return [math.log(after / before) for before, after in pairwise(closes)]


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of all of them, to the last bit: what `statistics.pstdev` gives, several times as fast.

    A float is a whole number of parts of a power of two. With n of them, each w whole parts of 1 / u, it is
    sqrt(n x sum(w^2) - sum(w)^2) / (n x u), where only the root has to be rounded: to odd, with bits to spare, so that the
    division rounds as if it had the root itself.
    """
    ratios = [value.as_integer_ratio() for value in values]
    unit = max([parts for _, parts in ratios])
    whole = [number * (unit // parts) for number, parts in ratios]
    squares = len(whole) * sum([number * number for number in whole]) - sum(whole) ** 2
    spare = 64 + len(whole).bit_length()
    root = math.isqrt(squares << 2 * spare)
    root |= root * root != squares << 2 * spare
    return root / (len(whole) * unit << spare)


def volatility(closes: Sequence[float]) -> float:
    """The standard deviation of the log returns, a share of the price; 0 with fewer than three."""
    return deviation(log_returns(closes)) if len(closes) > 2 else 0.0


def exponential_average(values: Sequence[float], span: int) -> float:
    """The exponential moving average with weight 2 / (span + 1) on the newest, begun at the first value."""
    weight = 2.0 / (span + 1)
    average = values[0]
    for value in values[1:]:
        average += weight * (value - average)
    return average


def z_score(values: Sequence[float]) -> float:
    """How many standard deviations the last value lies from the mean of all; 0 when they are all the same."""
    spread = deviation(values)
    return (values[-1] - fmean(values)) / spread if spread else 0.0
