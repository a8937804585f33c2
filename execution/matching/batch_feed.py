"""Tells a core what is in batches of market data (contracts/market_data.py), whatever their kind."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import MarketBatch, MarketKind
from execution.matching.core import MatchingCore
from execution.matching.events import Event
from execution.matching.units import UNIT

MOST_KEPT_UPDATES = 2_000

Change = tuple[bool, int, int]
"""Whether it is a bid, its price, its quantity."""

Update = tuple[int, int, int, int, list[Change]]
"""first_id, last_id, previous_id, event time in microseconds, and what changed."""


_Counts = NDArray[np.int64]


@dataclass(slots=True)
class _Chain:
    """Up to which update id the core's book is known; updates that wait for a snapshot are `kept`."""

    is_whole: bool = False
    last_id: int = -1
    from_snapshot: bool = False
    kept: deque[Update] = field(default_factory=lambda: deque(maxlen=MOST_KEPT_UPDATES))


class BatchFeed:
    """Feeds one core. Symbols that it does not trade are passed over, and so are rows whose numbers are none.

    A book is told while its chain of update ids is whole: after a gap it is dropped until the next snapshot joins. Of trades
    and quotes among which nothing can happen only the last is told.
    """

    def __init__(self, core: MatchingCore) -> None:
        self._core = core
        self._chains: dict[str, _Chain] = {}
        self._takers: dict[MarketKind, Callable[[str, pa.RecordBatch], Iterator[Event]]] = {
            MarketKind.TRADE: self._trades,
            MarketKind.QUOTE: self._quotes,
            MarketKind.BOOK_UPDATE: self._updates,
            MarketKind.BOOK_SNAPSHOT: self._snapshot,
            MarketKind.MARK: self._marks,
            MarketKind.BAR: self._bars,
        }

    def take(self, batch: MarketBatch) -> list[Event]:
        """Tell the batch's rows in their order; what happened."""
        if batch.symbol not in self._core.pits:
            return []
        return list(self._takers[batch.kind](batch.symbol, batch.rows))

    def _trades(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        times, sound = _times(rows), _sound(rows, "price", "quantity")
        prices, quantities = _units(rows, "price", sound), _units(rows, "quantity", sound)
        makers = rows.column("buyer_is_maker").to_numpy(zero_copy_only=False)[sound].tolist()
        start = self._first_that_matters(symbol, times[sound], prices, prices)
        told = zip(times[sound].tolist(), prices.tolist(), quantities.tolist(), makers, strict=True)
        for place, trade in enumerate(told):
            if place >= start:
                yield from self._core.on_trade(symbol, *trade)

    def _quotes(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        names = ("bid", "bid_quantity", "ask", "ask_quantity")
        times, sound = _times(rows), _sound(rows, *names)
        columns = [np.where(sound, _units(rows, name), 0) for name in names]
        start = self._first_that_matters(symbol, times, columns[0], columns[2])
        told = list(zip(times.tolist(), *(column.tolist() for column in columns), strict=True))
        for quote in told[start:]:
            yield from self._core.on_quote(symbol, *quote)

    def _marks(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        times, sound = _times(rows), _sound(rows, "mark_price")
        rates = rows.column("funding_rate").to_numpy()
        rated = np.isfinite(rates)
        rates = np.rint(np.where(rated, rates, 0.0) * UNIT).astype(np.int64)
        marks = _units(rows, "mark_price", sound).tolist()
        told = zip(times[sound].tolist(), marks, rates[sound].tolist(), rated[sound].tolist(), strict=True)
        for micros, mark, rate, is_told in told:
            yield from self._core.on_mark(symbol, micros, mark, rate if is_told else None)

    def _bars(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        names = ("open", "high", "low", "close")
        sound = _sound(rows, *names)
        opened = rows.column("open_time").view(pa.int64()).to_numpy()[sound]
        columns = [_units(rows, name, sound).tolist() for name in (*names, "volume")]
        for bar in zip(opened.tolist(), _times(rows)[sound].tolist(), *columns, strict=True):
            yield from self._core.on_bar(symbol, *bar)

    # --- books ---------------------------------------------------------------------------------------------------

    def _snapshot(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        chain = self._chains.setdefault(symbol, _Chain())
        _, identifier, _, micros, levels = next(_updates_in(rows, whole=True))
        if chain.is_whole and identifier <= chain.last_id:
            return
        sides = [[(p, q) for is_bid, p, q in levels if is_bid is side] for side in (True, False)]
        chain.is_whole, chain.last_id, chain.from_snapshot = True, identifier, True
        kept, chain.kept = list(chain.kept), deque(maxlen=MOST_KEPT_UPDATES)
        yield from self._core.on_book(symbol, micros, *sides)
        for update in kept:
            yield from self._update(symbol, chain, update)

    def _updates(self, symbol: str, rows: pa.RecordBatch) -> Iterator[Event]:
        chain = self._chains.setdefault(symbol, _Chain())
        for update in _updates_in(rows):
            yield from self._update(symbol, chain, update)

    def _update(self, symbol: str, chain: _Chain, update: Update) -> Iterator[Event]:
        first, last, previous, micros, changes = update
        if not chain.is_whole:
            chain.kept.append(update)
        elif last <= chain.last_id and not (chain.from_snapshot and last == chain.last_id):
            return
        elif previous == chain.last_id or (chain.from_snapshot and first <= chain.last_id <= last):
            chain.last_id, chain.from_snapshot = last, False
            yield from self._core.on_depth(symbol, micros, changes)
        else:
            chain.is_whole = False
            chain.kept.append(update)
            self._core.drop_book(symbol)

    def _first_that_matters(self, symbol: str, times: _Counts, low: _Counts, high: _Counts) -> int:
        """From which row on something may happen: the last one, when all of them lie where nothing can."""
        if not len(times):
            return 0
        below, above = self._core.next_triggers(symbol)
        due = self._core.next_moment()
        quiet = low.min() > below and high.max() < above and (due is None or due >= times.max())
        return len(times) - 1 if quiet else 0


def _times(rows: pa.RecordBatch) -> NDArray[np.int64]:
    times: NDArray[np.int64] = rows.column("event_time").view(pa.int64()).to_numpy()
    return times


def _sound(rows: pa.RecordBatch, *names: str) -> NDArray[np.bool_]:
    """Which rows have numbers above zero, and not beyond what is counted in, in all of these columns."""
    columns = [rows.column(name).to_numpy() for name in names]
    sound: NDArray[np.bool_] = np.logical_and.reduce([(column > 0) & (column < _MOST) for column in columns])
    return sound


def _units(rows: pa.RecordBatch, name: str, sound: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    values = rows.column(name).to_numpy()
    values = values if sound is None else values[sound]
    within = np.where((values > 0) & (values < _MOST), values, 0.0)
    counts: NDArray[np.int64] = np.rint(within * UNIT).astype(np.int64)
    return counts


_MOST = 1e10
"""Prices and quantities from here on are none: as units they have no room in 64 bits."""


def _updates_in(rows: pa.RecordBatch, *, whole: bool = False) -> Iterator[Update]:
    """The updates of a batch, each with its rows; a snapshot is one whatever its rows say."""
    ids = [rows.column(name).to_numpy() for name in ("first_id", "last_id", "previous_id")]
    times = _times(rows).tolist()
    is_bid = rows.column("is_bid").to_numpy(zero_copy_only=False).tolist()
    changes = list(
        zip(is_bid, _units(rows, "price").tolist(), _units(rows, "quantity").tolist(), strict=True)
    )
    differ = np.logical_or.reduce([np.diff(column) != 0 for column in ids])
    starts = [0] if whole else [0, *(np.flatnonzero(differ) + 1).tolist()]
    firsts, lasts, previous = (column.tolist() for column in ids)
    for start, end in zip(starts, [*starts[1:], len(changes)], strict=True):
        yield firsts[start], lasts[start], previous[start], times[end - 1], changes[start:end]
