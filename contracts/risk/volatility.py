"""How each symbol's price moves, as its marks told it last."""

from decimal import Decimal
from math import fsum
from typing import Any, NamedTuple

from contracts.payloads import Mark
from contracts.risk.money import exact


class Moves(NamedTuple):
    """A symbol's standard deviation in a day (share of its price) and its average true range (quote currency)."""

    volatility: Decimal | None = None
    atr: Decimal | None = None


_UNKNOWN = Moves()


class Volatility:
    """What the marks told; a mark that does not tell leaves what is known."""

    def __init__(self) -> None:
        self._moves: dict[str, Moves] = {}

    def hear(self, mark: Mark) -> None:
        """Take up the latest mark of its symbol."""
        known = self.of(mark.symbol)
        told = Moves(
            known.volatility if not mark.volatility else exact(mark.volatility),
            known.atr if not mark.atr else exact(mark.atr),
        )
        if told != _UNKNOWN:
            self._moves[mark.symbol] = told

    def of(self, symbol: str) -> Moves:
        """How a symbol moves, as far as is known."""
        return self._moves.get(symbol, _UNKNOWN)

    @property
    def mean(self) -> float | None:
        """The mean volatility of all symbols that told one; the market's state in one number."""
        told = [float(moves.volatility) for moves in self._moves.values() if moves.volatility is not None]
        return fsum(told) / len(told) if told else None

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            symbol: [None if amount is None else str(amount) for amount in moves]
            for symbol, moves in self._moves.items()
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Volatility":
        """What `dump` wrote."""
        volatility = cls()
        volatility._moves = {
            symbol: Moves(*(None if amount is None else Decimal(amount) for amount in moves))
            for symbol, moves in dumped.items()
        }
        return volatility
