"""The prices that the paper venue trades at: latest quote and last price of each symbol. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from contracts.instruments import INSTRUMENTS
from contracts.market_data import MarketBatch, MarketKind

_LAST_PRICE_COLUMN = {MarketKind.TRADE: "price", MarketKind.BAR: "close"}


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices to trade at, as of `event_time`; `source` is the kind of event that they come from."""

    bid: Decimal
    ask: Decimal
    event_time: datetime
    source: MarketKind


class Prices:
    """What is known of each symbol's price.

    A quote is traded at as it stands. Where there is none, or where other prices are more than `quote_life`
    newer, the last trade or bar close stands in, `half_spread` (a share of the price) to either side,
    rounded to the tick away from it. An event older than what is known of its kind changes nothing; marks
    and books are not traded at. A quote that is crossed or has no price takes away the quote before it, and
    does not replace it.
    """

    def __init__(self, half_spread: Decimal, quote_life: timedelta) -> None:
        self._half_spread = half_spread
        self._quote_life = quote_life
        self._quotes: dict[str, Touch] = {}
        self._lasts: dict[str, Touch] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that have a price, in order of their names."""
        return tuple(sorted(self._quotes.keys() | self._lasts.keys()))

    def take(self, batch: MarketBatch) -> None:
        """Learn from a batch: its last row counts. Symbols that the desk does not trade are passed over."""
        if batch.symbol not in INSTRUMENTS:
            return
        if batch.kind is MarketKind.QUOTE:
            self._take_quote(batch)
        elif batch.kind in _LAST_PRICE_COLUMN:
            self._take_last(batch, _LAST_PRICE_COLUMN[batch.kind])

    def touch(self, symbol: str) -> Touch | None:
        """The prices in force; None when there are none."""
        quote, last = self._quotes.get(symbol), self._lasts.get(symbol)
        if quote is None or last is None:
            return quote or last
        return last if last.event_time - quote.event_time > self._quote_life else quote

    def _take_quote(self, batch: MarketBatch) -> None:
        known = self._quotes.get(batch.symbol)
        if known and batch.event_time < known.event_time:
            return
        bid, ask = _last_of(batch, "bid"), _last_of(batch, "ask")
        if bid is None or ask is None or bid > ask:
            self._quotes.pop(batch.symbol, None)
            return
        self._quotes[batch.symbol] = Touch(bid, ask, batch.event_time, batch.kind)

    def _take_last(self, batch: MarketBatch, column: str) -> None:
        known = self._lasts.get(batch.symbol)
        price = _last_of(batch, column)
        if price is None or (known and batch.event_time < known.event_time):
            return
        tick = INSTRUMENTS[batch.symbol].tick
        self._lasts[batch.symbol] = Touch(
            bid=(price * (1 - self._half_spread) / tick).to_integral_value(ROUND_FLOOR) * tick,
            ask=(price * (1 + self._half_spread) / tick).to_integral_value(ROUND_CEILING) * tick,
            event_time=batch.event_time,
            source=batch.kind,
        )


def _last_of(batch: MarketBatch, column: str) -> Decimal | None:
    """The last row's price, by the shortest decimal that means the same float; None when it is no price."""
    value = batch.rows.column(column)[-1].as_py()
    return Decimal(str(value)) if math.isfinite(value) and value > 0 else None
