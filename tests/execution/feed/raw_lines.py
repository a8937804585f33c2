"""Lines of a raw stream recording, made for the tests."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

START_NS = 1_723_161_255_000_000_000
START_MS = START_NS // 1_000_000


def line(after_ms: float, event: dict[str, Any], stream: str | None = "btcusdt@any") -> bytes:
    content = {"stream": stream, "data": event} if stream else event
    return b"%d %s" % (START_NS + int(after_ms * 1e6), orjson.dumps(content))


def trade(number: int, after_ms: int = 0, symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    time = START_MS + after_ms
    return {"e": "trade", "E": time + 1, "T": time, "s": symbol, "t": number, "p": "100.5", "q": "0.25",
            "X": "MARKET", "m": False} | fields  # fmt: skip


def quote(after_ms: int = 0, symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    time = START_MS + after_ms
    return {"e": "bookTicker", "u": 1, "s": symbol, "b": "100.4", "B": "2", "a": "100.6", "A": "3", "T": time,
            "E": time} | fields  # fmt: skip


def book_update(first: int, last: int, previous: int, **fields: Any) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": START_MS, "T": START_MS, "s": "BTCUSDT", "U": first, "u": last, "pu": previous,
            "b": [["100.4", "1"], ["100.3", "0"]], "a": [["100.6", "2"]]} | fields  # fmt: skip


def book_snapshot(identifier: int, **fields: Any) -> dict[str, Any]:
    return {"lastUpdateId": identifier, "E": START_MS, "T": START_MS, "bids": [["100.4", "1"]],
            "asks": [["100.6", "2"], ["100.7", "3"]]} | fields  # fmt: skip


def mark(**fields: Any) -> dict[str, Any]:
    return {"e": "markPriceUpdate", "E": START_MS, "s": "BTCUSDT", "p": "100.5", "i": "100.4", "P": "100.5",
            "r": "-0.0001", "T": START_MS + 28_800_000} | fields  # fmt: skip


def kline(closed: bool = True) -> dict[str, Any]:
    bar = {"t": START_MS, "T": START_MS + 59_999, "s": "BTCUSDT", "i": "1m", "o": "1", "c": "2", "h": "3",
           "l": "0.5", "v": "10", "n": 7, "x": closed, "q": "15", "V": "4", "Q": "6"}  # fmt: skip
    return {"e": "kline", "E": START_MS + 60_005, "s": "BTCUSDT", "k": bar}


def write(path: Path, lines: Iterable[bytes]) -> Path:
    content = b"".join(entry + b"\n" for entry in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
