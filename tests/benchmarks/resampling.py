"""How sure a mean is: the bootstrap, with a seed, so that the same data gives the same interval."""

import numpy as np
from numpy.typing import NDArray

SEED = 20_240_115
RESAMPLES = 4_000


def mean_interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """The bootstrap's interval of the mean of `values` (n,), n at least 1: the percentiles of resampled means."""
    draws = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    tail = (1 - level) / 2 * 100
    low, high = np.percentile(values[draws].mean(axis=1), [tail, 100 - tail])
    return float(low), float(high)
