"""A bar as a path of prices, taken the way that is worst for who holds orders, because its true order is not known.

    1  stops              each at its own price, or the open where that is worse; trailing ones by the best price before
    2  liquidation        by the low, then by the high
    3  take-profits       each at its own price: where a bar holds both a stop and a target, the stop counts
    4  resting orders     only where the bar went beyond their price, together with no more than `bar_share` of its volume
    5  trailing stops     follow to the bar's best price, and fire if it closed beyond their new level

Stops protect from the bar in which they arrived; take-profits and limits need to have been sent before it opened. Market
orders trade around the price of their stage by the spread model.
"""

from collections.abc import Iterator

from contracts.orders import OrderType
from execution.matching.meeting import Meeting
from execution.matching.pit import Pit
from execution.matching.terms import Terms
from execution.matching.units import UNIT, units
from execution.matching.waiting import follow, has_turned
from execution.matching.working import Working


class BarPath:
    """Lets a pit's orders meet a bar."""

    def __init__(self, terms: Terms, meeting: Meeting) -> None:
        self._share = units(terms.bar_share)
        self._meeting = meeting

    def stages(
        self, pit: Pit, opened: int, micros: int, open: int, high: int, low: int, close: int, volume: int
    ) -> Iterator[None]:
        """Each stage in turn; the caller looks at margins after each."""
        market, waiting = pit.market, pit.waiting
        due = waiting.falling.due(low) + waiting.rising.due(high)
        for working in due:
            if working.order.type is OrderType.STOP_MARKET and working.live_at < micros:
                self._fire(pit, working, _worse(working, open), micros, volume)
        self._turn(pit, micros, low, high, open, volume)
        yield
        for extreme in (low, high):
            if extreme <= pit.low or extreme >= pit.high:
                market.take_last(micros, extreme, volume)
                yield
        for working in due:
            if working.order.type is OrderType.TAKE_PROFIT_MARKET and working.sent_at <= opened:
                self._fire(pit, working, working.level, micros, volume)
        yield
        self._meeting.pass_through(pit, opened, low, high, volume * self._share // UNIT)
        yield
        for working in list(waiting.trailing.values()):
            if working.sent_at <= opened:
                follow(working, high if working.sign < 0 else low)
        self._turn(pit, micros, close, close, close, volume)
        market.take_last(micros, close, volume)
        yield

    def _turn(self, pit: Pit, micros: int, low: int, high: int, start: int, volume: int) -> None:
        """Trailing stops that the way from `start` to the low or high turned against."""
        for working in list(pit.waiting.trailing.values()):
            if working.live_at < micros and has_turned(working, low if working.sign < 0 else high):
                self._fire(pit, working, _worse(working, start), micros, volume)

    def _fire(self, pit: Pit, working: Working, price: int, micros: int, volume: int) -> None:
        pit.market.take_last(micros, price, volume)
        self._meeting.fire_one(pit, working, price)


def _worse(working: Working, price: int) -> int:
    """Of an order's own price and another, the one that is worse for it."""
    return min(working.level, price) if working.sign < 0 else max(working.level, price)
