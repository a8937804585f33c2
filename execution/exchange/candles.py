"""Candles of one minute and more, made of prices as they come. Pure."""

from collections import deque
from dataclasses import dataclass

_KEPT = 1_500
INTERVALS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "2h": 7_200, "4h": 14_400,
    "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400,
}  # fmt: skip
"""Seconds, by the API's names."""


@dataclass(slots=True)
class Candle:
    """Prices and volumes from `opened` (milliseconds) on."""

    opened: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    quote_volume: float = 0.0
    trades: int = 0


class Candles:
    """The latest minutes of a symbol."""

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=_KEPT)

    def add(self, ms: int, price: float, quantity: float, *, trades: int = 1) -> Candle:
        """Take a price; the minute's candle."""
        opened = ms // 60_000 * 60_000
        if not self._minutes or self._minutes[-1].opened < opened:
            self._minutes.append(Candle(opened, price, price, price, price))
        candle = self._minutes[-1]
        candle.high, candle.low, candle.close = max(candle.high, price), min(candle.low, price), price
        candle.volume += quantity
        candle.quote_volume += quantity * price
        candle.trades += trades
        return candle

    def of(self, interval: str, limit: int) -> list[Candle]:
        """The latest candles of an interval, oldest first; KeyError for one that is not known."""
        span = INTERVALS[interval] * 1_000
        found: list[Candle] = []
        for minute in self._minutes:
            opened = minute.opened // span * span
            if not found or found[-1].opened != opened:
                found.append(Candle(opened, minute.open, minute.high, minute.low, minute.close))
            candle = found[-1]
            candle.high, candle.low = max(candle.high, minute.high), min(candle.low, minute.low)
            candle.close = minute.close
            candle.volume += minute.volume
            candle.quote_volume += minute.quote_volume
            candle.trades += minute.trades
        return found[-limit:]
