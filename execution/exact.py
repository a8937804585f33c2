"""Exact money: decimal arithmetic wide enough that sums and products of prices and quantities never round."""

from decimal import Context, Decimal

EXACT = Context(prec=120)
"""Prices and quantities have at most 28 digits (contracts.model), products 56; the rest is for sums."""

_STEP = Decimal("1e-18")


def share_of(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Take amount x part / whole, rounded to 18 places; the rest is the exact difference."""
    return EXACT.quantize(EXACT.divide(EXACT.multiply(amount, part), whole), _STEP)


def plain(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros, exponent or negative zero: 1.500 is 1.5, 1E+2 is 100."""
    return Decimal(format(EXACT.plus(amount).normalize(EXACT), "f"))
