"""A history: the bars and features of a whole recording at once, without going through it event by event."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.market.bars import SECOND
from transforms.market.candles import UNITS, Trades, candle_columns
from transforms.market.columns import Floats, Micros, moments, values
from transforms.market.features import feature_columns
from transforms.market.quotes import QUOTE_COLUMNS, are_usable
from transforms.market.window import Quote, Window


class History(NamedTuple):
    """Consecutive bars of `seconds` each; `opened` (n,) microseconds, the window's columns (n,)."""

    seconds: int
    opened: Micros
    window: Window

    def features(self) -> dict[str, Floats]:
        """Every feature at every bar, (n,) each, NaN where it is absent."""
        return feature_columns(self.window)


def history(
    trades: pa.RecordBatch, quotes: pa.RecordBatch | None, seconds: int, stale_seconds: float = 5.0
) -> History:
    """The bars of all the trades (one at least that is sound) with the quotes as of their ends.

    What a `Market` with snapshots of that length says, if nothing comes late and every stretch is heard of: the same
    numbers for the bars, features equal to a relative 1e-9. A stretch without trades is a flat bar.
    """
    length = seconds * SECOND
    candles = candle_columns(Trades.of(trades).sound().in_order(), length)
    opened = np.arange(candles.start[0], candles.start[-1] + length, length)
    place = np.searchsorted(candles.start, opened, "right") - 1
    traded = candles.start[place] == opened
    close = candles.close[place]

    def priced(column: Floats) -> Floats:
        return np.where(traded, column[place], close)

    def added(column: Micros, units: int = UNITS) -> Floats:
        return np.where(traded, column[place] / units, 0.0)

    window = Window(
        priced(candles.open),
        priced(candles.high),
        priced(candles.low),
        close,
        added(candles.volume),
        added(candles.quote_volume),
        added(candles.taker_buy_volume),
        added(candles.trades, 1),
        Quote() if quotes is None else _quotes_before(opened + length, quotes, round(stale_seconds * SECOND)),
    )
    return History(seconds, opened, window)


def _quotes_before(ends: Micros, rows: pa.RecordBatch, stale_micros: int) -> Quote:
    """The last quote before each moment, NaN where there is none to trade on."""
    times = moments(rows)
    columns = [values(rows, name) for name in QUOTE_COLUMNS]
    if not (times[1:] >= times[:-1]).all():
        order = np.argsort(times, kind="stable")
        times, columns = times[order], [column[order] for column in columns]
    place = np.searchsorted(times, ends) - 1
    ages = ends - times[place]
    found = [column[place] for column in columns]
    usable = (place >= 0) & are_usable(found[0], found[2], ages, stale_micros)
    told = (np.where(usable, column, np.nan) for column in (*found, ages / SECOND))
    return Quote._make(told)
