"""Exact money: decimals wide enough that a book's sums never round, and the precision at which they are told."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
"""Prices and quantities have at most 28 digits (contracts.model), so products have 56; the rest is room for sums."""

ZERO = Decimal(0)

_TOLD = Decimal("1e-9")


def told(amount: Decimal) -> Decimal:
    """The amount as rows and messages tell it: 9 places (what BigQuery's NUMERIC holds), no trailing zeros, no exponent."""
    rounded = amount.quantize(_TOLD, context=EXACT)
    return Decimal(format(rounded.normalize(EXACT), "f")) if rounded else ZERO


def exact(number: float) -> Decimal:
    """A float as the decimal that it is written as: 0.1 is 0.1."""
    return Decimal(repr(number))
