"""Feeding the matching core from a tape: every event, or only those that can matter.

An event matters when one of its prices lies outside of the core's `next_triggers`: within them nothing can happen to any
order or position. Of what lies within, only the last of each kind is told, and only when something else happens next:

    tape        q1   q2   t1   q3   q4          q5 (its ask reaches a limit)
    told                       t1        q4     q5

so both ways give the same events, in the same order, at the same moments.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from contracts.market_data import MarketKind
from execution.matching.core import MatchingCore
from execution.matching.events import Event
from execution.matching.units import units
from pipelines.backtesting.scenario import Costs
from pipelines.backtesting.tape import Ints, Tape, Track

_UNITS = 10**8
_PLENTY = 10**17
"""A quantity that no order exhausts, in units, where size is to cost nothing."""

_CHUNK = 8_192


class _Told(NamedTuple):
    """A track as the core takes it: the arguments of each event behind symbol and moment, and its outer prices."""

    symbol: str
    kind: MarketKind
    places: Ints
    tell: Callable[..., Sequence[Event]]
    columns: tuple[Ints, ...]
    low: Ints
    high: Ints
    closes: Ints | None = None
    before: tuple[Ints, ...] = ()
    """Arguments that come before the moment."""


class TapeFeed:
    """Takes the core along the tape; `place` is the first event that has not been gone through."""

    def __init__(self, tape: Tape, core: MatchingCore, costs: Costs, *, every_event: bool = False) -> None:
        self._micros = tape.micros
        self._core = core
        self._every_event = every_event
        self._half_spread = units(costs.half_spread)
        self.place = 0
        self._now = 0
        self._tracks = [told for track in tape.tracks if (told := _told(track, core, costs)) is not None]
        self._next = [0] * len(self._tracks)
        """Of each track, the first event that the core was not told of."""
        self._by_symbol: dict[str, list[int]] = {}
        for number, told in enumerate(self._tracks):
            self._by_symbol.setdefault(told.symbol, []).append(number)

    def step(self, until: int) -> Sequence[Event]:
        """Go on to `until` (with all that happens then), or to the first events that the core tells."""
        core = self._core
        while True:
            due = core.next_moment()
            if until <= self._now and (due is None or due > until):
                return ()
            goal = until if due is None else min(due, until)
            end = int(self._micros.searchsorted(goal, side="right"))
            hit = self._first_that_matters(end)
            if hit is not None:
                number, row = hit
                self._tell_latest(self._tracks[number].symbol, int(self._tracks[number].places[row]))
                events = self._tell(number, row)
                self.place = int(self._tracks[number].places[row]) + 1
                if events:
                    return events
                continue
            self.place = max(self.place, end)
            if due is None or due > until:
                self._now = max(self._now, until)
                return ()
            self.catch_up()
            events = core.advance(due)
            if events:
                return events

    def catch_up(self) -> None:
        """Tell the core the latest of everything that was gone through: before anything else happens to it."""
        for symbol in self._by_symbol:
            self._tell_latest(symbol, self.place)

    def middle(self, symbol: str) -> int | None:
        """The middle of the latest event's outer prices, in units; of a bar its close. None before the first."""
        found = self._newest(symbol)
        if found is None:
            return None
        told, row = found
        return int(told.closes[row]) if told.closes is not None else int(told.low[row] + told.high[row]) // 2

    def next_event(self, symbol: str, micros: int) -> int | None:
        """When the market of a symbol tells something after a moment; None when it never does again."""
        first = int(self._micros.searchsorted(micros, side="right"))
        places = [self._tracks[number].places for number in self._by_symbol.get(symbol, ())]
        found = [int(of[row]) for of in places if (row := int(of.searchsorted(first))) < len(of)]
        return int(self._micros[min(found)]) if found else None

    def half_spread(self, symbol: str, price: int) -> int:
        """Half of what lies between the quotes that are in force, or is taken to at `price` where there are none."""
        found = self._newest(symbol, MarketKind.QUOTE)
        if found is None:
            return price * self._half_spread // _UNITS
        told, row = found
        return max(int(told.high[row] - told.low[row]) // 2, 0)

    def _newest(self, symbol: str, kind: MarketKind | None = None) -> tuple[_Told, int] | None:
        best: tuple[_Told, int] | None = None
        for number in self._by_symbol.get(symbol, ()):
            told = self._tracks[number]
            row = self._row_at(told) - 1
            if row < 0 or (kind is not None and told.kind is not kind):
                continue
            if best is None or told.places[row] > best[0].places[best[1]]:
                best = told, row
        return best

    # --- what matters -----------------------------------------------------------------------------------------------

    def _first_that_matters(self, end: int) -> tuple[int, int] | None:
        """The track and row of the first event before the place `end` that has to be told."""
        best: tuple[int, int] | None = None
        before = end
        for symbol, numbers in self._by_symbol.items():
            low, high = (-1, -1) if self._every_event else self._core.next_triggers(symbol)
            if low < 0 and high > _FAR and not self._every_event:
                continue
            for number in numbers:
                told = self._tracks[number]
                row = self._row_outside(told, max(self._next[number], self._row_at(told)), before, low, high)
                if row is not None:
                    best, before = (number, row), int(told.places[row])
        return best

    def _row_at(self, told: _Told) -> int:
        return int(told.places.searchsorted(self.place))

    def _row_outside(self, told: _Told, first: int, before: int, low: int, high: int) -> int | None:
        """The first row from `first` on, at a place before `before`, with a price at `low` or below, or `high` or above."""
        last = int(told.places.searchsorted(before))
        if self._every_event:
            return first if first < last else None
        high = min(high, _MOST)
        while first < last:
            stop = min(first + _CHUNK, last)
            outside = (told.low[first:stop] <= low) | (told.high[first:stop] >= high)
            found = int(outside.argmax())
            if outside[found]:
                return first + found
            first = stop
        return None

    # --- telling ----------------------------------------------------------------------------------------------------

    def _tell_latest(self, symbol: str, before: int) -> None:
        """Tell the last event of each kind of the symbol before a place, unless the core has it already."""
        latest = []
        for number in self._by_symbol[symbol]:
            told = self._tracks[number]
            row = int(told.places.searchsorted(before)) - 1
            if row >= self._next[number]:
                latest.append((int(told.places[row]), number, row))
        for _, number, row in sorted(latest):
            events = self._tell(number, row)
            if events:
                raise AssertionError(f"an event within the triggers of {symbol} mattered: {events[0]}")

    def _tell(self, number: int, row: int) -> Sequence[Event]:
        told = self._tracks[number]
        self._next[number] = row + 1
        micros = int(self._micros[told.places[row]])
        before = [int(column[row]) for column in told.before]
        return told.tell(told.symbol, *before, micros, *(int(column[row]) for column in told.columns))


_FAR = 1 << 62
_MOST = (1 << 63) - 1


def _told(track: Track, core: MatchingCore, costs: Costs) -> _Told | None:
    """The track in units, with the costs that are switched off taken out; None for what the venue has no use for."""
    column = track.columns
    symbol, places = track.symbol, track.places
    match track.kind:
        case MarketKind.QUOTE:
            bid, ask = _units(column["bid"]), _units(column["ask"])
            if not costs.spread:
                bid = ask = (bid + ask) // 2
            quantities = [_units(column["bid_quantity"]), _units(column["ask_quantity"])]
            if not costs.slippage:
                quantities = [np.full(len(bid), _PLENTY)] * 2
            quoted = (bid, quantities[0], ask, quantities[1])
            return _Told(symbol, track.kind, places, core.on_quote, quoted, bid, ask)
        case MarketKind.TRADE:
            price = _units(column["price"])
            is_maker = column["buyer_is_maker"].astype(np.int64)
            traded = (price, _units(column["quantity"]), is_maker)
            return _Told(symbol, track.kind, places, core.on_trade, traded, price, price)
        case MarketKind.BAR:
            opened, high, low, close = (_units(column[name]) for name in ("open", "high", "low", "close"))
            volume = _units(column["volume"]) if costs.slippage else np.full(len(opened), _PLENTY)
            bars = (opened, high, low, close, volume)
            return _Told(
                symbol,
                track.kind,
                places,
                core.on_bar,
                bars,
                low,
                high,
                close,
                before=(column["open_time"],),
            )
        case MarketKind.MARK:
            mark = _units(column["mark_price"])
            rate = (_units(column["funding_rate"]),) if costs.funding else ()
            return _Told(symbol, track.kind, places, core.on_mark, (mark, *rate), mark, mark)
        case _:
            return None


def _units(amounts: np.ndarray) -> Ints:
    """The nearest units, as execution/matching/units.nearest_units has them."""
    return np.rint(amounts * float(_UNITS)).astype(np.int64)
