"""The statistical forecaster: a price that wanders without a drift, as wide as it wandered lately."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from agents.serving.forecast_request import prediction, read_forecast_instance

STATISTICAL = "statistical"
"""The name under which it is served."""

DECAY = 0.97
"""The weight of a bar's squared return against that of the bar after it; half of the weight lies in the last 23."""
PRIOR = 0.001
"""The deviation of a bar's return that is believed in before anything was seen, and for how many bars' worth of weight."""
PRIOR_BARS = 5.0

_NORMAL = NormalDist()


def bar_deviation(closes: Sequence[float]) -> float:
    """The standard deviation expected of the next bar's log return: squared returns, weighted by age, and the prior."""
    total, weight, variance = PRIOR_BARS, 1.0, PRIOR_BARS * PRIOR**2
    for before, after in reversed(list(pairwise(closes))):
        variance += weight * math.log(after / before) ** 2
        total += weight
        weight *= DECAY
    return math.sqrt(variance / total)


def forecast(closes: Sequence[float], bars: int, levels: Sequence[float]) -> list[list[float]]:
    """For each bar ahead the quantiles of the price at `levels`: p x exp(z x s x sqrt(bar)), the median the price itself.

    It claims no direction, because on minutes of a liquid market there is none to be had from the price alone.
    """
    deviation, scores = bar_deviation(closes), [_NORMAL.inv_cdf(level) for level in levels]
    return [
        [closes[-1] * math.exp(score * deviation * math.sqrt(ahead)) for score in scores]
        for ahead in range(1, bars + 1)
    ]


def statistical_prediction(instance: object) -> dict[str, Any]:
    """The answer to a forecast instance; raises `chat.BadInstance`."""
    asked = read_forecast_instance(instance)
    quantiles = forecast(asked.target, asked.prediction_length, asked.quantile_levels)
    return prediction(f"forecast:{STATISTICAL}", quantiles)
