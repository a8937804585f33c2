"""What a venue is to the execution service."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.order_life import Fill


@dataclass(frozen=True, slots=True)
class VenueAnswer:
    """What a venue did with an order: its trades, then how it ended, if it did so without a fill."""

    venue_order_id: str | None = None
    fills: tuple[Fill, ...] = ()
    end: OrderStatus | None = None
    reason: str = ""


class Venue(Protocol):
    """A place where orders are traded."""

    @property
    def name(self) -> str:
        """The venue's name on orders and executions."""
        ...

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Trade `quantity` of the request at `moment`. A refusal is an answer, not an exception."""
        ...

    def answer_to(self, client_order_id: str) -> VenueAnswer | None:
        """What the venue knows of an order that was sent before; None when it never saw it."""
        ...

    def missing(self) -> str | None:
        """Why the venue cannot take orders yet, in one sentence; None when it can."""
        ...
