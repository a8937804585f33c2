"""An account: its wallet, its positions and the orders that it has in the venue's hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from execution.matching.units import amount_of, money_of

if TYPE_CHECKING:
    from execution.matching.working import Working


@dataclass(slots=True)
class Position:
    """What an account holds of a symbol: signed quantity in units; the rest is money.

    `cost` is what the held quantity was bought for (negative: sold for). Whatever was traded, to the last digit

        realised - cost == -(sum of signed quantity x price over all fills)
    """

    quantity: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0
    funding: int = 0

    @property
    def entry_price(self) -> Decimal | None:
        """The average price of what is held; None when nothing is."""
        return money_of(self.cost) / amount_of(self.quantity) if self.quantity else None

    def unrealised(self, mark: int) -> int:
        """The profit of closing at `mark`, in money."""
        return self.quantity * mark - self.cost

    def trade(self, traded: int, price: int) -> int:
        """Book a trade of `traded` (signed); the profit that it realises. One through zero closes, then opens."""
        held = self.quantity
        closing = 0
        if held * traded < 0:
            closing = traded if abs(traded) <= abs(held) else -held
        released = self.cost * -closing // held if closing else 0
        realised = -closing * price - released
        self.quantity = held + traded
        self.cost += (traded - closing) * price - released
        self.realised += realised
        return realised


@dataclass(slots=True)
class Account:
    """`wallet` is money: what was deposited, plus realised profit and funding, less fees; `covered` what was given."""

    name: str
    wallet: int = 0
    deposited: int = 0
    covered: int = 0
    liquidations: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Working] = field(default_factory=dict)
    reducing: dict[str, Working] = field(default_factory=dict)
    """Those of the orders that are reduce-only."""
    bands: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Between which marks of each symbol the account cannot come to be liquidated; kept by `margin`."""

    def position(self, symbol: str) -> Position:
        """The position in a symbol, which may be flat."""
        if symbol not in self.positions:
            self.positions[symbol] = Position()
        return self.positions[symbol]

    def take(self, working: Working) -> None:
        """An order of this account is in the venue's hands."""
        identifier = working.order.client_order_id
        self.orders[identifier] = working
        if working.order.reduce_only:
            self.reducing[identifier] = working
