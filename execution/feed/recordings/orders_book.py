"""A book kept order by order, exactly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Resting = tuple[bool, Decimal, Decimal]
"""Whether it bids, its price, and what is left of its size."""

Level = tuple[bool, Decimal]
"""Whether it is of the bids, and its price."""


@dataclass(slots=True)
class OrdersBook:
    """The resting orders by id, and the quantity of each level, in the full channel's own numbers (Coinbase, level 3).

        open            an order rests with its remaining_size
        match           the maker's order has so much less
        change          an order has another size
        done            the order rests no longer; it may never have (a market order)
        received        nothing rests yet

    `apply` returns the level that a message changed, or None. It raises KeyError, TypeError or ArithmeticError when
    a message is not what it should be, and LookupError when it is about an order that should rest and does not.
    """

    orders: dict[str, Resting] = field(default_factory=dict)
    levels: defaultdict[Level, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "OrdersBook":
        """The book of a snapshot: `bids` and `asks` of [price, size, order id]."""
        book = cls()
        for is_bid, side in ((True, content["bids"]), (False, content["asks"])):
            book._rest(
                (identifier, (is_bid, Decimal(price), Decimal(size))) for price, size, identifier in side
            )
        return book

    def apply(self, message: Mapping[str, Any]) -> Level | None:
        """Follow one message."""
        match message["type"]:
            case "open":
                is_bid, price = message["side"] == "buy", Decimal(message["price"])
                self._rest([(message["order_id"], (is_bid, price, Decimal(message["remaining_size"])))])
                return is_bid, price
            case "match":
                return self._resize(message["maker_order_id"], less=Decimal(message["size"]))
            case "change" if message["order_id"] in self.orders and "new_size" in message:
                _, _, size = self.orders[message["order_id"]]
                return self._resize(message["order_id"], less=size - Decimal(message["new_size"]))
            case "done" if message["order_id"] in self.orders:
                _, _, size = self.orders[message["order_id"]]
                level = self._resize(message["order_id"], less=size)
                del self.orders[message["order_id"]]
                return level
            case "done" | "received" | "change" | "activate":
                return None
            case other:
                raise KeyError(f"type {other}")

    def _rest(self, orders: Iterable[tuple[str, Resting]]) -> None:
        for identifier, (is_bid, price, size) in orders:
            self.orders[identifier] = is_bid, price, size
            self.levels[is_bid, price] += size

    def _resize(self, identifier: str, less: Decimal) -> Level:
        if identifier not in self.orders:
            raise LookupError("order that does not rest")
        is_bid, price, size = self.orders[identifier]
        self.orders[identifier] = is_bid, price, size - less
        self.levels[is_bid, price] -= less
        return is_bid, price
