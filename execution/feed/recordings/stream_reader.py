"""Raw stream lines to columns, some at a time: what a recording and the live feed read with."""

import gc
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import MarketKind
from execution.feed.recordings.recording import Stretch, TimedColumns
from execution.feed.recordings.stream_columns import COLUMNS, Event

_STAMP = slice(0, 19)
_SYMBOLS = re.compile(rb'"s"\s*:\s*"([A-Za-z0-9_]+)"')

KINDS: dict[str, MarketKind] = {
    "trade": MarketKind.TRADE,
    "aggTrade": MarketKind.TRADE,
    "bookTicker": MarketKind.QUOTE,
    "depthUpdate": MarketKind.BOOK_UPDATE,
    "markPriceUpdate": MarketKind.MARK,
    "kline": MarketKind.BAR,
}
"""By the venue's event name (e). A REST snapshot has none: it is known by its lastUpdateId."""

_WRONG_VALUE = (KeyError, TypeError, ValueError, OverflowError, AttributeError, pa.ArrowException)


class StreamReader:
    """Reads lines of `<receive ns> <raw JSON>` and remembers what it has to from one call to the next.

    What cannot be read, or is not wanted, is counted in `refused` by its reason; each line is one event or one
    refusal. Which, and why: see StreamRecording.
    """

    def __init__(self, refused: Counter[str]) -> None:
        self._refused = refused
        self._symbols: set[str] = set()
        self._looked_ahead = False
        self._trade_events: dict[str, str] = {}
        self._position = 0
        self._newest = 0

    def look_ahead(self, lines: Sequence[bytes]) -> None:
        """Learn the symbols of the recording's beginning: a book snapshot may come before all that has one."""
        if not self._looked_ahead:
            self._symbols.update(found.decode() for found in _SYMBOLS.findall(b"\n".join(lines)))
            self._looked_ahead = True

    def with_stamp(self, lines: Sequence[bytes]) -> list[bytes]:
        """The lines that begin with a receive time; counts the others."""
        good = [line for line in lines if line[19:20] == b" " and line[_STAMP].isdigit()]
        for line in lines if len(good) < len(lines) else ():
            if not (line[19:20] == b" " and line[_STAMP].isdigit()):
                self._refused["blank line" if not line.strip() else "no receive time"] += 1
        return good

    def stretch(self, lines: Sequence[bytes]) -> Stretch:
        """The events of these lines, by symbol and kind."""
        received = np.maximum(stamps(lines), self._newest)
        if len(received) > 1 and (np.diff(received) < 0).any():
            order = np.argsort(received, kind="stable")
            received, lines = received[order], [lines[i] for i in order.tolist()]
        self._newest = int(received[-1])
        positions = np.arange(self._position, self._position + len(lines))
        self._position += len(lines)
        with _collection_paused():
            return self._built(lines, received, positions)

    def _built(
        self, lines: Sequence[bytes], received: NDArray[np.int64], positions: NDArray[np.int64]
    ) -> Stretch:
        events = [
            message.get("data", message) if type(message) is dict else message
            for message in self._parsed(lines)
        ]
        return tuple(
            columns
            for (symbol, kind), places in self._grouped(events).items()
            if (columns := self._columns(symbol, kind, events, places, received, positions))
        )

    def _parsed(self, lines: Sequence[bytes]) -> list[object]:
        """The JSON of each line, None for what is not JSON."""
        try:
            return [orjson.loads(line[20:]) for line in lines]
        except orjson.JSONDecodeError:
            return [self._parsed_line(line) for line in lines]

    def _parsed_line(self, line: bytes) -> object:
        try:
            return orjson.loads(line[20:])
        except orjson.JSONDecodeError:
            self._refused["not JSON"] += 1
            return None

    def _grouped(self, events: Sequence[Any]) -> dict[tuple[str, MarketKind], list[int]]:
        """The places of the events of each symbol and kind; counts what is none."""
        by_name: dict[tuple[object, object], list[int]] = defaultdict(list)
        for place, key in enumerate([_key(event) for event in events]):
            by_name[key].append(place)
        grouped: dict[tuple[str, MarketKind], list[int]] = {}
        snapshots: list[int] = []
        for (name, symbol), places in by_name.items():
            kind = KINDS.get(name) if isinstance(name, str) else None
            if kind is None:
                snapshots += self._book_snapshots(name, events, places)
            elif not isinstance(symbol, str) or not symbol:
                self._refused["no symbol"] += len(places)
            elif wanted := self._wanted(kind, str(name), symbol, events, places):
                self._symbols.add(symbol)
                grouped[symbol, kind] = wanted
        for place in snapshots:
            symbol = events[place].get("s") or events[place].get("symbol") or self._only_symbol()
            if symbol:
                grouped.setdefault((str(symbol), MarketKind.BOOK_SNAPSHOT), []).append(place)
            else:
                self._refused["book snapshot without a symbol"] += 1
        return grouped

    def _book_snapshots(self, name: object, events: Sequence[Any], places: Sequence[int]) -> list[int]:
        """Those of the events without a known name that are REST snapshots; counts the others."""
        found = []
        for place in places:
            event = events[place]
            if event is None:  # counted when it was parsed
                continue
            if name is None and isinstance(event, dict) and "lastUpdateId" in event:
                found.append(place)
            elif isinstance(event, dict) and isinstance(name, str):
                self._refused[f"unknown event {name[:40]}"] += 1
            else:
                self._refused["not a market event"] += 1
        return found

    def _wanted(
        self, kind: MarketKind, name: str, symbol: str, events: Sequence[Any], places: list[int]
    ) -> list[int]:
        """Those of the events that are to be taken; counts the others by the reason."""
        wanted, reason = places, ""
        if kind is MarketKind.TRADE:
            if self._trade_events.setdefault(symbol, name) != name:
                wanted, reason = [], f"{name} beside {self._trade_events[symbol]}"
            else:
                wanted = [place for place in places if events[place].get("X", "MARKET") == "MARKET"]
                reason = "not an ordinary trade"
        elif kind is MarketKind.BAR:
            wanted = [place for place in places if not _is_open_bar(events[place])]
            reason = "open bar"
        if len(wanted) < len(places):
            self._refused[reason] += len(places) - len(wanted)
        return wanted

    def _only_symbol(self) -> str | None:
        return next(iter(self._symbols)) if len(self._symbols) == 1 else None

    def _columns(
        self,
        symbol: str,
        kind: MarketKind,
        events: Sequence[Any],
        places: Sequence[int],
        received: NDArray[np.int64],
        positions: NDArray[np.int64],
    ) -> TimedColumns | None:
        build = COLUMNS[kind]
        kept = np.array(places)
        chosen = [events[place] for place in places]
        times = (received[kept] // 1_000_000).tolist()
        try:
            rows, ends = build(chosen, times)
        except _WRONG_VALUE:
            sound = [i for i, event in enumerate(chosen) if self._is_sound(kind, event, times[i])]
            if not sound:
                return None
            kept = kept[sound]
            rows, ends = build([chosen[i] for i in sound], [times[i] for i in sound])
        return TimedColumns(symbol, kind, received[kept], positions[kept], ends, rows)

    def _is_sound(self, kind: MarketKind, event: Event, time: int) -> bool:
        try:
            COLUMNS[kind]([event], [time])
        except KeyError as error:
            self._refused[f"{kind} without {error.args[0]}"] += 1
        except _WRONG_VALUE:
            self._refused[f"{kind} with a wrong value"] += 1
        else:
            return True
        return False


def _key(event: Any) -> tuple[object, object]:
    """The event's name and symbol as the venue gives them."""
    if type(event) is not dict:
        return None, None
    name, symbol = event.get("e"), event.get("s")
    if type(name) is str and type(symbol) is str:
        return name, symbol
    return name if isinstance(name, str) else None, None


def _is_open_bar(event: Event) -> bool:
    bar = event.get("k")
    return isinstance(bar, dict) and bar.get("x") is False


def stamps(lines: Sequence[bytes]) -> NDArray[np.int64]:
    """The receive times of lines, nanoseconds since 1970."""
    return np.array([line[_STAMP] for line in lines]).astype(np.int64)


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Parsing makes millions of short-lived dicts and no cycles; looking for some would take most time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
