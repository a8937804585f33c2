"""What is held of one symbol: its quantity, what it cost, what was earned with it, the fees and the funding."""

from dataclasses import astuple, dataclass, replace
from decimal import Decimal, localcontext
from typing import Self

from contracts.risk.money import EXACT, ZERO

_COST_STEP = Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class Holding:
    """A signed quantity (base asset) and its signed cost, realised profit before fees, fees, and funding (quote currency).

    The cost is kept and not the average price: what a reducing fill takes out of the cost is rounded once and booked on
    both sides, so that to the last digit, whatever was traded in whatever order,

        realised - cost == -(sum of signed quantity x price over all fills)

    Fees are what was paid; funding is what was received for holding (negative: paid).
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """The average price of what is held; None when nothing is."""
        return EXACT.divide(self.cost, self.quantity) if self.quantity else None

    def unrealised(self, price: Decimal) -> Decimal:
        """What closing all of it at `price` would earn, before fees."""
        return EXACT.subtract(EXACT.multiply(self.quantity, price), self.cost)

    def after(self, traded: Decimal, price: Decimal, fee: Decimal) -> Self:
        """The holding after a fill of the signed quantity `traded`; a fill through zero closes and then opens."""
        with localcontext(EXACT):
            closed = _closed(self.quantity, traded)
            released = (self.cost * -closed / self.quantity).quantize(_COST_STEP) if closed else ZERO
            if -closed == self.quantity:
                released = self.cost
            return type(self)(
                quantity=self.quantity + traded,
                cost=self.cost - released + (traded - closed) * price,
                realised=self.realised - closed * price - released,
                fees=self.fees + fee,
                funding=self.funding,
            )

    def funded(self, amount: Decimal) -> Self:
        """The holding after it received (negative: paid) `amount` of funding."""
        return replace(self, funding=EXACT.add(self.funding, amount))

    def dump(self) -> list[str]:
        """As JSON."""
        return [str(amount) for amount in astuple(self)]

    @classmethod
    def load(cls, dumped: list[str]) -> Self:
        """What `dump` wrote."""
        return cls(*(Decimal(amount) for amount in dumped))


def _closed(held: Decimal, traded: Decimal) -> Decimal:
    """The part of a fill that closes what is held, signed as the fill."""
    if held * traded >= 0:
        return ZERO
    return traded if abs(traded) <= abs(held) else -held
