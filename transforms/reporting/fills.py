"""What was bought and sold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from transforms.reporting.series import Floats, Micros, Series


@dataclass(frozen=True, slots=True)
class Fill:
    """Something that an agent bought (sign 1) or sold (-1) at `moment`; amounts in quote currency.

    A `carried` fill is what was held already when the period began, at its worth then: nothing was traded or paid.
    """

    moment: int
    agent: str
    symbol: str
    sign: int
    quantity: float
    price: float
    fee: float = 0.0
    carried: bool = False

    @property
    def notional(self) -> float:
        """Quantity x price."""
        return self.quantity * self.price


def profit_over_time(fills: Iterable[Fill], prices: Mapping[str, Series], moments: Micros) -> Floats:
    """What the fills (in order) had made at each moment, after fees: cash paid and received, and what is held at its price.

    A symbol without prices is valued at its last fill's.
    """
    by_symbol: dict[str, list[Fill]] = {}
    for fill in fills:
        by_symbol.setdefault(fill.symbol, []).append(fill)
    total = np.zeros(len(moments))
    for symbol, traded in by_symbol.items():
        times = np.array([fill.moment for fill in traded], np.int64)
        signed = np.array([fill.sign * fill.quantity for fill in traded])
        paid = np.array([fill.sign * fill.notional + fill.fee for fill in traded])
        place = np.searchsorted(times, moments, "right")
        held = np.concatenate(([0.0], np.cumsum(signed)))[place]
        cash = -np.concatenate(([0.0], np.cumsum(paid)))[place]
        own = Series(times, np.array([fill.price for fill in traded]))
        total += cash + held * prices.get(symbol, own).at(moments)
    return total
