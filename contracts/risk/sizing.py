"""Sizing: from what an agent wishes to a quantity that the venue can trade."""

from decimal import ROUND_UP, Decimal

from contracts.instruments import Instrument
from contracts.payloads import DeskState
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO
from contracts.risk.wish import Wish

_ONE = Decimal(1)


def per_trade_cap(allocation: Decimal, state: DeskState, limits: Limits) -> Decimal:
    """The most that one order of an agent may be worth (quote currency): less while the desk is REDUCED."""
    factor = limits.reduced_factor if state is DeskState.REDUCED else Decimal(1)
    return allocation * limits.per_trade_share * factor


def wanted_notional(wish: Wish, cap: Decimal) -> Decimal:
    """What the wish is worth in quote currency: a share of the cap, or as it says."""
    if wish.notional is not None:
        return wish.notional
    return (wish.size_fraction or ZERO) * cap


def scale_of(
    wish: Wish, cap: Decimal, allocation: Decimal, volatility: Decimal | None, limits: Limits
) -> Decimal:
    """What a size is multiplied with when it adds risk, in (0, 1], so that no order is worth more than the cap.

        scale = min(1, target_volatility x allocation / (volatility x cap)) x (f + (1 - f) x confidence)

    with volatility as a share of the price in a day (`assumed_volatility` until it is known) and f =
    `least_confidence_factor`. So a full order at confidence 1 moves its agent's allocation by at most `target_volatility` a
    day. Allocation 60,000, cap 3,000, target 0.15 %, f = 0.5:

        volatility 3 %   confidence 1.0    1.0 x 1.00 = 1.00
        volatility 6 %   confidence 1.0    0.5 x 1.00 = 0.50
        volatility 6 %   confidence 0.6    0.5 x 0.80 = 0.40

    A signal says its notional: its bot has sized it, and it is taken or refused as it is.
    """
    if wish.notional is not None or cap <= 0:
        return _ONE
    moves = (volatility or limits.assumed_volatility) * cap
    risk = min(_ONE, EXACT.divide(EXACT.multiply(limits.target_volatility, allocation), moves))
    least = limits.least_confidence_factor
    return EXACT.multiply(risk, least + (_ONE - least) * wish.confidence)


def smallest_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    """The least that can be traded at a price: one lot, and no less than the venue's least notional."""
    lots = max(Decimal(1), (instrument.min_notional / price / instrument.lot).to_integral_value(ROUND_UP))
    return lots * instrument.lot


def quantity_of(
    wish: Wish,
    instrument: Instrument,
    price: Decimal,
    cap: Decimal,
    closable: Decimal,
    scale: Decimal = _ONE,
) -> Decimal:
    """The quantity to order, a multiple of the lot; zero when it is too small to trade.

    `closable` is how much the wish can trade and still only reduce its agent's position. What only reduces is not scaled,
    and may be as small as the agent likes: it is raised to the smallest order, so that small positions can be left.

        cap 100, size_fraction 0.5, price 42,000, lot 0.001    50 / 42,000 -> 0.001
        the same, scale 0.5                                    25 / 42,000 -> 0, too small
        the same, and 0.002 to close                           50 / 42,000 -> 0.001, as it only reduces
        cap 50, size_fraction 0.5                              25 / 42,000 -> 0, too small
        the same, and 0.002 to close                           0.001
    """
    notional = wanted_notional(wish, cap)
    if price <= 0 or notional <= 0:
        return ZERO
    smallest = smallest_quantity(instrument, price)
    whole = instrument.round_quantity(notional / price)
    quantity = instrument.round_quantity(notional * scale / price)
    quantity = max(quantity, min(whole, instrument.round_quantity(closable)))
    if quantity < smallest <= closable:
        quantity = smallest
    if wish.reduce_only:
        quantity = min(quantity, instrument.round_quantity(closable))
    return quantity if quantity >= smallest else ZERO
