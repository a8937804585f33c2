"""Brackets: the stop and the target that the desk gives an order whose agent gave none."""

from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from contracts.instruments import Instrument
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO
from contracts.risk.wish import Wish


class Brackets(NamedTuple):
    """The prices at which a position is left again; None where there is none."""

    stop_loss: Decimal | None
    take_profit: Decimal | None


def brackets_of(
    wish: Wish, instrument: Instrument, price: Decimal, atr: Decimal | None, limits: Limits
) -> Brackets:
    """What the agent gave; what it did not give, from the average true range (quote currency).

        stop   = price - side x min(stop_atr x ATR, stop_distance x price)      target = price + side x take_profit_atr x ATR

    in whole ticks, at least one away; BUY at 42,000, ATR 25, 8 and 12 of them: stop 41,800, target 42,300. Without an ATR
    nothing is made up, an order that closes needs none, and what would be inverted beside the given one is left out.
    """
    given = Brackets(wish.stop_loss, wish.take_profit)
    if wish.reduce_only or not atr or price <= 0:
        return given
    farthest = EXACT.multiply(limits.stop_distance, price)
    stop = wish.stop_loss or _at(instrument, price, -wish.side.sign, min(limits.stop_atr * atr, farthest))
    target = wish.take_profit or _at(instrument, price, wish.side.sign, limits.take_profit_atr * atr)
    if stop is not None and target is not None and (target - stop) * wish.side.sign <= 0:
        return given
    return Brackets(stop, target)


def _at(instrument: Instrument, price: Decimal, sign: int, distance: Decimal) -> Decimal | None:
    """The price `distance` away, in whole ticks and no farther; None when that is no price."""
    tick = instrument.tick
    ticks = max(Decimal(1), EXACT.divide(distance, tick).to_integral_value(ROUND_DOWN))
    on_tick = EXACT.divide(price, tick).to_integral_value(ROUND_DOWN) * tick
    found = on_tick + sign * ticks * tick
    if sign < 0 and on_tick != price:
        found += tick  # no farther than the distance, though the price lies between two ticks
    return found if found > ZERO else None
