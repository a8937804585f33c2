"""What is held of a symbol: average cost, realised profit and fees, from fills alone. Pure.

The cost of what is held is kept, not its average price: what a reducing fill takes out of the cost is
rounded once (18 places) and booked on both sides, so at any time, to the last digit

    realised_pnl - cost == -(sum of signed quantity x price over all fills)
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from execution.exact import EXACT, plain, share_of


@dataclass(frozen=True, slots=True)
class Holding:
    """A signed quantity, its cost (quantity x average entry), realised profit before fees, and fees."""

    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    realised_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    @property
    def entry_price(self) -> Decimal | None:
        """The average price of what is held (28 digits); None when nothing is."""
        return plain(self.cost / self.quantity) if self.quantity else None

    def after(self, traded: Decimal, price: Decimal, fee: Decimal) -> Self:
        """The holding after a trade of `traded` (signed); one through zero closes, then opens."""
        closing = Decimal(0)
        if self.quantity * traded < 0:
            closing = traded if abs(traded) <= abs(self.quantity) else -self.quantity
        released = share_of(self.cost, -closing, self.quantity) if closing else Decimal(0)
        proceeds = EXACT.multiply(-closing, price)
        opening = EXACT.subtract(traded, closing)
        return type(self)(
            quantity=plain(EXACT.add(self.quantity, traded)),
            cost=plain(EXACT.fma(opening, price, EXACT.subtract(self.cost, released))),
            realised_pnl=plain(EXACT.add(self.realised_pnl, EXACT.subtract(proceeds, released))),
            fees=plain(EXACT.add(self.fees, fee)),
        )
