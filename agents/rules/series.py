"""What the rules ask of a series of closes: returns, their spread, averages, distance from the average."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, pstdev


def log_returns(closes: Sequence[float]) -> list[float]:
    """ln(c[i] / c[i-1]), one fewer than `closes`."""
    return [math.log(after / before) for before, after in pairwise(closes)]


def volatility(closes: Sequence[float]) -> float:
    """The standard deviation of the log returns, a share of the price; 0 with fewer than three."""
    return pstdev(log_returns(closes)) if len(closes) > 2 else 0.0


def exponential_average(values: Sequence[float], span: int) -> float:
    """The exponential moving average with weight 2 / (span + 1) on the newest, begun at the first value."""
    weight = 2.0 / (span + 1)
    average = values[0]
    for value in values[1:]:
        average += weight * (value - average)
    return average


def z_score(values: Sequence[float]) -> float:
    """How many standard deviations the last value lies from the mean of all; 0 when they are all the same."""
    spread = pstdev(values)
    return (values[-1] - fmean(values)) / spread if spread else 0.0
