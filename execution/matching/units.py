"""Exact amounts as whole numbers: what the core counts in.

prices (quote currency), quantities (base asset), rates     whole numbers of 1e-8
money: price x quantity                                     whole numbers of 1e-16

Sums and products of them are exact. What has to be rounded (a fee, a share of a cost, a funding payment) is rounded once,
to 1e-16, and the same number is booked on both sides.
"""

from decimal import Decimal

from execution.exact import EXACT, plain

UNIT = 10**8
"""Units in one: of a price, a quantity or a rate."""

MONEY = UNIT * UNIT
"""Units of money in one of the quote currency."""

_PLACES = Decimal("1e-8")
_MONEY_PLACES = Decimal("1e-16")


def units(amount: Decimal) -> int:
    """A price, quantity or rate in units; raises ValueError when it is finer than 1e-8."""
    scaled = EXACT.multiply(amount, Decimal(UNIT))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} is finer than 1e-8")
    return int(scaled)


def nearest_units(amount: float) -> int:
    """The units nearest to a float, as market data has them; raises ValueError or OverflowError when it is no number."""
    return round(amount * UNIT)


def amount_of(count: int) -> Decimal:
    """The price, quantity or rate that is so many units."""
    return plain(EXACT.multiply(Decimal(count), _PLACES))


def money(amount: Decimal) -> int:
    """An amount of quote currency in units of money; raises ValueError when it is finer than 1e-16."""
    scaled = EXACT.multiply(amount, Decimal(MONEY))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} is finer than 1e-16")
    return int(scaled)


def money_of(count: int) -> Decimal:
    """The amount of quote currency that is so many units of money."""
    return plain(EXACT.multiply(Decimal(count), _MONEY_PLACES))


def share(amount: int, rate: int) -> int:
    """`amount` x `rate`, rounded up: against whom it is charged to."""
    return -(-amount * rate // UNIT)
