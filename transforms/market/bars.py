"""Bars: closed ones, and those that are still open.

A bar is closed by the first event that is later than its end by the allowed lateness, or by a flush; trades that come late
join it while it is open. With bars of 1 s and 0.5 s of lateness:

    trade at     10:00:00.2   10:00:01.1   10:00:00.9   10:00:01.6   10:00:00.8
    bar 10:00:00 opens        stays open   joins        closes       too late: counted
"""

from math import inf
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa

from transforms.market.candles import MOST, UNITS, Candle, Trades, candles
from transforms.market.columns import Micros, moments, values

SECOND = 1_000_000
"""In microseconds."""


class Bar(NamedTuple):
    """A closed bar of `seconds` from `open_micros` on: prices in quote currency, volumes in the base asset."""

    seconds: int
    open_micros: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    taker_buy_volume: float
    trades: int

    @property
    def end_micros(self) -> int:
        """The moment it closed."""
        return self.open_micros + self.seconds * SECOND

    @property
    def is_sound(self) -> bool:
        """Whether its numbers can be those of a bar (one that is not finite fails every comparison)."""
        prices = 0 < self.low <= self.open <= self.high < MOST and self.low <= self.close <= self.high
        volumes = 0 <= self.taker_buy_volume <= self.volume < inf and 0 <= self.quote_volume < inf
        return prices and volumes and self.trades >= 0 and self.seconds > 0

    @classmethod
    def made_of(cls, candle: Candle, seconds: int) -> Self:
        """The bar that a candle ends as."""
        return cls(
            seconds,
            candle.start,
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume / UNITS,
            candle.quote_volume / UNITS,
            candle.taker_buy_volume / UNITS,
            candle.trades,
        )

    @classmethod
    def flat(cls, open_micros: int, seconds: int, price: float) -> Self:
        """The bar of a stretch in which nothing was traded."""
        return cls(seconds, open_micros, price, price, price, price, 0.0, 0.0, 0.0, 0)


def venue_bars(rows: pa.RecordBatch) -> list[Bar]:
    """The venue's own bars, as they are."""
    opened = moments(rows, "open_time")
    seconds = (moments(rows) - opened) // SECOND
    names = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "trades")
    columns = [seconds, opened, *(values(rows, name) for name in names)]
    return [Bar(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


class OpenBars:
    """The bars of one length that are not closed yet, and up to when they are.

    With `flat`, a stretch in which the symbol was heard of but not traded closes as a flat bar at the last close, as venues
    publish them, provided that its trades are followed at all; a stretch without any event has no bar.
    """

    def __init__(self, seconds: int, *, flat: bool = False) -> None:
        self.seconds = seconds
        self.closed_until = 0
        self._flat = flat
        self._open: dict[int, Candle | None] = {}
        self._last_close: float | None = None
        self._follows_trades = False

    def is_open(self, micros: int) -> bool:
        """Whether the bar of that moment still takes trades."""
        return self._start(micros) >= self.closed_until

    def add(self, candle: Candle) -> None:
        """Take the trades of a candle that lies within one bar of ours; to a closed one they come too late."""
        self._follows_trades = True
        start = self._start(candle.start)
        if start < self.closed_until:
            return
        present = self._open.get(start)
        if present is None:
            self._open[start] = candle.copy(start)
        else:
            present.absorb(candle)

    def hear(self, times: Micros) -> None:
        """Something was heard of the symbol at `times`."""
        if self._flat and self._follows_trades:
            length = self.seconds * SECOND
            first, last = int(times.min()) // length, int(times.max()) // length
            stretches = [first] if first == last else np.unique(times // length).tolist()
            for stretch in stretches:
                if stretch * length >= self.closed_until:
                    self._open.setdefault(stretch * length, None)

    def close(self, until: int | None = None) -> list[Bar]:
        """Close the bars that end at `until` or before, in order of time; all of them without it."""
        length = self.seconds * SECOND
        if until is not None:
            until -= until % length
            if until <= self.closed_until:
                return []
        closed = []
        for start in sorted(start for start in self._open if until is None or start < until):
            candle = self._open.pop(start)
            self.closed_until = start + length
            if candle is not None:
                self._last_close = candle.close
                closed.append(Bar.made_of(candle, self.seconds))
            elif self._last_close is not None:
                closed.append(Bar.flat(start, self.seconds, self._last_close))
        self.closed_until = max(self.closed_until, until or 0)
        return closed

    def take(self, bar: Bar) -> list[Bar]:
        """Close with the venue's own bar in place of ours, and before it whatever is older."""
        older = self.close(bar.open_micros)
        self._open.pop(bar.open_micros, None)
        self.closed_until = max(self.closed_until, bar.end_micros)
        self._last_close = bar.close
        return [*older, bar]

    def _start(self, micros: int) -> int:
        return micros - micros % (self.seconds * SECOND)

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        still_open = [[start, candle and candle.state()] for start, candle in sorted(self._open.items())]
        return [self.closed_until, self._last_close, self._follows_trades, still_open]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self.closed_until, self._last_close, self._follows_trades, still_open = state
        self._open = {start: candle and Candle(*candle) for start, candle in still_open}


def add_trades(trades: Trades, lengths: tuple[OpenBars, ...], latest: int, lateness: int) -> int:
    """Add sound trades to the open bars of every length; how many were too late for the first (shortest) of them.

    `latest` is the latest event before these, `lateness` what is allowed, in microseconds. Each trade is judged as if it
    came alone, so how trades are cut into batches changes nothing. The lengths must be multiples of one another.
    """
    shortest = lengths[0]
    if trades.are_in_order:
        late = 0
        for candle in candles(trades, shortest.seconds * SECOND):
            late += 0 if shortest.is_open(candle.start) else candle.trades
            for bars in lengths:
                bars.add(candle)
        return late
    # The latest event before each trade, for only what was known then can have closed its bar.
    before = np.maximum.accumulate(np.concatenate(([latest], trades.times[:-1])))
    in_time = [_is_open(bars, trades.times, before - lateness) for bars in lengths]
    for bars, chosen in zip(lengths, in_time, strict=True):
        for candle in candles(trades.where(chosen).in_order(), bars.seconds * SECOND):
            bars.add(candle)
    return int((~in_time[0]).sum())


def _is_open(bars: OpenBars, times: Micros, closed_to: Micros) -> np.ndarray:
    length = bars.seconds * SECOND
    start = times - times % length
    return (start + length > closed_to) & (start >= bars.closed_until)
