"""The desk's marks: the price at which it values a symbol, and whether that may be traded on."""

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Any

from contracts.payloads import Mark
from contracts.rows.market import QualityKind
from transforms.market.prices import at_tick
from transforms.market.quality import Finding
from transforms.market.quotes import CROSSED, STALE, Quotes
from transforms.market.venue_marks import VenueMarks

_SECOND = 1_000_000
_DAY_SECONDS = 86_400

_KINDS = {CROSSED: QualityKind.CROSSED, STALE: QualityKind.STALE, "": QualityKind.SOUND_AGAIN}


class Marks:
    """Says a symbol's mark: at most once in a second of event time, but at once when it stops or starts to be tradable.

    The price is the venue's mark; without one the middle of the quote; without that the last price traded, or marked.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._last_time = 0
        self._last_price: float | None = None
        self._marked_second = -1
        self._trouble = ""
        self._volatility: float | None = None
        self._atr: float | None = None

    def moves(self, features: Mapping[str, float], bar_seconds: int) -> None:
        """How the price moves, from the features of the bar that closed last: told with the marks that follow."""
        volatility = features.get("realised_volatility_20")
        self._volatility = None if volatility is None else volatility * sqrt(_DAY_SECONDS / bar_seconds)
        self._atr = features.get("atr_14")

    def traded(self, time: int, price: float) -> None:
        """A trade, or a bar's close, at `time` (microseconds)."""
        if time >= self._last_time:
            self._last_time, self._last_price = time, price

    def mark(self, now: int, quotes: Quotes, venue: VenueMarks, found: list[Finding]) -> Mark | None:
        """The mark as of `now`, the latest event of all, if it is time for one.

        What was found in the same batch is in its reason, and makes it time; a quote that turns bad or good is added to it.
        """
        notes = [finding.detail for finding in found]
        trouble, before = quotes.trouble(now), self._trouble
        if trouble != before:
            found.append(Finding(now, _KINDS[trouble], 0.0, trouble or "the quote is sound again"))
        elif not notes and now // _SECOND <= self._marked_second:
            return None
        self._trouble = trouble
        quote = quotes.latest(now)
        has_quote = isfinite(quote.bid)
        price: float | None = venue.latest(now).mark_price
        if price is None or not isfinite(price):
            price = (quote.bid + quote.ask) / 2 if has_quote else self._last_price
        if price is None:
            return None
        self._marked_second = now // _SECOND
        self._last_price = price if self._last_price is None else self._last_price
        return Mark(
            symbol=self._symbol,
            price=at_tick(self._symbol, price),
            bid=at_tick(self._symbol, quote.bid) if has_quote else None,
            ask=at_tick(self._symbol, quote.ask) if has_quote else None,
            tradable=not trouble,
            reason="; ".join([trouble, *notes] if trouble else notes),
            volatility=self._volatility,
            atr=self._atr,
        )

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return [
            self._last_time,
            self._last_price,
            self._marked_second,
            self._trouble,
            self._volatility,
            self._atr,
        ]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self._last_time, self._last_price, self._marked_second, self._trouble, *moves = state
        self._volatility, self._atr = moves or (None, None)
