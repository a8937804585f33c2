"""The chain of a book's update ids: whether whoever reads the feed can keep the book, and what it lacks."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

MOST_KEPT_UPDATES = 2_000
"""As many as a reader's book keeps while it waits for a snapshot (transforms/order_book)."""

Ids = tuple[int, int, int]
"""first_id, last_id and previous_id of an update (the venue's U, u and pu)."""


@dataclass(slots=True)
class BookChain:
    """Follows one symbol's updates and snapshots by their ids alone, and breaks where a reader's book breaks.

        snapshot 100, update 98..103, update pu 103 ..107     whole
        update pu 107 ..107 again                             repeated, still whole
        update pu 110 ..115                                   a gap: needs a snapshot
        snapshot 112                                          whole: the update ..115 straddles it
        snapshot 109 instead                                  does not join: needs a newer one

    The rules are the venue's: of what follows a snapshot, the first update straddles its id, and each pu equals the
    previous u.
    """

    is_whole: bool = False
    last_id: int = -1
    gaps: int = 0
    repeated: int = 0
    snapshots: int = 0
    snapshots_not_joined: int = 0
    _from_snapshot: bool = False
    _kept: deque[Ids] = field(default_factory=lambda: deque(maxlen=MOST_KEPT_UPDATES))

    @property
    def needs_snapshot(self) -> bool:
        """Whether updates have come that no snapshot leads up to."""
        return not self.is_whole and bool(self._kept)

    def apply_updates(self, rows: pa.RecordBatch) -> None:
        """Follow a batch of updates, in the order in which they came."""
        columns = [rows.column(name).to_numpy() for name in ("first_id", "last_id", "previous_id")]
        changes = sum((np.diff(column) != 0) for column in columns)
        starts = np.append(0, np.flatnonzero(changes) + 1)
        for ids in zip(*(column[starts].tolist() for column in columns), strict=True):
            self._apply(ids)

    def apply_snapshot(self, identifier: int) -> None:
        """Start from a snapshot, then from what was kept and is newer; an older one than the chain is left alone."""
        if self.is_whole and identifier <= self.last_id:
            return
        self.is_whole, self.last_id, self._from_snapshot = True, identifier, True
        self.snapshots += 1
        kept = list(self._kept)
        self._kept.clear()
        for ids in kept:
            self._apply(ids)

    def _apply(self, ids: Ids) -> None:
        first, last, previous = ids
        if not self.is_whole:
            self._kept.append(ids)
        elif last <= self.last_id and not (self._from_snapshot and last == self.last_id):
            self.repeated += not self._from_snapshot
        elif previous == self.last_id or (self._from_snapshot and first <= self.last_id <= last):
            self.last_id, self._from_snapshot = last, False
        else:
            self.is_whole = False
            if self._from_snapshot:
                self.snapshots_not_joined += 1
            else:
                self.gaps += 1
            self._kept.append(ids)
