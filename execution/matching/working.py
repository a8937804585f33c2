"""An order that is in the venue's hands: what is left of it and where it stands."""

from enum import StrEnum
from typing import Any

from contracts.orders import OrderType, TimeInForce
from execution.matching.account import Account
from execution.matching.market import ENDLESS
from execution.matching.order import Order


class Place(StrEnum):
    """Where an order is."""

    TRAVELLING = "travelling"
    RESTING = "resting"
    WAITING = "waiting"
    TRADING = "trading"
    GONE = "gone"


class Working:
    """An order from its sending to its end.

    number, trades       its place among all of a core's orders as they were sent; how often it has traded
    sent_at, live_at     when it was decided; from when on it can trade (microseconds)
    ahead, learned_at    what trades first at its price, ENDLESS while unknown; of when the book is that made it less
    level                where a conditional order fires, 0 while a trailing stop is not activated
    extreme              the best price that a trailing stop has followed
    """

    __slots__ = (
        "account", "ahead", "extreme", "learned_at", "level", "live_at", "number", "order", "place", "remaining",
        "sent_at", "sign", "trades",
    )  # fmt: skip

    def __init__(self, account: Account, order: Order, number: int, sent_at: int) -> None:
        self.account = account
        self.order = order
        self.sign = order.sign
        self.place = Place.TRAVELLING
        self.number = number
        self.sent_at = sent_at
        self.live_at = sent_at
        self.remaining = order.quantity
        self.trades = 0
        self.ahead = ENDLESS
        self.learned_at = -1
        self.level = order.stop if order.type is not OrderType.TRAILING_STOP_MARKET else 0
        self.extreme = 0

    def state(self) -> list[Any]:
        """All of it as a plain list: what `taken_up` reads."""
        order = self.order
        terms = (order.client_order_id, order.symbol, order.sign, order.quantity, order.type, order.limit,
                 order.time_in_force, order.stop, order.callback, order.reduce_only)  # fmt: skip
        kept = (self.number, self.sent_at, self.live_at, self.place, self.remaining, self.trades, self.ahead,
                self.level, self.extreme, self.learned_at)  # fmt: skip
        return [list(terms), list(kept)]

    @classmethod
    def taken_up(cls, account: Account, state: list[Any]) -> "Working":
        """The order of an account again."""
        (identifier, symbol, sign, quantity, kind, limit, force, stop, callback, reduce_only), kept = state
        order = Order(
            identifier,
            symbol,
            sign,
            quantity,
            OrderType(kind),
            limit,
            TimeInForce(force),
            stop,
            callback,
            reduce_only,
        )
        working = cls(account, order, kept[0], kept[1])
        working.live_at, place, working.remaining, working.trades = kept[2:6]
        working.ahead, working.level, working.extreme, working.learned_at = kept[6:]
        working.place = Place(place)
        return working
