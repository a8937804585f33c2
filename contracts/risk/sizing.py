"""Sizing: from what an agent wishes to a quantity that the venue can trade."""

from decimal import ROUND_UP, Decimal
from typing import NamedTuple

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


class Scale(NamedTuple):
    """What a size that adds risk is multiplied with: for how its symbol moves, for how sure its agent is; each in (0, 1]."""

    risk: Decimal = _ONE
    confidence: Decimal = _ONE


def scale_of(
    wish: Wish, cap: Decimal, allocation: Decimal, volatility: Decimal | None, limits: Limits
) -> Scale:
    """The scale of a wish, so that no order is worth more than the cap.

        risk       = min(1, target_volatility x allocation / (volatility x cap))
        confidence = f + (1 - f) x its confidence,   f = least_confidence_factor

    with volatility as a share of the price in a day (`assumed_volatility` until it is known). So a full order moves its
    agent's allocation by at most `target_volatility` a day. Allocation 60,000, cap 3,000, target 0.15 %, f = 0.5:

        volatility 3 %   sure 1.0    1.0 x 1.00
        volatility 6 %   sure 1.0    0.5 x 1.00
        volatility 6 %   sure 0.6    0.5 x 0.80

    A signal says its notional: its bot has sized it, and it is taken or refused as it is.
    """
    if wish.notional is not None or cap <= 0:
        return _UNSCALED
    moves = (volatility or limits.assumed_volatility) * cap
    risk = min(_ONE, EXACT.divide(EXACT.multiply(limits.target_volatility, allocation), moves))
    least = limits.least_confidence_factor
    return Scale(risk, least + (_ONE - least) * wish.confidence)


_UNSCALED = Scale()


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
    scale: Scale = _UNSCALED,
) -> Decimal:
    """The quantity to order, a multiple of the lot; zero when it is too small to trade.

    A share of the cap is rounded down to lots, and up to the smallest order when it is at least half of one and the cap,
    scaled by risk, has room for it. `closable` is how much the wish can trade and still only reduce its agent's position.
    What only reduces is not scaled, and may be as small as the agent likes, so that small positions can be left.

        cap 100, size_fraction 0.5, price 42,000, lot 0.001    50 / 42,000 -> 0.001
        the same, risk 0.5                                     25 / 42,000 -> 0.001, more than half of 42, and 50 has room
        the same, risk 0.4                                     20 / 42,000 -> 0, too small
        the same, and 0.002 to close                           50 / 42,000 -> 0.001, as it only reduces
        cap 40, size_fraction 1                                40 / 42,000 -> 0, no room for a lot
        the same, and 0.002 to close                           0.001
    """
    whole = wanted_notional(wish, cap)
    if price <= 0 or whole <= 0:
        return ZERO
    smallest = smallest_quantity(instrument, price)
    scaled = whole * scale.risk * scale.confidence
    most_to_close = instrument.round_quantity(closable)
    quantity = instrument.round_quantity(scaled / price)
    quantity = max(quantity, min(instrument.round_quantity(whole / price), most_to_close))
    if quantity < smallest:
        is_worth_one = wish.notional is None and smallest * price <= min(2 * scaled, cap * scale.risk)
        quantity = smallest if smallest <= closable or is_worth_one else ZERO
    if wish.reduce_only:
        quantity = min(quantity, most_to_close)
    return quantity if quantity >= smallest else ZERO
