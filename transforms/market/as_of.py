"""The latest of a row of values, and what it was when each of the last minutes ended."""

from bisect import bisect_left
from typing import Any

import numpy as np

from transforms.market.columns import Floats, Micros

_KEPT = 8


class AsOf:
    """Values by time, of which the last in each stretch is kept, for as many stretches as a bar can stay open.

    So a snapshot of a bar that ended a moment ago shows what was known when it ended, and nothing later.
    """

    def __init__(self, seconds: int) -> None:
        self._length = seconds * 1_000_000
        self._times: list[int] = []
        self._values: list[tuple[float, ...]] = []

    @property
    def latest(self) -> tuple[int, tuple[float, ...]] | None:
        """The time (microseconds) and the value of the latest."""
        return (self._times[-1], self._values[-1]) if self._times else None

    def put(self, times: Micros, columns: tuple[Floats, ...]) -> int:
        """Take values in, `columns` (n,) each; how many were too late, being older than the latest before them."""
        if len(times) > 1 and not (times[1:] >= times[:-1]).all():
            order = np.argsort(times, kind="stable")
            times, columns = times[order], tuple(column[order] for column in columns)
        late = 0
        if self._times and times[0] < self._times[-1]:
            late = int(np.searchsorted(times, self._times[-1]))
            if late == len(times):
                return late
            times, columns = times[late:], tuple(column[late:] for column in columns)
        first, last = int(times[0]) // self._length, int(times[-1]) // self._length
        places = [len(times) - 1]
        if first != last:
            stretch = times // self._length
            places = [*np.flatnonzero(stretch[1:] != stretch[:-1]).tolist(), *places]
        for place in places:
            self.keep(int(times[place]), tuple(float(column[place]) for column in columns))
        return late

    def keep(self, time: int, value: tuple[float, ...]) -> None:
        """Take the next value in; it must not be older than the latest."""
        if self._times and self._times[-1] // self._length == time // self._length:
            self._times[-1], self._values[-1] = time, value
            return
        self._times.append(time)
        self._values.append(value)
        if len(self._times) > _KEPT:
            del self._times[0], self._values[0]

    def before(self, micros: int) -> tuple[int, tuple[float, ...]] | None:
        """The last one before a moment, exact when a stretch ends there; None when none is known."""
        place = bisect_left(self._times, micros) - 1
        return (self._times[place], self._values[place]) if place >= 0 else None

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return [self._times, self._values]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        times, values = state
        self._times, self._values = list(times), [tuple(value) for value in values]
