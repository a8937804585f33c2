"""How good the forecasts are, walk-forward: pinball loss and coverage beside a naive walk and exponential smoothing.

Every 15th bar each forecaster is shown the 60 closes up to it, as the agent's endpoint is, and says the quantiles of the
15 bars that follow; nothing of those is known to it. The pinball loss is the mean over bars and quantiles, in basis
points of the price at the origin: lower is better.
"""

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from statistics import NormalDist, pstdev

import numpy as np

from agents.kinds.forecast import BARS_AHEAD, LEVELS
from agents.serving.forecaster import forecast
from tests.benchmarks.figure import CannotRun, Figure, Figures
from tests.benchmarks.quality_bars import Bars, Floats, every_period
from tests.benchmarks.resampling import mean_interval
from transforms.decisions.agent_context import CLOSES_KEPT

MOST_ORIGINS = 96
"""Of a long period so many origins are taken, evenly: the fits of the smoothing are what takes the time."""
SCORES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
TRENDS: tuple[dict[str, object], ...] = (
    {"trend": None},
    {"trend": "add"},
    {"trend": "add", "damped_trend": True},
)

Forecaster = Callable[[Floats], Floats]
"""From closes (n,) to quantiles (BARS_AHEAD, len(LEVELS))."""


def measure() -> Figures:
    """The forecaster behind lagllama-degen on this machine, on every period that is there."""
    figures: Figures = {}
    for bars in every_period():
        figures |= _of(bars)
    return figures


def _of(bars: Bars) -> Figures:
    origins = np.arange(CLOSES_KEPT, len(bars) - BARS_AHEAD + 1, BARS_AHEAD)
    if len(origins) > MOST_ORIGINS:
        origins = origins[np.linspace(0, len(origins) - 1, MOST_ORIGINS).astype(int)]
    peers: dict[str, Forecaster] = {"ours": _ours, "naive walk": naive, "ETS": smoothed}
    losses: dict[str, Floats] = {}
    covered: dict[str, tuple[float, float]] = {}
    for name, forecaster in peers.items():
        said = np.array([forecaster(bars.close[origin - CLOSES_KEPT : origin]) for origin in origins])
        came = np.array([bars.close[origin : origin + BARS_AHEAD] for origin in origins])
        last = bars.close[origins - 1]
        losses[name] = pinball(said, came, np.array(LEVELS)).mean(axis=(1, 2)) / last * 1e4
        covered[name] = coverage(said, came, 0, -1), coverage(said, came, 1, -2)

    def beside(values: dict[str, float]) -> dict[str, float]:
        return {name: value for name, value in values.items() if name != "ours"}

    means = {name: float(loss.mean()) for name, loss in losses.items()}
    figures = {f"{bars.name}: origins": Figure(len(origins), "")}
    figures[f"{bars.name}: pinball loss"] = Figure(means["ours"], "bp", beside(means))
    for peer in beside(means):
        low, high = mean_interval(losses["ours"] - losses[peer])
        figures[f"{bars.name}: pinball loss less that of {peer}, 95 % from"] = Figure(low, "bp")
        figures[f"{bars.name}: pinball loss less that of {peer}, 95 % to"] = Figure(high, "bp")
    for place, share in enumerate((0.9, 0.5)):
        values = {name: found[place] for name, found in covered.items()}
        figures[f"{bars.name}: coverage of the middle {share:.0%}"] = Figure(
            values["ours"], "", beside(values)
        )
    return figures


def pinball(said: Floats, came: Floats, levels: Floats) -> Floats:
    """The loss of quantiles `said` (..., k) at `levels` (k,) when `came` (...) followed; (..., k), in units of price."""
    above = came[..., None] - said
    return np.maximum(levels * above, (levels - 1.0) * above)


def coverage(said: Floats, came: Floats, low: int, high: int) -> float:
    """The share of `came` (...) between two of the quantiles `said` (..., k)."""
    return float(((said[..., low] <= came) & (came <= said[..., high])).mean())


def _ours(closes: Floats) -> Floats:
    return np.array(forecast(closes.tolist(), BARS_AHEAD, LEVELS))


def naive(closes: Floats) -> Floats:
    """The last close, with the deviation of all 59 returns alike, growing with the root of time."""
    deviation = pstdev(math.log(after / before) for before, after in pairwise(closes.tolist()))
    spread = deviation * np.sqrt(np.arange(1, BARS_AHEAD + 1))
    return closes[-1] * np.exp(spread[:, None] * SCORES)


def smoothed(closes: Floats) -> Floats:
    """Exponential smoothing of the log closes with additive errors; no, a linear or a damped trend, by AICc."""
    try:
        import pandas as pd
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    except ModuleNotFoundError:
        raise CannotRun("statsmodels is not installed: run `make setup`") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not converge is still the peer's answer
        series, made = pd.Series(np.log(closes)), {"error": "add", "initialization_method": "heuristic"}
        fits = [ETSModel(series, **made, **trend).fit(disp=False) for trend in TRENDS]
        best = min(fits, key=lambda fit: fit.aicc)
        told = best.get_prediction(start=len(closes), end=len(closes) + BARS_AHEAD - 1)
    spread = np.sqrt(np.maximum(told.forecast_variance, 0.0))
    return np.exp(np.asarray(told.predicted_mean)[:, None] + np.asarray(spread)[:, None] * SCORES)
