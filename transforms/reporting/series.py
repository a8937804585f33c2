"""Values over time, and the even steps at which returns are taken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Micros = NDArray[np.int64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
YEAR = 365 * DAY
"""A market that never closes has 365 days of return a year."""

_FEWEST_RETURNS = 60


@dataclass(frozen=True, slots=True)
class Series:
    """Values as they became known: `moments` (n,) microseconds, rising; `values` (n,)."""

    moments: Micros
    values: Floats

    @classmethod
    def of(cls, pairs: list[tuple[int, float]]) -> "Series":
        """From (moment, value) pairs in any order; of several at one moment the last given counts."""
        known = dict(sorted(pairs, key=lambda pair: pair[0]))
        return cls(
            np.fromiter(known, np.int64, len(known)), np.fromiter(known.values(), np.float64, len(known))
        )

    def at(self, moments: Micros, before: float | None = None) -> Floats:
        """The value in force at each moment; `before` the first one (the first value itself unless given).

        Raises ValueError when there is no value at all and no `before`.
        """
        if not len(self.values):
            if before is None:
                raise ValueError("a series without values has none at any moment")
            return np.full(len(moments), before)
        place = np.searchsorted(self.moments, moments, "right") - 1
        found: Floats = self.values[np.maximum(place, 0)]
        return found if before is None else np.where(place < 0, before, found)


@dataclass(frozen=True, slots=True)
class Steps:
    """Even steps over a period: `edges` (n + 1,) microseconds around n returns of `length` each.

    The last edge is the period's end, so the last step may be shorter than the others.
    """

    length: int
    edges: Micros

    @classmethod
    def over(cls, start: int, end: int) -> "Steps":
        """Days, hours or minutes: the longest of them that gives 60 returns; minutes when none does.

        Raises ValueError when the period has no length.
        """
        if end <= start:
            raise ValueError("a period needs a length")
        length = next((unit for unit in (DAY, HOUR) if (end - start) // unit >= _FEWEST_RETURNS), MINUTE)
        return cls.of(start, end, length)

    @classmethod
    def of(cls, start: int, end: int, length: int) -> "Steps":
        """Steps of a length, on its round multiples since 1970 (UTC)."""
        first = (start // length + 1) * length
        inner = np.arange(first, end, length, dtype=np.int64)
        return cls(length, np.concatenate(([start], inner, [end])).astype(np.int64))

    @property
    def name(self) -> str:
        """`day`, `hour` or `minute`."""
        return {DAY: "day", HOUR: "hour", MINUTE: "minute"}.get(self.length, f"{self.length} us")

    @property
    def per_year(self) -> float:
        """How many steps a year has."""
        return YEAR / self.length


def returns_of(levels: Floats) -> Floats:
    """Simple returns between consecutive levels, (n - 1,): r = level / previous - 1.

    A level at or below zero is a total loss: -1 once, and 0 from then on, because nothing is left to lose.
    """
    kept = np.where(np.minimum.accumulate(levels) > 0, levels, 0.0)
    before, after = kept[:-1], kept[1:]
    return np.where(before > 0, after / np.where(before > 0, before, 1.0) - 1.0, 0.0)


def compounded(returns: Floats) -> float:
    """The return over all of them: the product of (1 + r), minus 1."""
    return float(np.prod(1.0 + returns) - 1.0)
