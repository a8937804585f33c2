"""Market making: quote around a fair price, lean against the inventory, take what crosses the quotes."""

import math

from agents.rules.ranges import average_true_range
from agents.rules.rule import MarketView, Opinion, hold, register
from agents.rules.series import exponential_average
from contracts.payloads import Side

FAIR_BARS, ATR_BARS = 10, 14
HALF_SPREAD_RANGES = 0.75
NARROWEST = 0.0004
"""The half spread is at least this share of the price: below it fees take more than the spread gives."""

FULL_INVENTORY_TRADES = 3
STOP_SPREADS = 4.0
HORIZON_SECONDS = 5 * 60


@register("market_making")
class MarketMaking:
    """Inventory-skewed quoting, told as trades, because the desk's signals are trades.

    fair = EMA 10 of the closes; half = max(0.75 x ATR 14, 0.04 % of fair); inventory = position / (3 trades), within
    -1 and 1; bid = fair - half x (1 + inventory), ask = fair + half x (1 - inventory). So a full inventory is sold at
    fair and added to nowhere near. A close at or below the bid is a BUY, at or above the ask a SELL; what would take
    the inventory past full is a HOLD. The target is fair, the stop four half spreads away.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) <= ATR_BARS or not view.highs or not view.lows:
            return hold(f"{len(view.closes)} closed bars; the quotes need {ATR_BARS + 1}.")
        fair = exponential_average(view.closes[-3 * FAIR_BARS :], FAIR_BARS)
        ranges = average_true_range(view.highs, view.lows, view.closes, ATR_BARS)
        half = max(HALF_SPREAD_RANGES * ranges, NARROWEST * fair)
        inventory = _inventory(view)
        bid, ask = fair - half * (1 + inventory), fair + half * (1 - inventory)
        seen = f"fair {fair:.6g}, quotes {bid:.6g} / {ask:.6g}, inventory {inventory:+.2f}"
        side = Side.BUY if view.price <= bid else Side.SELL if view.price >= ask else Side.HOLD
        if side is Side.HOLD:
            return hold(f"{seen}: nothing crosses.", confidence=0.5)
        if inventory * side.sign >= 1.0:
            return hold(f"{seen}: the inventory is full.", confidence=0.5)
        reduces = inventory * side.sign < 0
        beyond = (bid - view.price if side is Side.BUY else view.price - ask) / half
        return Opinion(
            side=side,
            confidence=round(min(0.9, 0.55 + 0.2 * beyond), 4),
            size_fraction=1.0,
            stop_loss=None if reduces else view.at_tick(view.price - side.sign * STOP_SPREADS * half),
            take_profit=None if reduces or (fair - view.price) * side.sign <= 0 else view.at_tick(fair),
            horizon_seconds=HORIZON_SECONDS,
            rationale=f"{seen}: {view.price:g} crosses the {'bid' if side is Side.BUY else 'ask'}.",
        )


def _inventory(view: MarketView) -> float:
    """The position as a share of a full inventory, within -1 and 1; full when one trade's size is not known."""
    if view.position_quantity == 0.0:
        return 0.0
    full = FULL_INVENTORY_TRADES * view.trade_quantity
    if full == 0.0:
        return math.copysign(1.0, view.position_quantity)
    return max(-1.0, min(1.0, view.position_quantity / full))
