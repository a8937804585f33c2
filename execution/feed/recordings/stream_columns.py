"""How each event of the venue's raw streams becomes columns: one function a kind, lists in and lists out.

Field names are those of Binance's futures streams, which Aster's share. event_time is the exchange's
transaction time T where an event has one, else its event time E; a mark's T is its next funding time, so a
mark has E; what has neither (spot quotes) has the receive time.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import SCHEMAS, MarketKind

Event = dict[str, Any]
Columns = tuple[pa.RecordBatch, NDArray[np.int64]]
"""Rows of the kind's schema, and the number of rows up to and with each event."""


def trade_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """Trades (t) and aggregated trades (a), one row each."""
    return _single_rows(
        MarketKind.TRADE,
        {
            "event_time": _exchange_times(events, received_ms),
            "trade_id": [event["t"] if "t" in event else event["a"] for event in events],
            "price": _numbers([event["p"] for event in events]),
            "quantity": _numbers([event["q"] for event in events]),
            "buyer_is_maker": [event["m"] for event in events],
        },
    )


def quote_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """Best bids and asks, one row each."""
    return _single_rows(
        MarketKind.QUOTE,
        {
            "event_time": _exchange_times(events, received_ms),
            "bid": _numbers([event["b"] for event in events]),
            "bid_quantity": _numbers([event["B"] for event in events]),
            "ask": _numbers([event["a"] for event in events]),
            "ask_quantity": _numbers([event["A"] for event in events]),
        },
    )


def mark_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """Mark price, index price and funding rate, one row each."""
    return _single_rows(
        MarketKind.MARK,
        {
            "event_time": _micros([event["E"] for event in events]),
            "mark_price": _numbers([event["p"] for event in events]),
            "index_price": _numbers([event["i"] for event in events]),
            "funding_rate": _numbers([event["r"] for event in events]),
        },
    )


def bar_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """Closed bars, one row each; the moment of closing is the millisecond after the bar's last."""
    bars = [event["k"] for event in events]
    return _single_rows(
        MarketKind.BAR,
        {
            "event_time": _micros([bar["T"] for bar in bars], plus_ms=1),
            "open_time": _micros([bar["t"] for bar in bars]),
            "open": _numbers([bar["o"] for bar in bars]),
            "high": _numbers([bar["h"] for bar in bars]),
            "low": _numbers([bar["l"] for bar in bars]),
            "close": _numbers([bar["c"] for bar in bars]),
            "volume": _numbers([bar["v"] for bar in bars]),
            "quote_volume": _numbers([bar["q"] for bar in bars]),
            "trades": [bar["n"] for bar in bars],
            "taker_buy_volume": _numbers([bar["V"] for bar in bars]),
        },
    )


def book_update_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """Changed levels, one row each, bids first; pu is missing on spot and then U - 1.

    An update without levels still counts in the chain of ids: it is one row with price 0 and quantity 0,
    which removes nothing.
    """
    return _levels(
        MarketKind.BOOK_UPDATE,
        _exchange_times(events, received_ms),
        first=[event["U"] for event in events],
        last=[event["u"] for event in events],
        previous=[event["pu"] if "pu" in event else event["U"] - 1 for event in events],
        bids=[event["b"] for event in events],
        asks=[event["a"] for event in events],
    )


def book_snapshot_columns(events: Sequence[Event], received_ms: Sequence[int]) -> Columns:
    """The levels of a whole book, one row each, bids first; all three ids are its lastUpdateId."""
    ids = [event["lastUpdateId"] for event in events]
    return _levels(
        MarketKind.BOOK_SNAPSHOT,
        _exchange_times(events, received_ms),
        first=ids,
        last=ids,
        previous=ids,
        bids=[event["bids"] for event in events],
        asks=[event["asks"] for event in events],
    )


COLUMNS: Mapping[MarketKind, Callable[[Sequence[Event], Sequence[int]], Columns]] = {
    MarketKind.TRADE: trade_columns,
    MarketKind.QUOTE: quote_columns,
    MarketKind.MARK: mark_columns,
    MarketKind.BAR: bar_columns,
    MarketKind.BOOK_UPDATE: book_update_columns,
    MarketKind.BOOK_SNAPSHOT: book_snapshot_columns,
}
"""Each raises KeyError when a field is missing; TypeError, ValueError or OverflowError when it is wrong."""


def _single_rows(kind: MarketKind, columns: Mapping[str, Any]) -> Columns:
    rows = _record_batch(kind, columns)
    return rows, np.arange(1, rows.num_rows + 1)


def _levels(
    kind: MarketKind,
    times: NDArray[np.int64],
    *,
    first: Sequence[int],
    last: Sequence[int],
    previous: Sequence[int],
    bids: Sequence[list[list[str]]],
    asks: Sequence[list[list[str]]],
) -> Columns:
    sides = [side or ([_NO_LEVEL] if not other else []) for side, other in zip(bids, asks, strict=True)]
    counts = np.array([(len(b), len(a)) for b, a in zip(sides, asks, strict=True)], np.int64)
    levels = chain.from_iterable(chain.from_iterable(zip(sides, asks, strict=True)))
    numbers = _numbers(list(chain.from_iterable(levels)))
    if len(numbers) != 2 * counts.sum():
        raise ValueError("a level is not a pair of price and quantity")
    per_event = counts.sum(axis=1)
    rows = _record_batch(
        kind,
        {
            "event_time": np.repeat(times, per_event),
            "first_id": np.repeat(_integers(first), per_event),
            "last_id": np.repeat(_integers(last), per_event),
            "previous_id": np.repeat(_integers(previous), per_event),
            "is_bid": np.repeat(np.tile([True, False], len(counts)), counts.ravel()),
            "price": numbers[0::2],
            "quantity": numbers[1::2],
        },
    )
    return rows, np.cumsum(per_event)


_NO_LEVEL = ["0", "0"]


def _record_batch(kind: MarketKind, columns: Mapping[str, Any]) -> pa.RecordBatch:
    schema = SCHEMAS[kind]
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    if any(array.null_count for array in arrays):
        raise ValueError("null where there should be a value")
    return pa.record_batch(arrays, schema)


def _exchange_times(events: Sequence[Event], received_ms: Sequence[int]) -> NDArray[np.int64]:
    times = [
        event["T"] if "T" in event else event.get("E", received)
        for event, received in zip(events, received_ms, strict=True)
    ]
    return _micros(times)


def _micros(milliseconds: Sequence[int], plus_ms: int = 0) -> NDArray[np.int64]:
    """Microseconds from milliseconds; only moments of this century are taken for times."""
    values = _integers(milliseconds) + plus_ms
    if len(values) and not (values.min() >= _EARLIEST_MS and values.max() < _LATEST_MS):
        raise ValueError("a time that is not in milliseconds of this century")
    return values * 1_000


_EARLIEST_MS = 946_684_800_000
_LATEST_MS = 4_102_444_800_000


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    """Whole numbers, exactly; raises when one is text, a fraction or null."""
    array = pa.array(values, pa.int64())
    if array.null_count:
        raise ValueError("null where there should be a number")
    result: NDArray[np.int64] = array.to_numpy()
    return result


def _numbers(values: Sequence[str]) -> NDArray[np.float64]:
    """Finite numbers from the text in which the venue sends them."""
    array = pa.array(values, pa.string()).cast(pa.float64())
    result: NDArray[np.float64] = array.to_numpy(zero_copy_only=False)
    if not np.isfinite(result).all():
        raise ValueError("not a finite number")
    return result
