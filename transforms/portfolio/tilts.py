"""Tilts: how an optimizer's views on symbols move capital between agents, within a bound."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import exp, tanh
from typing import Any, NamedTuple

from contracts.payloads import Side
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO


class View(NamedTuple):
    """What the optimizer thinks of a symbol: sign x size x confidence, from -1 to 1, until when (microseconds)."""

    strength: Decimal
    until: int


class Tilts:
    """The latest view on each symbol, from the proposals of the agents whose role is portfolio optimizer.

        alignment = sum over symbols of strength x (what the agent holds, signed) / its capital
        factor    = exp(optimizer_tilt x tanh(alignment / per_trade_share))

    An agent that holds what is wanted gets more capital, one that holds against it less, one that holds nothing the same.
    A BUY of BTC with size 1 and confidence 0.8: long BTC for 5 % of its capital, one full order, an agent has the factor
    exp(0.2 x tanh(0.8)) = 1.14; short as much, 0.88. A view ends with the horizon of its proposal. Optimizers are not
    tilted: they hold what they want, and would give capital to themselves.
    """

    def __init__(self) -> None:
        self._views: dict[str, View] = {}

    def hear(self, symbol: str, side: Side, strength: Decimal, until: int) -> None:
        """Take up a proposal: `strength` is its size x confidence."""
        if side is not Side.HOLD:
            self._views[symbol] = View(side.sign * strength, until)

    def views(self, clock: int) -> dict[str, Decimal]:
        """The strengths of the views that hold now, by symbol."""
        return {symbol: view.strength for symbol, view in self._views.items() if view.until > clock}

    def factors(
        self,
        clock: int,
        limits: Limits,
        held: Iterable[tuple[str, str, Decimal]],
        capital: Mapping[str, Decimal],
    ) -> dict[str, float]:
        """The factor of each agent that holds something: `held` are agents, symbols and signed values (quote currency)."""
        views = self.views(clock)
        aligned: dict[str, Decimal] = {}
        for agent, symbol, value in held:
            if symbol in views:
                aligned[agent] = aligned.get(agent, ZERO) + EXACT.multiply(views[symbol], value)
        return {
            agent: _factor(EXACT.divide(amount, capital[agent]), limits)
            for agent, amount in aligned.items()
            if capital.get(agent, ZERO) > 0
        }

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {symbol: [str(view.strength), view.until] for symbol, view in self._views.items()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self._views = {
            symbol: View(Decimal(strength), int(until)) for symbol, (strength, until) in dumped.items()
        }


def _factor(alignment: Decimal, limits: Limits) -> float:
    full = float(EXACT.divide(alignment, limits.per_trade_share))
    return exp(float(limits.optimizer_tilt) * tanh(full))
