"""One side of a book by price levels, the best always at hand."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

Level = tuple[int, int]
"""Price and quantity, in units."""


class BookSide:
    """The bids (sign +1) or asks (sign -1) of one symbol.

    Levels are ordered by price x sign, so that on either side a higher key is a better price and the best is the last
    of the list, where changes are cheap.
    """

    __slots__ = ("_keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, int] = {}
        self._keys: list[int] = []

    @property
    def best(self) -> int | None:
        """The best price; None when the side is empty."""
        return self._keys[-1] * self.sign if self._keys else None

    def replace(self, levels: Iterable[Level]) -> None:
        """A whole side anew; a quantity of 0 is no level."""
        self.levels = {price: quantity for price, quantity in levels if quantity > 0}
        self._keys = sorted(price * self.sign for price in self.levels)

    def change(self, price: int, quantity: int) -> None:
        """The level's quantity is this now; 0 takes it away."""
        if quantity > 0:
            if price not in self.levels:
                insort(self._keys, price * self.sign)
            self.levels[price] = quantity
        elif self.levels.pop(price, 0):
            del self._keys[bisect_left(self._keys, price * self.sign)]

    def walk(self) -> Iterator[Level]:
        """Levels from the best on; those that were walked past may be taken away meanwhile."""
        place = len(self._keys)
        while place:
            place -= 1
            price = self._keys[place] * self.sign
            yield price, self.levels[price]

    def clear(self) -> None:
        """No level is known."""
        self.levels, self._keys = {}, []
