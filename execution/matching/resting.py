"""The limit orders that rest on one side of one symbol, in the order in which they trade: by price, then by time.

A resting order is not in the recorded book, so its place in the queue is kept beside it: `ahead` is the quantity that
trades before it at its price.

    it comes to rest           everything that the book shows at its price is ahead
    a trade at its price       takes from what is ahead; what goes beyond fills it
    a trade beyond its price   nothing is ahead any more, and the trade fills it
    the level shrinks          ahead is no more than the level: what was cancelled is taken to have stood behind it
    a trade told late          of before a level that made ahead less: it is in there already, and takes nothing more

So what is ahead is never less than what truly is, however trades and levels are told beside each other.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from execution.matching.working import Working


class RestingSide:
    """The resting buys (sign +1) or sells (sign -1) of a symbol."""

    __slots__ = ("_keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, list[Working]] = {}
        self._keys: list[int] = []

    @property
    def best(self) -> int | None:
        """The price that trades first; None when nothing rests."""
        return self._keys[-1] * self.sign if self._keys else None

    def rest(self, working: Working) -> None:
        """The order rests behind those of its price."""
        price = working.order.limit
        if price not in self.levels:
            self.levels[price] = []
            insort(self._keys, price * self.sign)
        self.levels[price].append(working)

    def remove(self, working: Working) -> None:
        """The order rests no longer."""
        price = working.order.limit
        self.levels[price].remove(working)
        if not self.levels[price]:
            del self.levels[price]
            del self._keys[bisect_left(self._keys, price * self.sign)]

    def reached(self, price: int) -> list[Working]:
        """The orders that a trade at `price` reaches: those at it and those that it went through, first come first."""
        found: list[Working] = []
        key = price * self.sign
        for place in reversed(self._keys):
            if place < key:
                break
            found += self.levels[place * self.sign]
        return found

    def shrink(self, micros: int, price: int, quantity: int) -> None:
        """No more than this rests at a price in the market."""
        for working in self.levels.get(price, ()):
            _learn(working, micros, quantity)

    def learn(self, micros: int, best: int, quantity: int) -> None:
        """The market's best price of this side is so, with so much at it: nothing is ahead of what is better."""
        for working in self.reached(best):
            _learn(working, micros, quantity if working.order.limit == best else 0)

    def __iter__(self) -> Iterator[Working]:
        for key in reversed(self._keys):
            yield from self.levels[key * self.sign]


def _learn(working: Working, micros: int, quantity: int) -> None:
    if quantity < working.ahead and working.live_at <= micros:
        working.ahead, working.learned_at = quantity, micros
