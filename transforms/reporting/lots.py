"""Lots: what one fill opened and another closed, first in first out."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from transforms.reporting.fills import Fill


@dataclass(frozen=True, slots=True)
class Lot:
    """A quantity that was opened by one fill and closed by another, or is still open at the period's end."""

    agent: str
    symbol: str
    sign: int
    quantity: float
    opened: int
    closed: int
    entry: float
    exit: float
    fees: float
    is_open: bool

    @property
    def notional(self) -> float:
        """What it was worth when it was opened."""
        return self.quantity * self.entry

    @property
    def profit(self) -> float:
        """What it made, after fees."""
        return self.sign * self.quantity * (self.exit - self.entry) - self.fees


@dataclass(slots=True)
class _Waiting:
    fill: Fill
    left: float


def lots_of(fills: Iterable[Fill], last_prices: dict[str, float], end: int) -> list[Lot]:
    """The lots of fills that are in order: closed ones as they closed, then what is open, valued at the last prices.

    A fill's fee is shared by its lots in proportion to their quantity. So, whatever was traded,

        sum of profit == sum of -sign x quantity x price - fee over all fills + what is held x last price
    """
    waiting: dict[tuple[str, str], deque[_Waiting]] = {}
    lots: list[Lot] = []
    for fill in fills:
        held = waiting.setdefault((fill.agent, fill.symbol), deque())
        left = fill.quantity
        while left > 0 and held and held[0].fill.sign != fill.sign:
            first = held[0]
            taken = min(left, first.left)
            fees = _share(first.fill, taken) + _share(fill, taken)
            lots.append(_lot(first.fill, taken, fill.moment, fill.price, fees, is_open=False))
            left = _rest(left, taken, fill.quantity)
            first.left = _rest(first.left, taken, first.fill.quantity)
            if not first.left:
                held.popleft()
        if left > 0:
            held.append(_Waiting(fill, left))
    for (_, symbol), held in sorted(waiting.items()):
        for rest in held:
            price = last_prices.get(symbol, rest.fill.price)
            lots.append(_lot(rest.fill, rest.left, end, price, _share(rest.fill, rest.left), is_open=True))
    return lots


def _share(fill: Fill, quantity: float) -> float:
    return fill.fee * quantity / fill.quantity


def _rest(left: float, taken: float, of: float) -> float:
    """What remains; a remainder that is only rounding is none."""
    rest = left - taken
    return rest if rest > 1e-9 * of else 0.0


def _lot(opening: Fill, quantity: float, closed: int, price: float, fees: float, *, is_open: bool) -> Lot:
    return Lot(
        agent=opening.agent,
        symbol=opening.symbol,
        sign=opening.sign,
        quantity=quantity,
        opened=opening.moment,
        closed=closed,
        entry=opening.price,
        exit=price,
        fees=fees,
        is_open=is_open,
    )
