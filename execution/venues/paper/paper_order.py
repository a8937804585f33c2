"""What the paper venue remembers of an order: what it answers when it is asked."""

from dataclasses import dataclass, field

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.matching.events import Cancelled, Event, Expired, Filled, Rejected
from execution.matching.units import amount_of, money_of
from execution.order_life import Fill
from execution.venues.venue import VenueAnswer

_ENDS = {
    Rejected: OrderStatus.REJECTED,
    Cancelled: OrderStatus.CANCELLED,
    Expired: OrderStatus.EXPIRED,
}


@dataclass(slots=True)
class PaperOrder:
    """One order at the venue. `is_ours`: the venue made it itself, and its request is told with it."""

    request: OrderRequest
    venue_order_id: str
    is_ours: bool = False
    fills: list[Fill] = field(default_factory=list)
    end: OrderStatus | None = None
    reason: str = ""

    @property
    def answer(self) -> VenueAnswer:
        """All that is known of it."""
        request = self.request if self.is_ours else None
        return VenueAnswer(self.venue_order_id, tuple(self.fills), self.end, self.reason, request=request)

    def hear(self, event: Event) -> None:
        """Something happened to it."""
        if isinstance(event, Filled):
            fill = Fill(
                amount_of(event.quantity),
                amount_of(event.price),
                money_of(event.fee),
                trade_id=f"{self.venue_order_id}-{event.number}",
            )
            self.fills.append(fill)
            if not event.remaining:
                self.end = OrderStatus.FILLED
        elif isinstance(event, Rejected | Cancelled | Expired):
            self.end, self.reason = _ENDS[type(event)], event.reason
