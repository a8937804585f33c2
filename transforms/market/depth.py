"""The depth of one symbol's book: what lies at its best five levels, as of a bar's end."""

from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from transforms.market.as_of import AsOf
from transforms.market.columns import Micros, values
from transforms.market.quotes import MOST
from transforms.market.window import Depth
from transforms.order_book import OrderBook

LEVELS = 5

_KEPT_LEVELS = 500
_KEPT_UPDATES = 64

_UNKNOWN = (0.0, 0.0)


class BookDepth:
    """Follows the book; while it is not current (no snapshot yet, a gap, a broken level) there is no depth.

    The 500 to 1,000 best levels of each side are kept, so that the state stays small. On a recording in which the price
    moved by 0.35 % the best five were those of the whole book after every batch (a test holds them together).
    """

    def __init__(self, bar_seconds: int, stale_micros: int) -> None:
        self._length = bar_seconds * 1_000_000
        self._stale_micros = stale_micros
        self._book = OrderBook(most_kept=_KEPT_UPDATES)
        self._ended = AsOf(bar_seconds)
        self._latest = 0
        self._state: bytes | None = None

    @property
    def gaps(self) -> int:
        """How often the book was lost since this core was made."""
        return self._book.counts.gaps

    def put(self, times: Micros, rows: pa.RecordBatch, *, whole: bool) -> bool:
        """Take updates, or with `whole` a snapshot, in; False when a level cannot be: then none is believed."""
        self._state = None
        price, quantity = values(rows, "price"), values(rows, "quantity")
        with np.errstate(all="ignore"):
            sound = (price > 0) & (price < MOST) & (quantity >= 0) & (quantity < MOST)
        if not sound.all():
            self._book.distrust()
            return False
        if whole:
            self._advance(int(times[-1]))
            self._book.apply_snapshot(rows)
        else:
            stretch = times // self._length
            starts = [0, *(np.flatnonzero(stretch[1:] != stretch[:-1]) + 1).tolist(), len(times)]
            for start, end in pairwise(starts):
                self._advance(int(times[start]))
                self._book.apply_updates(rows.slice(start, end - start))
                self._latest = max(self._latest, int(times[start:end].max()))
        self._book.keep_best(_KEPT_LEVELS)
        self._latest = max(self._latest, int(times.max()))
        return True

    def before(self, now: int) -> Depth:
        """The depth before `now`, the end of a bar; NaN while the book cannot be told or is stale."""
        found = (self._latest, self._best()) if self._latest < now else self._ended.before(now)
        if found is None or found[1] == _UNKNOWN or now - found[0] > self._stale_micros:
            return Depth()
        return Depth(*found[1])

    def _advance(self, time: int) -> None:
        """Keep what a stretch ended with when the next one begins."""
        if time // self._length > self._latest // self._length and self._latest:
            self._ended.keep(self._latest, self._best())

    def _best(self) -> tuple[float, float]:
        bids, asks = self._book.bids(LEVELS), self._book.asks(LEVELS)
        if not self._book.is_current or len(bids) < LEVELS or len(asks) < LEVELS or bids[0][0] >= asks[0][0]:
            return _UNKNOWN
        return (sum(quantity for _, quantity in bids), sum(quantity for _, quantity in asks))

    def state(self) -> orjson.Fragment:
        """All of it as JSON: what `take_up` reads. Made once a batch of the book, as the state is asked for more often."""
        if self._state is None:
            self._state = orjson.dumps([self._latest, self._ended.state(), self._book.state()])
        return orjson.Fragment(self._state)

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self._latest, ended, book = state
        self._ended.take_up(ended)
        self._book.take_up(book)
        self._state = None
