"""The conditional orders of one symbol: stops and take-profits by the price that fires them, trailing stops by its path."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from contracts.orders import OrderType
from execution.matching.units import UNIT
from execution.matching.working import Working

FAR_ABOVE = 1 << 100
"""Above any price."""


class FiringSide:
    """Orders that fire when the price falls to their level (sign +1) or rises to it (sign -1)."""

    __slots__ = ("_entries", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self._entries: list[tuple[int, int, Working]] = []

    @property
    def next_level(self) -> int | None:
        """The level that fires first; None when nothing waits."""
        return self._entries[-1][0] * self.sign if self._entries else None

    def add(self, working: Working) -> None:
        """The order waits."""
        insort(self._entries, (working.level * self.sign, -working.number, working))

    def remove(self, working: Working) -> None:
        """The order waits no longer."""
        place = bisect_left(self._entries, (working.level * self.sign, -working.number))
        del self._entries[place]

    def due(self, price: int) -> list[Working]:
        """The orders that a price fires, nearest level first; they still wait."""
        found = []
        key = price * self.sign
        for level, _, working in reversed(self._entries):
            if level < key:
                break
            found.append(working)
        return found

    def __iter__(self) -> Iterator[Working]:
        return (working for _, _, working in self._entries)


class Waiting:
    """All that waits for a price of one symbol."""

    __slots__ = ("falling", "rising", "trailing")

    def __init__(self) -> None:
        self.falling, self.rising = FiringSide(1), FiringSide(-1)
        self.trailing: dict[int, Working] = {}

    def add(self, working: Working, price: int) -> None:
        """The order waits; a trailing stop without an activation price follows from `price` on."""
        self.take_up(working)
        if working.order.type is OrderType.TRAILING_STOP_MARKET:
            follow(working, price)

    def take_up(self, working: Working) -> None:
        """The order waits as it did before."""
        if working.order.type is OrderType.TRAILING_STOP_MARKET:
            self.trailing[working.number] = working
        else:
            self._side(working).add(working)

    def __iter__(self) -> Iterator[Working]:
        yield from self.falling
        yield from self.rising
        yield from self.trailing.values()

    def remove(self, working: Working) -> None:
        """The order waits no longer."""
        if working.order.type is OrderType.TRAILING_STOP_MARKET:
            del self.trailing[working.number]
        else:
            self._side(working).remove(working)

    def bounds(self) -> tuple[int | None, int | None]:
        """At which prices, or below the one and above the other, anything fires or a trailing stop moves."""
        lows = [level for level in (self.falling.next_level,) if level is not None]
        highs = [level for level in (self.rising.next_level,) if level is not None]
        for working in self.trailing.values():
            near, far = working.level, working.extreme or working.order.stop
            if not far:
                # Taken up without a price: it follows from the next one on, whatever that is.
                return FAR_ABOVE, -1
            if working.order.sign > 0:
                near, far = far, near
            if near:
                lows.append(near)
            if far:
                highs.append(far)
        return max(lows, default=None), min(highs, default=None)

    def _side(self, working: Working) -> FiringSide:
        return self.falling if fires_falling(working) else self.rising


def fires_falling(working: Working) -> bool:
    """Whether a stop or take-profit fires when the price falls to its level."""
    return (working.order.type is OrderType.STOP_MARKET) == (working.order.sign < 0)


def follow(working: Working, price: int) -> None:
    """Let a trailing stop follow a price: `level` moves with the best one, once the activation price was there."""
    order = working.order
    if not working.extreme:
        if order.stop and (order.stop - price) * order.sign < 0:
            return
        working.extreme = price
    elif (price - working.extreme) * order.sign < 0:
        working.extreme = price
    else:
        return
    # The level is rounded towards the price, so that it never fires later than the rate says.
    away = working.extreme * (UNIT + order.sign * order.callback)
    working.level = away // UNIT if order.sign > 0 else -(-away // UNIT)


def has_turned(working: Working, price: int) -> bool:
    """Whether the price has come back from a trailing stop's best one by its rate."""
    return bool(working.level) and (price - working.level) * working.order.sign >= 0
