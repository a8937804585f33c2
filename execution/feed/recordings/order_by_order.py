"""Coinbase's full channel, order by order, as levels and trades: a folder with the book at the start and the messages.

`beginning_level_3.json[.gz]` is {sequence, bids, asks} with [price, size, order id] each; `messages.json[.gz]` is an
array of the channel's messages (received, open, match, change, done), each with its sequence.
"""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from contracts.market_data import MarketKind, rows_of
from contracts.time import to_micros
from execution.feed.recordings.orders_book import Level, OrdersBook
from execution.feed.recordings.recording import Recording, RecordingError, Stretch, TimedColumns

BEGINNING = "beginning_level_3.json"
MESSAGES = "messages.json"

_Row = tuple[int, int, int, int, bool, float, float]
"""event_time (us), first_id, last_id, previous_id, is_bid, price, quantity."""
_BOOK_FIELDS = ("event_time", "first_id", "last_id", "previous_id", "is_bid", "price", "quantity")


def is_order_by_order(folder: Path) -> bool:
    """Whether a folder holds such a recording."""
    return all(_file(folder, name).exists() for name in (BEGINNING, MESSAGES))


class OrderByOrderRecording(Recording):
    """The book at the start as a snapshot, then each change of a level as an update, and each match as a trade.

    A match is two events, a trade and an update. Update ids are the channel's sequence numbers: an update's
    previous_id is the id of the one before it, unless messages are missing between them, which a reader's book sees
    as a gap. What changes no level, comes again, or cannot be read is counted. A message is received at its own time,
    or at that of an earlier one with a later time.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self._folder = folder

    def stretches(self) -> Iterator[Stretch]:
        content = _read(_file(self._folder, BEGINNING))
        messages = _read(_file(self._folder, MESSAGES))
        try:
            book, sequence = OrdersBook.of(content), int(content["sequence"])
            symbol = str(messages[0]["product_id"])
            start = _micros(messages[0])
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            raise RecordingError(f"{self._folder} holds no order-by-order recording: {error!r}.") from None
        if not book.levels:
            raise RecordingError(f"{self._folder} holds no order-by-order recording: its book is empty.")
        whole = [_row(start, (sequence,) * 3, level, book) for level in book.levels]
        yield (_columns(symbol, MarketKind.BOOK_SNAPSHOT, [(0, start)], [len(whole)], whole),)
        yield from self._changes(symbol, book, sequence, messages, start)

    def _changes(
        self, symbol: str, book: OrdersBook, sequence: int, messages: Sequence[Any], start: int
    ) -> Iterator[Stretch]:
        updates: list[_Row] = []
        trades: list[tuple[int, int, float, float, bool]] = []
        moments: dict[MarketKind, list[tuple[int, int]]] = {MarketKind.BOOK_UPDATE: [], MarketKind.TRADE: []}
        last_update, now = sequence, start
        for position, message in enumerate(messages, 1):
            try:
                number = int(message["sequence"])
                if number <= sequence:
                    self.counts.refused["message that was there already"] += 1
                    continue
                if number > sequence + 1:
                    last_update = number - 1
                time = _micros(message)
                level = book.apply(message)
                trade = _trade(time, message) if message["type"] == "match" else None
            except LookupError as error:
                self.counts.refused[
                    f"message without {error.args[0]}" if isinstance(error, KeyError) else str(error)
                ] += 1
                continue
            except (TypeError, ValueError, ArithmeticError):
                self.counts.refused["message with a wrong value"] += 1
                continue
            sequence, now = number, max(now, time)
            if level is None:
                self.counts.refused["changes no level"] += 1
                continue
            updates.append(_row(time, (last_update + 1, number, last_update), level, book))
            moments[MarketKind.BOOK_UPDATE].append((position, now))
            last_update = number
            if trade:
                trades.append(trade)
                moments[MarketKind.TRADE].append((position, now))
        made = []
        if updates:
            made.append(
                _columns(
                    symbol,
                    MarketKind.BOOK_UPDATE,
                    moments[MarketKind.BOOK_UPDATE],
                    [1] * len(updates),
                    updates,
                )
            )
        if trades:
            names = ("event_time", "trade_id", "price", "quantity", "buyer_is_maker")
            columns = dict(zip(names, zip(*trades, strict=True), strict=True))
            made.append(
                _timed(symbol, moments[MarketKind.TRADE], [1] * len(trades), MarketKind.TRADE, columns)
            )
        if made:
            yield tuple(made)


def _trade(time: int, message: Mapping[str, Any]) -> tuple[int, int, float, float, bool]:
    number, price, size = int(message["trade_id"]), float(message["price"]), float(message["size"])
    return time, number, price, size, message["side"] == "buy"  # the side is the maker's


def _row(time: int, ids: tuple[int, int, int], level: Level, book: OrdersBook) -> _Row:
    is_bid, price = level
    return (time, *ids, is_bid, float(price), float(book.levels[level]))


def _columns(
    symbol: str,
    kind: MarketKind,
    moments: Sequence[tuple[int, int]],
    rows_each: Sequence[int],
    rows: Sequence[_Row],
) -> TimedColumns:
    columns = dict(zip(_BOOK_FIELDS, zip(*rows, strict=True), strict=True))
    return _timed(symbol, moments, rows_each, kind, columns)


def _timed(
    symbol: str,
    moments: Sequence[tuple[int, int]],
    rows_each: Sequence[int],
    kind: MarketKind,
    columns: Mapping[str, Sequence[Any]],
) -> TimedColumns:
    positions, received = np.array(moments, np.int64).T
    rows = rows_of(kind, columns)
    return TimedColumns(symbol, kind, received * 1_000, positions, np.cumsum(rows_each), rows)


def _micros(message: Mapping[str, Any]) -> int:
    return to_micros(datetime.fromisoformat(message["time"]))


def _file(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.gz"
    return packed if packed.exists() else folder / name


def _read(path: Path) -> Any:
    try:
        content = path.read_bytes()
        return orjson.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, zlib.error, orjson.JSONDecodeError) as error:
        raise RecordingError(f"{path} cannot be read: {error}.") from None
