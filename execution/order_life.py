"""An order's life: which step may follow which, and how its fills add up. Pure.

    NEW ──▶ SUBMITTED ──▶ PARTIALLY_FILLED ──▶ FILLED
     │          │                │
     ▼          ▼                ▼
    REJECTED   FILLED, CANCELLED, EXPIRED, REJECTED (only before the first fill)

SUBMITTED and PARTIALLY_FILLED may become UNKNOWN when the venue's answer is lost; what the venue says later
leads on from there. An end is an end, but for a trade that is told late: a trade at the venue is money, so it is
always taken. What then remains of a CANCELLED or EXPIRED order stays so, and a REJECTED one is alive again.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from contracts.payloads import OrderStatus
from execution.exact import EXACT

_ENDS = {OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}

_FOLLOWS: dict[OrderStatus, set[OrderStatus]] = {
    OrderStatus.NEW: {OrderStatus.SUBMITTED, OrderStatus.REJECTED},
    OrderStatus.SUBMITTED: {OrderStatus.UNKNOWN} | _ENDS,
    OrderStatus.PARTIALLY_FILLED: {OrderStatus.UNKNOWN, OrderStatus.CANCELLED, OrderStatus.EXPIRED},
    OrderStatus.UNKNOWN: {OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED} | _ENDS,
}
"""What may follow each state without a fill; no entry: it is an end."""

_ENDED_UNFILLED = {OrderStatus.CANCELLED, OrderStatus.EXPIRED}


class IllegalStep(ValueError):
    """A step that cannot follow what the order has lived through; the order stays as it was."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order: quantity in the base asset, price and fee in quote currency.

    `trade_id` is the venue's name for it within the order, by which a trade that is told twice is taken once.
    """

    quantity: Decimal
    price: Decimal
    fee: Decimal
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderLife:
    """Where an order of `quantity` stands; each step gives a new one. `steps` counts them from 0."""

    quantity: Decimal
    status: OrderStatus = OrderStatus.NEW
    filled_quantity: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    steps: int = 0
    reason: str = ""

    @property
    def average_price(self) -> Decimal | None:
        """What was paid per unit so far (28 digits); None before the first fill."""
        return self.notional / self.filled_quantity if self.filled_quantity else None

    def move(self, status: OrderStatus, reason: str = "") -> Self:
        """The life after a step without a fill; raises `IllegalStep`."""
        if status not in _FOLLOWS.get(self.status, ()):
            raise IllegalStep(f"an order that is {self.status} cannot become {status}")
        if self.filled_quantity and status in (OrderStatus.SUBMITTED, OrderStatus.REJECTED):
            raise IllegalStep(f"an order that traded {self.filled_quantity} cannot become {status}")
        if not self.filled_quantity and status is OrderStatus.PARTIALLY_FILLED:
            raise IllegalStep("an order is partially filled by a fill, and this one has none")
        return replace(self, status=status, steps=self.steps + 1, reason=reason or self.reason)

    def fill(self, fill: Fill) -> Self:
        """The life after a trade: FILLED when nothing remains; raises `IllegalStep`, also for too much.

        After an end it is a trade that was told late.
        """
        if self.status is OrderStatus.NEW:
            raise IllegalStep(f"an order that is {self.status} cannot trade")
        if fill.quantity <= 0 or fill.price <= 0:
            raise IllegalStep(f"a fill of {fill.quantity} at {fill.price} is none")
        filled = EXACT.add(self.filled_quantity, fill.quantity)
        if filled > self.quantity:
            raise IllegalStep(f"a fill of {fill.quantity} is more than remains of {self.quantity}")
        status = self.status if self.status in _ENDED_UNFILLED else OrderStatus.PARTIALLY_FILLED
        return replace(
            self,
            status=OrderStatus.FILLED if filled == self.quantity else status,
            filled_quantity=filled,
            notional=EXACT.fma(fill.quantity, fill.price, self.notional),
            fees=EXACT.add(self.fees, fill.fee),
            steps=self.steps + 1,
        )
