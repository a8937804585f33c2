"""An independent book, in plain decimals: what a desk's state machine is held against.

It knows nothing of the desk's code: positions from fills, cash from what was paid, orders in flight as what may still fill.
"""

from dataclasses import dataclass, field
from decimal import Decimal

D = Decimal
Key = tuple[str, str]


@dataclass
class Open:
    """An order that may still fill: `remaining` is signed."""

    agent: str
    symbol: str
    quantity: Decimal
    remaining: Decimal
    sequence: int = 1

    @property
    def sign(self) -> int:
        return 1 if self.quantity > 0 else -1


@dataclass
class PlainBook:
    """Positions, cash and orders of everyone."""

    cash: Decimal
    held: dict[Key, Decimal] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    open: dict[str, Open] = field(default_factory=dict)
    ended: dict[str, Open] = field(default_factory=dict)

    def trade(self, agent: str, symbol: str, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        self.held[agent, symbol] = self.held.get((agent, symbol), D(0)) + quantity
        self.cash -= quantity * price + fee
        self.marks.setdefault(symbol, price)

    @property
    def equity(self) -> Decimal:
        return self.cash + sum((q * self.marks[s] for (_, s), q in self.held.items()), D(0))

    def ranges(self) -> dict[Key, tuple[Decimal, Decimal]]:
        """Between what quantities each position may end up, whatever in flight fills."""
        found = {key: (quantity, quantity) for key, quantity in self.held.items()}
        for order in self.open.values():
            low, high = found.get((order.agent, order.symbol), (D(0), D(0)))
            found[order.agent, order.symbol] = (
                low + min(order.remaining, D(0)),
                high + max(order.remaining, D(0)),
            )
        return found

    def certain(self) -> dict[Key, tuple[Decimal, Decimal]]:
        """What is held, as ranges."""
        return {key: (quantity, quantity) for key, quantity in self.held.items()}


def gross(
    ranges: dict[Key, tuple[Decimal, Decimal]], marks: dict[str, Decimal], of: str | None = None
) -> Decimal:
    """What positions are worth at their worst: all, an agent's or a symbol's."""
    return sum(
        (
            max(abs(low), abs(high)) * marks.get(key[1], D(0))
            for key, (low, high) in ranges.items()
            if of is None or of in key
        ),
        D(0),
    )


def net(
    ranges: dict[Key, tuple[Decimal, Decimal]], marks: dict[str, Decimal], of: str | None = None
) -> Decimal:
    """Long minus short at its worst: of all, or of a symbol."""
    chosen = [(ends, marks.get(key[1], D(0))) for key, ends in ranges.items() if of is None or of in key]
    low = sum((ends[0] * price for ends, price in chosen), D(0))
    high = sum((ends[1] * price for ends, price in chosen), D(0))
    return max(abs(low), abs(high))
