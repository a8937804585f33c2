"""An order as the ledger holds it: what was asked for, and its life so far."""

from dataclasses import dataclass
from datetime import datetime

from contracts.orders import OrderRequest, OrderView
from execution.exact import plain
from execution.order_life import OrderLife


@dataclass(slots=True)
class LedgerOrder:
    """One order, where it stands now."""

    request: OrderRequest
    life: OrderLife
    venue: str
    venue_order_id: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def view(self) -> OrderView:
        """The order as the API shows it."""
        life = self.life
        average = life.average_price
        return OrderView(
            request=self.request,
            status=life.status,
            filled_quantity=plain(life.filled_quantity),
            average_price=None if average is None else plain(average),
            fees=plain(life.fees),
            venue=self.venue,
            venue_order_id=self.venue_order_id,
            reason=life.reason,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )
