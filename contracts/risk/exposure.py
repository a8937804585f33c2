"""Exposure at its worst: what positions are worth when orders in flight fill in the most exposing way."""

from decimal import Decimal
from typing import NamedTuple, Self

from contracts.risk.book import Book
from contracts.risk.money import ZERO
from contracts.risk.order_memory import OrderMemory


class _Range(NamedTuple):
    """Between what signed quantities a position may end up."""

    low: Decimal
    high: Decimal

    @property
    def gross(self) -> Decimal:
        return max(abs(self.low), abs(self.high))


class Exposure:
    """Values in quote currency, at the book's prices; a buy and a sell in flight never cancel each other out.

    held 2, in flight: buy 1, sell 4    between -2 and 3: worth 3 at most
    """

    def __init__(self, book: Book, ranges: dict[tuple[str, str], _Range]) -> None:
        self._book = book
        self._ranges = ranges

    @classmethod
    def of(cls, book: Book, orders: OrderMemory) -> Self:
        """Of what is held and in flight."""
        ranges = {
            (agent, symbol): _Range(h.quantity, h.quantity)
            for agent, symbol, h in book.holdings()
            if h.quantity
        }
        for order in orders.in_flight():
            _widen(ranges, order.agent, order.symbol, order.remaining)
        return cls(book, ranges)

    def after(self, agent: str, symbol: str, quantity: Decimal) -> "Exposure":
        """With one more order of a signed quantity."""
        ranges = dict(self._ranges)
        _widen(ranges, agent, symbol, quantity)
        return Exposure(self._book, ranges)

    def agent(self, agent: str) -> Decimal:
        """All positions of an agent."""
        return sum(
            (
                r.gross * self._book.price(symbol)
                for (owner, symbol), r in self._ranges.items()
                if owner == agent
            ),
            ZERO,
        )

    def symbol_gross(self, symbol: str) -> Decimal:
        """All agents' positions in a symbol, long or short."""
        return sum(
            (r.gross for (_, held), r in self._ranges.items() if held == symbol), ZERO
        ) * self._book.price(symbol)

    def symbol_net(self, symbol: str) -> Decimal:
        """The desk's net position in a symbol."""
        ranges = [r for (_, held), r in self._ranges.items() if held == symbol]
        low, high = sum((r.low for r in ranges), ZERO), sum((r.high for r in ranges), ZERO)
        return max(abs(low), abs(high)) * self._book.price(symbol)

    def desk_gross(self) -> Decimal:
        """All positions, long or short."""
        return sum((r.gross * self._book.price(symbol) for (_, symbol), r in self._ranges.items()), ZERO)

    def desk_net(self) -> Decimal:
        """Long minus short."""
        low = sum((r.low * self._book.price(symbol) for (_, symbol), r in self._ranges.items()), ZERO)
        high = sum((r.high * self._book.price(symbol) for (_, symbol), r in self._ranges.items()), ZERO)
        return max(abs(low), abs(high))

    def closable(self, agent: str, symbol: str, sign: int) -> Decimal:
        """How much an order of this sign can trade and still only reduce, whatever in flight fills."""
        held = self._ranges.get((agent, symbol), _Range(ZERO, ZERO))
        return max(ZERO, held.low) if sign < 0 else max(ZERO, -held.high)


def _widen(ranges: dict[tuple[str, str], _Range], agent: str, symbol: str, quantity: Decimal) -> None:
    low, high = ranges.get((agent, symbol), _Range(ZERO, ZERO))
    ranges[agent, symbol] = _Range(low + min(quantity, ZERO), high + max(quantity, ZERO))
