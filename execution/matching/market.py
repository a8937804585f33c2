"""What is known of one symbol's market, and what can be traded with: the book, the quote, or the last price.

    a book         its levels
    a quote        the quoted quantity at its price, then the spread model's steps behind it
    neither        the spread model around the last trade or bar close

A book or quote counts while it is no older than `quote_life` beside what else is known; the book first. A crossed one does
not count. What our orders take is taken from what is known here, until the data tells it anew.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any, NamedTuple

from contracts.instruments import Instrument
from execution.matching.book_side import BookSide, Level
from execution.matching.terms import Terms, micros_of
from execution.matching.units import UNIT, units

NEVER = -1
ENDLESS = 1 << 100
"""A quantity that no order exhausts."""


class Source(Enum):
    """What is traded at."""

    BOOK = auto()
    QUOTE = auto()
    LAST = auto()


class Quote(NamedTuple):
    """The best prices and their quantities, in units."""

    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class Market:
    """The prices of one symbol, in units; times are event time in microseconds."""

    __slots__ = (
        "_bar_life", "_depth", "_half_spread", "_levels", "_life", "_remembers", "_taken", "_tick", "asks",
        "bids", "book_at", "last", "last_at", "last_quantity", "mark", "marks_told", "quote", "quote_at", "rate",
        "trade_at",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, terms: Terms) -> None:
        self._tick = units(instrument.tick)
        self._half_spread, self._depth = units(terms.spread.half_spread), units(terms.spread.depth_share)
        self._levels, self._life = terms.spread.levels, micros_of(terms.quote_life)
        self._bar_life = None if terms.bar_life is None else micros_of(terms.bar_life)
        self._remembers = terms.remembers_taken
        self.bids, self.asks = BookSide(1), BookSide(-1)
        self.book_at = self.quote_at = self.last_at = self.trade_at = NEVER
        self.quote: Quote | None = None
        self.last = self.last_quantity = 0
        self.mark, self.marks_told, self.rate = 0, False, units(terms.funding_rate)
        self._taken = [0, 0]

    # --- what the data tells -------------------------------------------------------------------------------------

    def take_book(self, micros: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """A whole book."""
        self.bids.replace(bids)
        self.asks.replace(asks)
        self.touch_book(micros)

    def touch_book(self, micros: int) -> None:
        """The book was changed, or found as it was."""
        self.book_at = micros
        if not self.marks_told and self.trade_at == NEVER:
            bid, ask = self.bids.best, self.asks.best
            if bid is not None and ask is not None:
                self.mark = (bid + ask) // 2

    def drop_book(self) -> None:
        """The book can no longer be believed: without it until the next whole one."""
        self.bids.clear()
        self.asks.clear()
        self.book_at = NEVER

    def take_quote(self, micros: int, quote: Quote) -> bool:
        """A quote; one without a meaning takes away the one before it. False when it has none, or comes late."""
        if micros < self.quote_at:
            return False
        self.quote_at = micros
        self._taken = [0, 0]
        self.quote = quote if 0 < quote.bid <= quote.ask else None
        if not self.marks_told and self.trade_at == NEVER and self.quote:
            self.mark = (quote.bid + quote.ask) // 2
        return self.quote is not None

    def take_last(self, micros: int, price: int, quantity: int) -> None:
        """A bar's close and volume, or a price that lies on its way."""
        if micros < self.last_at:
            return
        self.last_at, self.last, self.last_quantity = micros, price, quantity
        self._taken = [0, 0]
        if not self.marks_told:
            self.mark = price

    def take_trade(self, micros: int, price: int) -> None:
        """A trade: any quantity can be traded around its price where there is no quote."""
        if micros < self.last_at:
            return
        self.trade_at = self.last_at = micros
        self.last, self.last_quantity = price, ENDLESS
        if not self.marks_told:
            self.mark = price

    def take_mark(self, mark: int, rate: int | None) -> None:
        """The venue's mark price, and the funding rate when it is told."""
        self.mark, self.marks_told = mark, True
        if rate is not None:
            self.rate = rate

    # --- what can be traded with ---------------------------------------------------------------------------------

    @property
    def source(self) -> Source | None:
        """What is traded at now; None when no price is known."""
        newest = max(self.book_at, self.quote_at, self.last_at)
        if self.book_at != NEVER and newest - self.book_at <= self._life and not self._is_crossed():
            return Source.BOOK
        if self.quote is not None and newest - self.quote_at <= self._life:
            return Source.QUOTE
        return Source.LAST if self.last else None

    def side(self, sign: int) -> BookSide:
        """The book's bids (+1) or asks (-1)."""
        return self.bids if sign > 0 else self.asks

    def is_told_since(self, micros: int) -> bool:
        """Whether anything but bars and marks was told later than this."""
        return max(self.book_at, self.quote_at, self.trade_at) > micros

    def is_outdated(self, now: int) -> bool:
        """Whether only bars are known, and the last of them closed too long ago to trade at."""
        if self._bar_life is None or self.last_at == NEVER or self.is_told_since(NEVER):
            return False
        return now - self.last_at > self._bar_life

    @property
    def event_at(self) -> int:
        """When the prices in force were told."""
        match self.source:
            case Source.BOOK:
                return self.book_at
            case Source.QUOTE:
                return self.quote_at
            case _:
                return self.last_at

    def best(self, sign: int) -> int | None:
        """The best price that a buy (+1) pays or a sell (-1) gets, before anything was taken."""
        match self.source:
            case Source.BOOK:
                return (self.asks if sign > 0 else self.bids).best
            case Source.QUOTE if self.quote:
                return self.quote.ask if sign > 0 else self.quote.bid
            case Source.LAST:
                return self._beside(self.last, sign)
            case _:
                return None

    def firing_price(self, sign: int) -> int | None:
        """The price that a stop to buy (+1) or sell (-1) looks at: the last one, or where no trades are told the quote's."""
        if self.trade_at != NEVER or self.source is Source.LAST:
            return self.last
        return self.best(sign)

    def offers(self, sign: int) -> Iterator[Level]:
        """The levels that a buy (+1) or sell (-1) meets, from the best on."""
        match self.source:
            case Source.BOOK:
                yield from (self.asks if sign > 0 else self.bids).walk()
            case Source.QUOTE if self.quote:
                quote = self.quote
                start = (quote.ask, quote.ask_quantity) if sign > 0 else (quote.bid, quote.bid_quantity)
                yield from self._steps(*start, sign)
            case Source.LAST:
                quantity = self.last_quantity
                if quantity != ENDLESS:
                    quantity = quantity * self._depth // UNIT
                yield from self._steps(self._beside(self.last, sign), quantity, sign)
            case _:
                return

    def take(self, sign: int, price: int, quantity: int) -> None:
        """A buy (+1) or sell (-1) took so much at a price of `offers`."""
        if not self._remembers:
            return
        if self.source is Source.BOOK:
            side = self.asks if sign > 0 else self.bids
            side.change(price, side.levels[price] - quantity)
        else:
            self._taken[sign > 0] += quantity

    def in_front(self, sign: int, price: int) -> int:
        """How much rests at a price on the side of a buy (+1) or sell (-1), and so in front of a new order there.

        ENDLESS where that cannot be known.
        """
        source = self.source
        if source is Source.BOOK:
            return (self.bids if sign > 0 else self.asks).levels.get(price, 0)
        if source is Source.QUOTE and self.quote:
            best, quantity = self.quote[:2] if sign > 0 else self.quote[2:]
            if price == best:
                return quantity
            return 0 if (price - best) * sign > 0 else ENDLESS
        return ENDLESS

    # --- its state -----------------------------------------------------------------------------------------------

    def state(self) -> list[Any]:
        """All that is known as plain lists: what `take_up` reads."""
        levels = [sorted(side.levels.items()) for side in (self.bids, self.asks)]
        times = [self.book_at, self.quote_at, self.last_at, self.trade_at]
        last = [self.last, self.last_quantity, self.mark, self.marks_told, self.rate]
        return [levels, times, last, self.quote, self._taken]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        (bids, asks), times, last, quote, self._taken = state
        self.bids.replace(bids)
        self.asks.replace(asks)
        self.book_at, self.quote_at, self.last_at, self.trade_at = times
        self.last, self.last_quantity, self.mark, self.marks_told, self.rate = last
        self.quote = Quote(*quote) if quote else None

    def _is_crossed(self) -> bool:
        bid, ask = self.bids.best, self.asks.best
        return bid is not None and ask is not None and bid >= ask

    def _beside(self, price: int, sign: int) -> int:
        """Half a spread away from a price, rounded to the tick away from it."""
        away = price * (UNIT + sign * self._half_spread)
        tick = self._tick * UNIT
        return (-(-away // tick) if sign > 0 else away // tick) * self._tick

    def _steps(self, price: int, quantity: int, sign: int) -> Iterator[Level]:
        """Levels of equal quantity, half a spread apart, less what was taken from them."""
        step = max(-(-price * self._half_spread // (UNIT * self._tick)), 1) * self._tick * sign
        taken = self._taken[sign > 0]
        for _ in range(self._levels):
            if price <= 0:
                return
            left = quantity - taken
            if left > 0:
                yield price, left
            taken = max(-left, 0)
            price += step
