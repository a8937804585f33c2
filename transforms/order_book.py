"""An order book kept from snapshots and changes by the venue's rules, which knows when it can no longer be trusted."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_KEPT_UPDATES = 2_000
"""Updates kept while waiting for a snapshot; a snapshot that comes later than that does not join them."""

Level = tuple[float, float]
"""Price (quote currency) and quantity (base asset)."""


@dataclass(frozen=True, slots=True)
class _Update:
    """One update: its ids, and its rows."""

    first_id: int
    last_id: int
    previous_id: int
    is_bid: NDArray[np.bool_]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]


@dataclass(slots=True)
class BookCounts:
    """What became of the updates and snapshots; `gaps` counts how often the chain of ids broke."""

    applied: int = 0
    old: int = 0
    kept: int = 0
    forgotten: int = 0
    gaps: int = 0
    snapshots: int = 0
    old_snapshots: int = 0


@dataclass(slots=True)
class OrderBook:
    """The levels of one symbol. Only while `is_current` are they what the venue's book was at `last_id`.

    Rows are those of contracts.market_data (book_update, book_snapshot). With a snapshot of id 100:

        snapshot 100             current at 100
        update   95..99          old: left alone
        update   98..103         straddles 100: applied, current at 103
        update   pu 103, ..107   continues: applied, current at 107
        update   pu 107 again    old (a duplicate): left alone
        update   pu 110, ..115   a gap (108..110 are missing): no longer current; kept for the next snapshot
        snapshot 112             current again: at 112, and with what was kept at 115

    An update that overtakes another makes a gap as well: its place cannot be told from a loss. Before the first
    snapshot the book is not current, and what comes is kept. Nothing raises: what does not fit is counted.
    """

    is_current: bool = False
    last_id: int = -1
    counts: BookCounts = field(default_factory=BookCounts)
    _bids: dict[float, float] = field(default_factory=dict)
    _asks: dict[float, float] = field(default_factory=dict)
    _from_snapshot: bool = False
    _kept: deque[_Update] = field(default_factory=deque)
    most_kept: int = MOST_KEPT_UPDATES

    def apply_updates(self, rows: pa.RecordBatch) -> None:
        """Apply a batch of updates, in the order in which they came; one chain of ids is applied in one go."""
        if not rows.num_rows:
            return
        first, last, previous, is_bid, price, quantity = _columns(rows)
        changes = (np.diff(last) != 0) | (np.diff(first) != 0) | (np.diff(previous) != 0)
        starts = np.append(0, np.flatnonzero(changes) + 1)
        lasts, previouses = last[starts], previous[starts]
        in_one_chain = previouses[0] == self.last_id and (previouses[1:] == lasts[:-1]).all()
        if self.is_current and in_one_chain and (np.diff(lasts) > 0).all() and lasts[0] > self.last_id:
            self._set(is_bid, price, quantity)
            self.last_id, self._from_snapshot = int(lasts[-1]), False
            self.counts.applied += len(starts)
            return
        ends = np.append(starts[1:], len(last))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            part = slice(start, end)
            ids = int(first[start]), int(last[start]), int(previous[start])
            self._apply(_Update(*ids, is_bid[part], price[part], quantity[part]))

    def apply_snapshot(self, rows: pa.RecordBatch) -> None:
        """Start from a whole book; then from what was kept and is newer than it. An older one than the book is left."""
        _, last, _, is_bid, price, quantity = _columns(rows)
        identifier = int(last[0])
        if self.is_current and identifier <= self.last_id:
            self.counts.old_snapshots += 1
            return
        self._bids, self._asks = {}, {}
        self._set(is_bid, price, quantity)
        self.last_id, self.is_current, self._from_snapshot = identifier, True, True
        self.counts.snapshots += 1
        kept, self._kept = self._kept, deque()
        for update in kept:
            self._apply(update)

    def bids(self, depth: int) -> list[Level]:
        """The best bids, highest first."""
        return heapq.nlargest(depth, self._bids.items())

    def asks(self, depth: int) -> list[Level]:
        """The best asks, lowest first."""
        return heapq.nsmallest(depth, self._asks.items())

    def levels(self) -> tuple[dict[float, float], dict[float, float]]:
        """All bids and asks, quantity by price."""
        return dict(self._bids), dict(self._asks)

    def distrust(self) -> None:
        """Something of it was lost or cannot be believed: no longer current until the next snapshot."""
        self.is_current = False

    def keep_best(self, depth: int) -> None:
        """Forget what lies behind the best levels of each side once they are twice as many: a book of bounded size.

        A forgotten level that has not changed since is missing when the price comes back to it.
        """
        if len(self._bids) > 2 * depth:
            self._bids = dict(self.bids(depth))
        if len(self._asks) > 2 * depth:
            self._asks = dict(self.asks(depth))

    def state(self) -> list[Any]:
        """The book and what is kept for its next snapshot as plain lists: what `take_up` reads; not its counts."""
        kept = [
            [*update[:3], *(column.tolist() for column in update[3:])] for update in map(_fields, self._kept)
        ]
        levels = [[list(side), list(side.values())] for side in (self._bids, self._asks)]
        return [self.is_current, self.last_id, self._from_snapshot, *levels, kept]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self.is_current, self.last_id, self._from_snapshot, bids, asks, kept = state
        self._bids, self._asks = (dict(zip(*side, strict=True)) for side in (bids, asks))
        self._kept = deque(
            _Update(first, last, previous, np.array(is_bid, bool), np.array(price), np.array(quantity))
            for first, last, previous, is_bid, price, quantity in kept
        )

    def _apply(self, update: _Update) -> None:
        if not self.is_current:
            self._keep(update)
        elif update.last_id <= self.last_id and not (self._from_snapshot and update.last_id == self.last_id):
            self.counts.old += 1
        elif update.previous_id == self.last_id or (
            self._from_snapshot and update.first_id <= self.last_id <= update.last_id
        ):
            self._set(update.is_bid, update.price, update.quantity)
            self.last_id, self._from_snapshot = update.last_id, False
            self.counts.applied += 1
        else:
            self.is_current = False
            self.counts.gaps += 1
            self._keep(update)

    def _keep(self, update: _Update) -> None:
        self._kept.append(update)
        self.counts.kept += 1
        if len(self._kept) > self.most_kept:
            self._kept.popleft()
            self.counts.forgotten += 1

    def _set(
        self, is_bid: NDArray[np.bool_], price: NDArray[np.float64], quantity: NDArray[np.float64]
    ) -> None:
        """Set the quantity of each price, the last row winning; quantity 0 removes the level."""
        for side, mask in ((self._bids, is_bid), (self._asks, ~is_bid)):
            quantities = quantity[mask].tolist()
            side.update(zip(price[mask].tolist(), quantities, strict=True))
            if 0.0 in quantities:
                for emptied in set(price[mask & (quantity == 0.0)].tolist()):
                    if side[emptied] == 0.0:
                        del side[emptied]


_fields = attrgetter("first_id", "last_id", "previous_id", "is_bid", "price", "quantity")


def _columns(
    rows: pa.RecordBatch,
) -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64],
    NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64],
]:  # fmt: skip
    names = ("first_id", "last_id", "previous_id", "is_bid", "price", "quantity")
    first, last, previous, is_bid, price, quantity = (
        rows.column(name).to_numpy(zero_copy_only=False) for name in names
    )
    return first, last, previous, is_bid, price, quantity
