"""How likely a Sharpe ratio is no accident: probabilistic, and deflated by the number of trials.

Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012 (probabilistic Sharpe), and
"The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and Non-Normality", Journal of Portfolio
Management 40(5), 2014. All ratios here are by step, not by year.
"""

import math
from statistics import NormalDist

import numpy as np

from transforms.reporting.series import Floats

_NORMAL = NormalDist()
_EULER = 0.5772156649015329
_ROUNDING = 1e-15


def sharpe_by_step(returns: Floats) -> float | None:
    """Mean over standard deviation (n - 1); None for fewer than two returns, or when they do not differ but by rounding."""
    deviation = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return float(np.mean(returns)) / deviation if deviation > _ROUNDING else None


def probability_above(sharpe: float, benchmark: float, n: int, skewness: float, kurtosis: float) -> float:
    """The probability that the true Sharpe ratio is above `benchmark`, seen `sharpe` in n returns.

        PSR = Phi( (sharpe - benchmark) x sqrt(n - 1) / sqrt(1 - skewness x sharpe + (kurtosis - 1) / 4 x sharpe^2) )

    kurtosis is 3 for normal returns. Raises ValueError for fewer than two returns.
    """
    if n < 2:
        raise ValueError("a probability needs two returns at least")
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    # kurtosis >= 1 + skewness^2 keeps it positive, but for rounding.
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(max(variance, 1e-12)))


def expected_best(deviation: float, trials: int) -> float:
    """The best Sharpe ratio to be expected of `trials` worthless strategies whose ratios deviate by `deviation`.

        SR0 = deviation x ( (1 - g) x Phi^-1(1 - 1 / N) + g x Phi^-1(1 - 1 / (N e)) )      g = 0.5772...

    Zero for a single trial. Raises ValueError for none.
    """
    if trials < 1:
        raise ValueError("what was found had one trial at least")
    if trials == 1:
        return 0.0
    of_one = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    of_e = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return deviation * ((1.0 - _EULER) * of_one + _EULER * of_e)


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float | None:
    """PSR of a series of returns; None when its Sharpe ratio is not defined."""
    sharpe = sharpe_by_step(returns)
    if sharpe is None:
        return None
    centred = returns - np.mean(returns)
    spread = float(np.std(returns))
    skewness = float(np.mean(centred**3)) / spread**3
    kurtosis = float(np.mean(centred**4)) / spread**4
    return probability_above(sharpe, benchmark, len(returns), skewness, kurtosis)


def deflated_sharpe(returns: Floats, sharpes: list[float], trials: int) -> float | None:
    """PSR against the best to be expected of so many trials, whose Sharpe ratios by step (those known) are `sharpes`.

    With one trial it is the probabilistic Sharpe ratio. None when the Sharpe ratio is not defined, or when there were
    several trials and fewer than two of their ratios are known.
    """
    if trials > 1 and len(sharpes) < 2:
        return None
    deviation = float(np.std(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    return probabilistic_sharpe(returns, expected_best(deviation, trials))
