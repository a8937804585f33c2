"""Sizing: from what an agent wishes to a quantity that the venue can trade."""

from decimal import ROUND_UP, Decimal

from contracts.instruments import Instrument
from contracts.payloads import DeskState
from contracts.risk.limits import Limits
from contracts.risk.money import ZERO
from contracts.risk.wish import Wish


def per_trade_cap(allocation: Decimal, state: DeskState, limits: Limits) -> Decimal:
    """The most that one order of an agent may be worth (quote currency): less while the desk is REDUCED."""
    factor = limits.reduced_factor if state is DeskState.REDUCED else Decimal(1)
    return allocation * limits.per_trade_share * factor


def wanted_notional(wish: Wish, cap: Decimal) -> Decimal:
    """What the wish is worth in quote currency: a share of the cap, or as it says."""
    if wish.notional is not None:
        return wish.notional
    return (wish.size_fraction or ZERO) * cap


def smallest_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    """The least that can be traded at a price: one lot, and no less than the venue's least notional."""
    lots = max(Decimal(1), (instrument.min_notional / price / instrument.lot).to_integral_value(ROUND_UP))
    return lots * instrument.lot


def quantity_of(
    wish: Wish, instrument: Instrument, price: Decimal, cap: Decimal, closable: Decimal
) -> Decimal:
    """The quantity to order, a multiple of the lot; zero when it is too small to trade.

    `closable` is how much the wish can trade and still only reduce its agent's position. What only reduces may be as
    small as the agent likes: it is raised to the smallest order, so that small positions can be left.

        cap 100, size_fraction 0.5, price 42,000, lot 0.001    50 / 42,000 -> 0.001
        cap 50, size_fraction 0.5                              25 / 42,000 -> 0, too small
        the same, and 0.002 to close                           0.001
    """
    notional = wanted_notional(wish, cap)
    if price <= 0 or notional <= 0:
        return ZERO
    smallest = smallest_quantity(instrument, price)
    quantity = instrument.round_quantity(notional / price)
    if quantity < smallest <= closable:
        quantity = smallest
    if wish.reduce_only:
        quantity = min(quantity, instrument.round_quantity(closable))
    return quantity if quantity >= smallest else ZERO
