"""How much of the capital was at work, and how often it was turned over."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from transforms.reporting.fills import Fill
from transforms.reporting.series import YEAR, Floats, Series


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposures are shares of equity, averaged over time; `turnover` is a multiple of the mean equity."""

    turnover: float
    turnover_per_year: float
    traded_value: float
    gross: float
    net: float
    largest_gross: float
    time_in_market: float


def exposure(
    fills: Iterable[Fill], equity: Series, gross: Series, net: Series, start: int, end: int
) -> Exposure:
    """Of a period; the three series are given at the same moments, each value in force until the next.

    turnover       = sum of quantity x price over all fills / mean equity over time
    gross, net     = mean over time of exposure / equity
    time in market = share of the time with any exposure
    """
    traded = float(sum(fill.notional for fill in fills if not fill.carried))
    inside = (equity.moments >= start) & (equity.moments < end)
    moments = equity.moments[inside]
    weights = np.diff(np.concatenate((moments, [end]))).astype(np.float64)
    worth = equity.values[inside]
    solvent = worth > 0
    mean_equity = _mean(np.maximum(worth, 0.0), weights)
    share = np.where(solvent, gross.values[inside] / np.where(solvent, worth, 1.0), 0.0)
    leaning = np.where(solvent, net.values[inside] / np.where(solvent, worth, 1.0), 0.0)
    turnover = traded / mean_equity if mean_equity > 0 else 0.0
    return Exposure(
        turnover=turnover,
        turnover_per_year=turnover * YEAR / (end - start),
        traded_value=traded,
        gross=_mean(share, weights),
        net=_mean(leaning, weights),
        largest_gross=float(np.max(share, initial=0.0)),
        time_in_market=_mean((gross.values[inside] > 0).astype(np.float64), weights),
    )


def _mean(values: Floats, weights: Floats) -> float:
    whole = float(np.sum(weights))
    return float(np.sum(values * weights)) / whole if whole > 0 else 0.0
