"""An order that is in the venue's hands: what is left of it and where it stands."""

from enum import StrEnum

from contracts.orders import OrderType
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
    """An order from its sending to its end. `number` orders all of a core's orders by when they came; `trades` counts its fills so far.

    `live_at`: from when on it can trade, in microseconds; `sent_at`: when it was decided. `ahead`: what trades first at
    its price, ENDLESS while that is unknown. `level`: where a conditional order fires, 0 while a trailing stop is not
    activated; `extreme`: the best price that a trailing stop has followed.
    """

    __slots__ = (
        "account", "ahead", "extreme", "level", "live_at", "number", "order", "place", "remaining", "sent_at", "sign",
        "trades",
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
        self.level = order.stop if order.type is not OrderType.TRAILING_STOP_MARKET else 0
        self.extreme = 0
