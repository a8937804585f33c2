"""The plainest alternative: buying at the beginning, and holding."""

from collections.abc import Mapping

import numpy as np

from transforms.reporting.series import Floats, Micros, Series


def buy_and_hold(prices: Mapping[str, Series], edges: Micros) -> Floats | None:
    """The worth at each edge of 1, put in equal parts into every symbol at the first edge, free of costs.

    What was meant for a symbol without a price yet waits as cash until its first. None when no symbol has a price.
    """
    levels = []
    for _, series in sorted(prices.items()):
        if len(series.values):
            priced = series.at(edges)
            levels.append(priced / priced[0])
    return np.mean(levels, axis=0) if levels else None
