"""The features: what an agent is told about a market, one function each.

To add a feature, write one function here and put `@feature("its_name", bars=how many it needs)` above it; it then appears in
snapshots, tables and prompts by that name. A feature is a function of a `Window` alone. It works on the last axis, so the
same function gives one number for a snapshot, and a whole column for a history (`feature_columns`). NaN says that it cannot
be told; it is then absent from the snapshot, as it is while there are fewer than its number of bars.

In the formulas c, h, l, v are close, high, low and volume of the last bar, c[-k] the close k bars before it; N bars are kept
(transforms.market.window.BARS_KEPT).
"""

from functools import lru_cache

import numpy as np

from transforms.market.columns import Floats
from transforms.market.feature import FEATURES, feature, feature_columns, features_of
from transforms.market.window import Values, Window

__all__ = ["FEATURES", "feature", "feature_columns", "features_of"]

# --- the last bar ---------------------------------------------------------------------------------------------------


@feature("bar_open")
def bar_open(window: Window) -> Values:
    """The first price of the last bar, in quote currency."""
    return window.open[..., -1]


@feature("bar_high")
def bar_high(window: Window) -> Values:
    """The highest price of the last bar, in quote currency."""
    return window.high[..., -1]


@feature("bar_low")
def bar_low(window: Window) -> Values:
    """The lowest price of the last bar, in quote currency."""
    return window.low[..., -1]


@feature("bar_close")
def bar_close(window: Window) -> Values:
    """The last price of the last bar, in quote currency."""
    return window.close[..., -1]


@feature("bar_volume")
def bar_volume(window: Window) -> Values:
    """What was traded in the last bar, in the base asset."""
    return window.volume[..., -1]


@feature("bar_trades")
def bar_trades(window: Window) -> Values:
    """The number of trades in the last bar."""
    return window.trades[..., -1]


# --- returns and volatility -----------------------------------------------------------------------------------------


@feature("return_1", bars=2)
def return_1(window: Window) -> Values:
    """Simple return over one bar: c / c[-1] - 1, a share of the price."""
    return _simple_return(window, 1)


@feature("return_5", bars=6)
def return_5(window: Window) -> Values:
    """Simple return over five bars: c / c[-5] - 1, a share of the price."""
    return _simple_return(window, 5)


@feature("return_15", bars=16)
def return_15(window: Window) -> Values:
    """Simple return over fifteen bars: c / c[-15] - 1, a share of the price."""
    return _simple_return(window, 15)


@feature("return_60", bars=61)
def return_60(window: Window) -> Values:
    """Simple return over sixty bars: c / c[-60] - 1, a share of the price."""
    return _simple_return(window, 60)


@feature("realised_volatility_20", bars=21)
def realised_volatility_20(window: Window) -> Values:
    """sqrt(mean(ln(c[i] / c[i-1])^2)) over the last 20 bars, a share of the price per bar.

    Source: Andersen and Bollerslev, Answering the Skeptics (1998): realised variance, here for one bar.
    """
    logarithms = np.log(window.close[..., -21:])
    return np.sqrt(_mean((logarithms[..., 1:] - logarithms[..., :-1]) ** 2))


@feature("atr_14", bars=15)
def atr_14(window: Window) -> Values:
    """Wilder's average of max(h, c[-1]) - min(l, c[-1]) over 14 bars, in quote currency: the average true range.

    Source: Wilder, New Concepts in Technical Trading Systems (1978). Begun as the mean of the first 14 of the bars kept.
    """
    before = window.close[..., :-1]
    true_range = np.maximum(window.high[..., 1:], before) - np.minimum(window.low[..., 1:], before)
    return _recursive_average(true_range, 14, 1 / 14)


@feature("bollinger_position_20", bars=20)
def bollinger_position_20(window: Window) -> Values:
    """(c - mean) / (2 s) over 20 closes, s their population deviation: -1 on the lower band, +1 on the upper.

    Source: Bollinger, Bollinger on Bollinger Bands (2001), bands of (20, 2). Absent while the price stands still.
    """
    closes = window.close[..., -20:]
    return (closes[..., -1] - _mean(closes)) / (2 * _deviation(closes))


@feature("jump_score_60", bars=22)
def jump_score_60(window: Window) -> Values:
    """(r - median) / max(1.4826 MAD, 1.2533 MeanAD): how unlike the 60 returns before it (20 at least) the last return r is.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): the robust z-score. MAD and MeanAD are the median
    and the mean distance from the median; the mean keeps a price that mostly stands still from jumping with every tick.
    """
    closes = window.close[..., -62:]
    returns = closes[..., 1:] / closes[..., :-1] - 1
    before = returns[..., :-1]
    middle = _median(before)
    distances = np.abs(before - middle[..., np.newaxis])
    spread = np.maximum(1.4826 * _median(distances), 1.2533 * _mean(distances))
    return (returns[..., -1] - middle) / spread


# --- trend ----------------------------------------------------------------------------------------------------------


@feature("rsi_14", bars=15)
def rsi_14(window: Window) -> Values:
    """100 G / (G + L), from 0 to 100: G and L are Wilder's averages of the rises and of the falls of 14 closes.

    Source: Wilder (1978). Begun as the mean of the first 14 of the bars kept; absent when the price never moved.
    """
    changes = window.close[..., 1:] - window.close[..., :-1]
    gains = _recursive_average(np.maximum(changes, 0.0), 14, 1 / 14)
    losses = _recursive_average(np.maximum(-changes, 0.0), 14, 1 / 14)
    return 100.0 * gains / (gains + losses)


@feature("trend_12_26", bars=26)
def trend_12_26(window: Window) -> Values:
    """(EMA12 - EMA26) / c, a share of the price; an EMA of n weighs the newest close with 2 / (n + 1).

    Source: Appel's moving average convergence/divergence (1979), over the price so that symbols compare. Each average begins
    as the mean of the first n of the bars kept.
    """
    fast = _recursive_average(window.close, 12, 2 / 13)
    slow = _recursive_average(window.close, 26, 2 / 27)
    return (fast - slow) / window.close[..., -1]


# --- volume ---------------------------------------------------------------------------------------------------------


@feature("vwap_20", bars=20)
def vwap_20(window: Window) -> Values:
    """Quote volume / volume of 20 bars, in quote currency: the average price, weighed by volume; absent without volume."""
    return window.quote_volume[..., -20:].sum(axis=-1) / window.volume[..., -20:].sum(axis=-1)


@feature("vwap_distance_20", bars=20)
def vwap_distance_20(window: Window) -> Values:
    """Distance from the average price: c / vwap_20 - 1, a share of the price."""
    return window.close[..., -1] / vwap_20(window) - 1


@feature("volume_z_20", bars=20)
def volume_z_20(window: Window) -> Values:
    """(v - mean) / s over the volumes of 20 bars, s their population deviation; absent while they are all the same."""
    volumes = window.volume[..., -20:]
    return (volumes[..., -1] - _mean(volumes)) / _deviation(volumes)


@feature("signed_volume_share")
def signed_volume_share(window: Window) -> Values:
    """(taker buys - taker sells) / v of the last bar, from -1 to 1; absent without volume."""
    return _signed_share(window, 1)


@feature("signed_volume_share_20", bars=20)
def signed_volume_share_20(window: Window) -> Values:
    """(taker buys - taker sells) / volume of the last 20 bars, from -1 to 1; absent without volume."""
    return _signed_share(window, 20)


# --- the quote ------------------------------------------------------------------------------------------------------


@feature("spread")
def spread(window: Window) -> Values:
    """(ask - bid) / mid, a share of the price."""
    quote = window.quote
    return (quote.ask - quote.bid) / ((quote.ask + quote.bid) / 2)


@feature("microprice")
def microprice(window: Window) -> Values:
    """(bid * ask quantity + ask * bid quantity) / (both quantities), in quote currency.

    Source: Gatheral and Oomen, Zero-intelligence realized variance estimation (2010): the mid, leaning to the thinner side.
    """
    quote = window.quote
    both = quote.bid_quantity + quote.ask_quantity
    return (quote.bid * quote.ask_quantity + quote.ask * quote.bid_quantity) / both


@feature("top_imbalance")
def top_imbalance(window: Window) -> Values:
    """(bid quantity - ask quantity) / (both), from -1 to 1, at the best prices."""
    quote = window.quote
    return (quote.bid_quantity - quote.ask_quantity) / (quote.bid_quantity + quote.ask_quantity)


@feature("book_imbalance_5")
def book_imbalance_5(window: Window) -> Values:
    """(bids - asks) / (both), from -1 to 1: the quantities at the best five prices of each side.

    Source: Cao, Hansch and Wang, The Information Content of an Open Limit-Order Book (2009). Absent while the book
    is not known.
    """
    depth = window.depth
    return (depth.bid_quantity - depth.ask_quantity) / (depth.bid_quantity + depth.ask_quantity)


@feature("quote_age")
def quote_age(window: Window) -> Values:
    """Seconds from the last quote to the bar's end: how stale it is."""
    return window.quote.age


# --- the mark -------------------------------------------------------------------------------------------------------


@feature("funding_rate")
def funding_rate(window: Window) -> Values:
    """The venue's funding rate for the current interval, a share of the position: longs pay it when it is positive."""
    return window.mark.funding_rate


@feature("mark_index_basis")
def mark_index_basis(window: Window) -> Values:
    """What the perpetual costs above the spot index: mark / index - 1, a share of the price."""
    return window.mark.mark_price / window.mark.index_price - 1


# --- what several of them are made of -------------------------------------------------------------------------------


def _simple_return(window: Window, bars: int) -> Values:
    return window.close[..., -1] / window.close[..., -1 - bars] - 1


def _mean(values: Floats) -> Values:
    return np.add.reduce(values, axis=-1) / values.shape[-1]


def _median(values: Floats) -> Values:
    """As np.median gives it, which takes ten times as long for so few."""
    ordered, middle = np.sort(values, axis=-1), values.shape[-1] // 2
    return (ordered[..., middle] + ordered[..., (values.shape[-1] - 1) // 2]) / 2


def _deviation(values: Floats) -> Values:
    """The population deviation; NaN where all values are the same, which rounding would otherwise make a speck of."""
    constant = np.minimum.reduce(values, axis=-1) == np.maximum.reduce(values, axis=-1)
    deviation = np.sqrt(_mean((values - _mean(values)[..., np.newaxis]) ** 2))
    return np.where(constant, np.nan, deviation)


def _signed_share(window: Window, bars: int) -> Values:
    volume = window.volume[..., -bars:].sum(axis=-1)
    return 2 * window.taker_buy_volume[..., -bars:].sum(axis=-1) / volume - 1


def _recursive_average(values: Floats, first: int, weight: float) -> Values:
    """The mean a of the first values, then a + weight * (value - a) for each further one: as one weighted sum."""
    return values @ _weights(values.shape[-1], first, weight)


@lru_cache(maxsize=1_024)
def _weights(length: int, first: int, weight: float) -> Floats:
    further = length - first
    weights = np.full(length, (1 - weight) ** further / first)
    weights[first:] = weight * (1 - weight) ** np.arange(further - 1, -1, -1)
    return weights
