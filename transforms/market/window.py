"""The window: the recent closed bars as columns, with the quote, the mark and the depth as of the last one's end."""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from transforms.market.bars import SECOND, Bar
from transforms.market.columns import Floats

BARS_KEPT = 128
"""A feature is a function of so many bars at most, so a job that starts anew is exact once it has seen them."""

BAR_COLUMNS = 8
"""The first fields of a window: the columns of its bars."""

Values: TypeAlias = Any
"""A float for one moment, or an array (m,) for many."""


class Quote(NamedTuple):
    """The best bid and ask with their quantities (base asset), and how long ago (seconds); NaN while there is none.

    A number each for one moment, or (m,) for many.
    """

    bid: Values = np.nan
    bid_quantity: Values = np.nan
    ask: Values = np.nan
    ask_quantity: Values = np.nan
    age: Values = np.nan


class MarkPrice(NamedTuple):
    """The venue's mark and index price and its funding rate; NaN while there is none."""

    mark_price: Values = np.nan
    index_price: Values = np.nan
    funding_rate: Values = np.nan


class Depth(NamedTuple):
    """What rests at the best five prices of each side (base asset); NaN while the book is not known."""

    bid_quantity: Values = np.nan
    ask_quantity: Values = np.nan


class Window(NamedTuple):
    """Columns of consecutive closed bars, their last axis being time, oldest first: (n,) for one moment, (m, n) for many.

    Prices are in quote currency, `volume` and `taker_buy_volume` in the base asset, `quote_volume` in quote currency.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    taker_buy_volume: Floats
    trades: Floats
    quote: Quote = Quote()
    mark: MarkPrice = MarkPrice()
    depth: Depth = Depth()

    @property
    def bars(self) -> int:
        """How many bars it holds."""
        return int(self.close.shape[-1])


class RecentBars:
    """The last closed bars of one length, without a hole: a bar that does not begin where the last one ended starts anew."""

    def __init__(self) -> None:
        self._columns: NDArray[np.float64] = np.empty((BAR_COLUMNS, 0))
        self._opened: list[int] = []
        self.end_micros = 0
        self._state: bytes | None = None

    def add(self, bar: Bar) -> None:
        """Take the next bar in."""
        column = np.array(bar[2:], np.float64).reshape(BAR_COLUMNS, 1)
        if bar.open_micros != self.end_micros:
            self._columns, self._opened = column, [bar.open_micros]
        else:
            self._columns = np.concatenate((self._columns[:, 1 - BARS_KEPT :], column), axis=1)
            self._opened = [*self._opened[1 - BARS_KEPT :], bar.open_micros]
        self.end_micros = bar.open_micros + bar.seconds * SECOND
        self._state = None

    def __contains__(self, bar: Bar) -> bool:
        return bar.open_micros in self._opened

    def window(self, quote: Quote, mark: MarkPrice, depth: Depth) -> Window:
        """What the features are made of; there must be a bar."""
        return Window._make([*self._columns, quote, mark, depth])

    def state(self) -> orjson.Fragment:
        """All of it as JSON: what `take_up` reads. Made once a bar, as the state is asked for far more often."""
        if self._state is None:
            self._state = orjson.dumps([self.end_micros, self._opened, self._columns.tolist()])
        return orjson.Fragment(self._state)

    def take_up(self, state: Iterable) -> None:
        """Go on from what `state` gave."""
        self.end_micros, self._opened, columns = state
        self._columns = np.array(columns, np.float64).reshape(BAR_COLUMNS, -1)
        self._state = None
