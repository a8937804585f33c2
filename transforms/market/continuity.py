"""Continuity: whether the batches of one symbol and kind come without a gap, once each."""

from enum import StrEnum
from typing import Any


class Arrived(StrEnum):
    """How a batch stands to those before it."""

    NEXT = "next"
    AFTER_GAP = "after_gap"
    FILLS_GAP = "fills_gap"
    DUPLICATE = "duplicate"
    ANEW = "anew"


_REMEMBERED = 1_024


class Continuity:
    """Follows a feed's count of its batches, which goes up by one.

        sequence   1      2      5          4           4           9 (later than all before)   1 (later than all before)
        is         next   next   after_gap  fills_gap   duplicate   after_gap                   anew

    A count that falls back with an event time later than every one before is a feed that began anew; with an older one it
    is a batch that came twice. What is missing is remembered, up to 1,024 batches of it. `last` is the
    highest number so far.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.last = 0
        self._latest_micros = 0
        self._missing: dict[int, None] = {}

    def take(self, sequence: int, event_micros: int) -> Arrived:
        """Say how the next batch stands to those before; the first one of all is next, whatever its number."""
        is_later, self._latest_micros = (
            event_micros > self._latest_micros,
            max(event_micros, self._latest_micros),
        )
        if sequence == self.last + 1 or self.last == 0:
            self.last = sequence
            return Arrived.NEXT
        if sequence > self.last:
            for missing in range(max(self.last + 1, sequence - _REMEMBERED), sequence):
                self._missing[missing] = None
            while len(self._missing) > _REMEMBERED:
                del self._missing[next(iter(self._missing))]
            self.last = sequence
            return Arrived.AFTER_GAP
        if sequence in self._missing:
            del self._missing[sequence]
            return Arrived.FILLS_GAP
        if is_later:
            self.last = sequence
            self._missing.clear()
            return Arrived.ANEW
        return Arrived.DUPLICATE

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return [self.last, self._latest_micros, list(self._missing)]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self.last, self._latest_micros, missing = state
        self._missing = dict.fromkeys(missing)
