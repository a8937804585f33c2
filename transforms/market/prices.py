"""Prices as the desk writes them: exact, on the instrument's tick."""

from decimal import ROUND_HALF_EVEN, Decimal

from contracts.instruments import INSTRUMENTS

_FINEST = Decimal("0.00000001")


def at_tick(symbol: str, price: float) -> Decimal:
    """The multiple of the symbol's tick nearest to a positive price, one tick at least; 1e-8 for an unknown symbol."""
    tick = INSTRUMENTS[symbol].tick if symbol in INSTRUMENTS else _FINEST
    steps = (Decimal(repr(price)) / tick).to_integral_value(ROUND_HALF_EVEN)
    return max(steps, Decimal(1)) * tick
