"""What a series of returns amounts to: growth, volatility, Sharpe, Sortino, Calmar. The riskless rate is zero."""

import math
from dataclasses import dataclass

import numpy as np

from transforms.reporting.drawdown import deepest
from transforms.reporting.series import Floats, compounded
from transforms.reporting.sharpe_certainty import sharpe_by_step


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures of one series; those that it does not define are None (no volatility, no loss, no drawdown).

    `total` is over the period, everything else a year's. `cagr` and what rests on it is meant for periods of a month
    and more: a shorter one is blown up by its exponent.
    """

    total: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    deepest_drawdown: float


def measure(returns: Floats, per_year: float) -> Performance:
    """The figures of n returns, `per_year` of which are a year.

    cagr       = (1 + total) ^ (per_year / n) - 1
    volatility = deviation (n - 1) x sqrt(per_year)
    sharpe     = mean / deviation x sqrt(per_year)
    sortino    = mean / sqrt(mean of min(r, 0)^2) x sqrt(per_year)
    calmar     = cagr / deepest drawdown
    """
    total = compounded(returns)
    growth = annual_growth(total, len(returns) / per_year)
    depth = deepest(returns)
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))) if len(returns) else 0.0
    return Performance(
        total=total,
        cagr=growth,
        volatility=volatility(returns, per_year),
        sharpe=sharpe(returns, per_year),
        sortino=float(np.mean(returns)) / downside * math.sqrt(per_year) if downside > 0 else None,
        calmar=growth / depth if growth is not None and depth > 0 else None,
        deepest_drawdown=depth,
    )


def annual_growth(total: float, years: float) -> float | None:
    """The yearly return that compounds to `total`; None when it passes what a number can hold."""
    try:
        return max(1.0 + total, 0.0) ** (1.0 / years) - 1.0 if years > 0 else None
    except OverflowError:
        return None


def volatility(returns: Floats, per_year: float) -> float | None:
    """The yearly standard deviation; None for fewer than two returns."""
    return float(np.std(returns, ddof=1)) * math.sqrt(per_year) if len(returns) > 1 else None


def sharpe(returns: Floats, per_year: float) -> float | None:
    """The yearly Sharpe ratio; None where `sharpe_by_step` is."""
    ratio = sharpe_by_step(returns)
    return None if ratio is None else ratio * math.sqrt(per_year)
