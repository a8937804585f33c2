"""The crossing of two moving averages, told for a whole history at once and event by event: the same wishes, exactly."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MovingAverageCross:
    """Long while the mean of the last `fast` prices is above that of the last `slow`, short while it is below.

    Prices are whole numbers (units of 1e-8), so that sums are exact and both ways of telling agree. Nothing is wished for
    before there are `slow` prices, and where the averages are equal the wish stays.
    """

    fast: int
    slow: int

    def __post_init__(self) -> None:
        if not 1 <= self.fast < self.slow:
            raise ValueError("fast is at least 1 and less than slow")

    def wishes(self, prices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the wish changes, (m,) places in `prices` (n,), and what it is from there on, (m,): +1 or -1."""
        none = np.empty(0, np.int64)
        if len(prices) < self.slow:
            return none, none
        # Beside the first price the sums stay far within 64 bits, whatever the price is.
        sums = np.concatenate(([0], np.cumsum(prices - prices[0])))
        ends = np.arange(self.slow, len(prices) + 1)
        fast = sums[ends] - sums[ends - self.fast]
        slow = sums[ends] - sums[ends - self.slow]
        sides = np.sign(fast * self.slow - slow * self.fast)
        told = np.flatnonzero(sides)
        if not len(told):
            return none, none
        changes = np.concatenate(([True], sides[told][1:] != sides[told][:-1]))
        places = told[changes]
        return places + self.slow - 1, sides[places]


class CrossFollower:
    """The same, a price at a time."""

    def __init__(self, cross: MovingAverageCross) -> None:
        self._cross = cross
        self._fast: deque[int] = deque()
        self._slow: deque[int] = deque()
        self._sums = [0, 0]
        self._side = 0

    def take(self, price: int) -> int:
        """The wish after this price: +1, -1, or 0 while it has not changed."""
        for number, (kept, length) in enumerate(
            ((self._fast, self._cross.fast), (self._slow, self._cross.slow))
        ):
            kept.append(price)
            self._sums[number] += price
            if len(kept) > length:
                self._sums[number] -= kept.popleft()
        if len(self._slow) < self._cross.slow:
            return 0
        gap = self._sums[0] * self._cross.slow - self._sums[1] * self._cross.fast
        side = (gap > 0) - (gap < 0)
        if side in (0, self._side):
            return 0
        self._side = side
        return side
