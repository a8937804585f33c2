"""What a venue is to the execution service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.order_life import Fill


@dataclass(frozen=True, slots=True)
class VenueAnswer:
    """What a venue says of an order: trades, and how it ended, if it did so.

    Trades carry their trade_id and may be told again and again. `filled` is the venue's own total, where it
    tells one: while it is more than the trades that are known, the order is not believed to have ended.
    `request` is told with an order that the venue made itself (a liquidation), which nobody here has asked for.
    """

    venue_order_id: str | None = None
    fills: tuple[Fill, ...] = ()
    end: OrderStatus | None = None
    reason: str = ""
    filled: Decimal | None = None
    request: OrderRequest | None = None


class Unclear(Exception):
    """The venue may or may not have done what it was asked; only asking it again tells. The text says why."""


class AlreadyThere(Unclear):
    """The venue has an order of this client_order_id already: it was placed before."""


Told = Callable[[str, VenueAnswer], object]
"""Takes a client_order_id and what the venue says of it, at any time, in any order, on any thread."""


class Venue(Protocol):
    """A place where orders are traded. Each call is bounded in time; orders are named by client_order_id."""

    @property
    def name(self) -> str:
        """The venue's name on orders and executions."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether real money is traded."""
        ...

    @property
    def settle_seconds(self) -> float:
        """How long after it was sent an order may still arrive: before that, not found is not believed."""
        ...

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Trade `quantity` of the request at `moment`. A refusal is an answer; raises `Unclear`."""
        ...

    def query_order(self, request: OrderRequest) -> VenueAnswer | None:
        """All that the venue knows of an order; None only when it says that there is none; raises `Unclear`."""
        ...

    def cancel(self, request: OrderRequest, moment: datetime) -> VenueAnswer | None:
        """Cancel what is open of an order and tell how it stands; None as in `query_order`; raises `Unclear`."""
        ...

    def price(self, symbol: str) -> Decimal | None:
        """The venue's own price of a symbol, in the middle; None when it has none."""
        ...

    def listen(self, told: Told) -> None:
        """Say whom to tell what happens to orders that rest; called once, before the first order."""
        ...

    def missing(self) -> str | None:
        """Why the venue cannot take orders yet, in one sentence; None when it can."""
        ...
