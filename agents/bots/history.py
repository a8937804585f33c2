"""The closed bars that a bot has seen, by symbol."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from agents.rules.rule import MarketView
from contracts.market_data import MarketBatch, MarketKind

KEPT = 120


class Bar(NamedTuple):
    """A closed bar; `closed_at` is when it was known."""

    closed_at: datetime
    high: float
    low: float
    close: float
    volume: float


@dataclass
class BarHistory:
    """The last bars of each symbol, in the order of time; one that is not newer than the last is passed over."""

    _bars: dict[str, deque[Bar]] = field(default_factory=dict)

    def add(self, symbol: str, bar: Bar) -> bool:
        """Take in a bar; whether it was new."""
        bars = self._bars.setdefault(symbol, deque(maxlen=KEPT))
        if bars and bar.closed_at <= bars[-1].closed_at:
            return False
        bars.append(bar)
        return True

    def view(self, symbol: str, position: float, trade_quantity: float) -> MarketView:
        """The market of a symbol that has had a bar, as a rule sees it."""
        bars = self._bars[symbol]
        _, highs, lows, closes, volumes = zip(*bars, strict=True)
        return MarketView(
            symbol=symbol,
            price=bars[-1].close,
            closes=closes,
            highs=highs,
            lows=lows,
            volumes=volumes,
            position_quantity=position,
            trade_quantity=trade_quantity,
        )


def bars_in(batch: MarketBatch) -> list[Bar]:
    """The bars of a batch; none when it is of another kind."""
    if batch.kind is not MarketKind.BAR:
        return []
    return [
        Bar(row["event_time"], row["high"], row["low"], row["close"], row["volume"])
        for row in batch.rows.to_pylist()
    ]
