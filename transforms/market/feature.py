"""What a feature is: a formula with a name, in one registry; and all of them told at once, for a moment or a history."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from transforms.market.columns import Floats
from transforms.market.window import BAR_COLUMNS, BARS_KEPT, Depth, MarkPrice, Quote, Values, Window

Formula = Callable[[Window], Values]


class Feature(NamedTuple):
    """A named formula, and the number of closed bars without which it is absent."""

    name: str
    bars: int
    formula: Formula


FEATURES: dict[str, Feature] = {}
"""By name."""


def feature(name: str, *, bars: int = 1) -> Callable[[Formula], Formula]:
    """Make the decorated function the feature called `name`, told from `bars` closed bars on."""
    if not 1 <= bars <= BARS_KEPT:
        raise ValueError(f"{name} needs {bars} bars; {BARS_KEPT} are kept")

    def registered(formula: Formula) -> Formula:
        if name in FEATURES:
            raise ValueError(f"two features are called {name!r}")
        FEATURES[name] = Feature(name, bars, formula)
        return formula

    return registered


def features_of(window: Window) -> dict[str, float]:
    """Every feature that can be told from a window of one moment, by name."""
    with np.errstate(all="ignore"):
        told = {name: float(f.formula(window)) for name, f in FEATURES.items() if window.bars >= f.bars}
    return {name: value for name, value in told.items() if np.isfinite(value)}


def feature_columns(history: Window) -> dict[str, Floats]:
    """Every feature at every bar of a history (m,), NaN where it is absent.

    Equal to `features_of` at each bar to a relative 1e-9 (the same sums, added in another order). The quote and the mark of
    the history are (m,) each, as of each bar's end, or NaN.
    """
    length = history.bars
    columns = {name: np.full(length, np.nan) for name in FEATURES}
    for end in range(1, min(length, BARS_KEPT - 1) + 1):
        for name, value in features_of(_at(history, slice(0, end), end - 1)).items():
            columns[name][end - 1] = value
    if length >= BARS_KEPT:
        whole = slice(BARS_KEPT - 1, None)
        columns_of_windows = [sliding_window_view(bars, BARS_KEPT) for bars in history[:BAR_COLUMNS]]
        windows = Window._make([*columns_of_windows, *_moments(history, whole)])
        with np.errstate(all="ignore"):
            for name, f in FEATURES.items():
                told = np.asarray(f.formula(windows), np.float64)
                columns[name][whole] = np.where(np.isfinite(told), told, np.nan)
    return columns


def _moments(history: Window, where: slice | int) -> tuple[Quote, MarkPrice, Depth]:
    return (
        Quote._make(_picked(history.quote, where)),
        MarkPrice._make(_picked(history.mark, where)),
        Depth._make(_picked(history.depth, where)),
    )


def _picked(values: tuple[Values, ...], where: slice | int) -> list[Values]:
    return [value[where] if isinstance(value, np.ndarray) else value for value in values]


def _at(history: Window, bars: slice, moment: int) -> Window:
    return Window._make([*(column[bars] for column in history[:BAR_COLUMNS]), *_moments(history, moment)])
