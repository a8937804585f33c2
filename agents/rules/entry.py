"""An entry: the opinion to open or turn a trade, its stop and target as far away as its volatility asks."""

import math

from agents.rules.rule import MarketView, Opinion
from contracts.payloads import Side

NEAREST_STOP = 0.003
"""A stop lies at least this share of the price away: nearer, and the spread alone would take it out."""

FARTHEST_STOP = 0.05
"""And at most this share."""


def holds_already(view: MarketView, side: Side) -> bool:
    """Whether the agent is on that side already; the rules do not pile up."""
    return view.position_quantity * side.sign > 0


def entry(
    view: MarketView,
    side: Side,
    *,
    confidence: float,
    size_fraction: float,
    bar_volatility: float,
    bars: int,
    reward: float,
    rationale: str,
) -> Opinion:
    """The opinion to trade `side` and hold it for about `bars` bars of one minute.

    The stop lies two standard deviations of a move over `bars` bars away (bar_volatility x sqrt(bars) x 2,
    within `NEAREST_STOP` and `FARTHEST_STOP`), the target `reward` times as far on the other side.
    """
    distance = min(max(2.0 * bar_volatility * math.sqrt(bars), NEAREST_STOP), FARTHEST_STOP)
    return Opinion(
        side=side,
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
        size_fraction=round(min(max(size_fraction, 0.0), 1.0), 4),
        stop_loss=view.at_tick(view.price * (1 - side.sign * distance)),
        take_profit=view.at_tick(view.price * (1 + side.sign * distance * reward)),
        horizon_seconds=bars * 60,
        rationale=rationale,
    )
