"""Market data: Arrow and JSON say the same; what is not market data is refused."""

import contextlib
import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market_data import JSON, SCHEMAS, MarketBatch, MarketKind, read_market_batch, rows_of
from contracts.refusals import Reason, Refusal

T0 = datetime(2024, 1, 15, tzinfo=UTC)
QUOTES = {
    "event_time": [T0, T0.replace(microsecond=250)],
    "bid": [41763.1, 41763.2],
    "bid_quantity": [1.5, 2.5],
    "ask": [41763.2, 41763.3],
    "ask_quantity": [0.5, 0.25],
}


def quotes() -> MarketBatch:
    return MarketBatch.of("BTCUSDT", MarketKind.QUOTE, 7, rows_of(MarketKind.QUOTE, QUOTES))


def _json(**change) -> bytes:
    row = {
        "event_time": "2024-01-15T00:00:00Z",
        "bid": 1.0,
        "bid_quantity": 1.0,
        "ask": 2.0,
        "ask_quantity": 1.0,
    }
    return json.dumps([row | change]).encode()


def _arrow(*batches: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as stream:
        for rows in batches:
            stream.write_batch(rows)
    return sink.getvalue().to_pybytes()


def test_a_batch_comes_back_as_it_was():
    batch = quotes()
    read = read_market_batch(batch.encode(), batch.attributes())
    assert read == batch
    assert read.event_time == T0.replace(microsecond=250)
    assert batch.attributes() == {
        "symbol": "BTCUSDT",
        "kind": "quote",
        "event_time": "2024-01-15T00:00:00.000250+00:00",
        "sequence": "7",
        "count": "2",
        "content_type": "application/vnd.apache.arrow.stream",
    }


def test_json_says_the_same():
    rows = [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in zip(QUOTES, row, strict=True)
        }
        for row in zip(*QUOTES.values(), strict=True)
    ]
    attributes = quotes().attributes() | {"content_type": JSON}
    assert read_market_batch(json.dumps(rows).encode(), attributes) == quotes()


@pytest.mark.parametrize("kind", MarketKind)
def test_every_kind_has_an_event_time(kind):
    assert SCHEMAS[kind].names[0] == "event_time"
    assert not any(field.nullable for field in SCHEMAS[kind])


@pytest.mark.parametrize(
    ("data", "change", "reason"),
    [
        (b"junk", {}, Reason.NOT_MARKET_DATA),
        (b"junk", {"content_type": JSON}, Reason.NOT_JSON),
        (b'[{"bid": 1}]', {"content_type": JSON}, Reason.WRONG_FIELD),
        (b"[]", {"content_type": JSON}, Reason.NOT_MARKET_DATA),
        (b"5", {"content_type": JSON}, Reason.WRONG_FIELD),
        (b"", {"content_type": "text/csv"}, Reason.NOT_MARKET_DATA),
        (b"", {"kind": "rumour"}, Reason.UNKNOWN_TYPE),
        (b"", {"sequence": "one"}, Reason.NOT_MARKET_DATA),
        (quotes().encode(), {"sequence": "0"}, Reason.WRONG_FIELD),
        (quotes().encode(), {"symbol": ""}, Reason.WRONG_FIELD),
        (quotes().encode(), {"symbol": "BTC/USDT:USDT"}, Reason.WRONG_FIELD),
        (quotes().encode(), {"symbol": "B" * 25}, Reason.WRONG_FIELD),
        (_json(event_time="2024-01-15T00:00:00"), {"content_type": JSON}, Reason.WRONG_FIELD),
        (_json(event_time="2200-01-01T00:00:00Z"), {"content_type": JSON}, Reason.WRONG_FIELD),
        (_json(bid=None), {"content_type": JSON}, Reason.WRONG_FIELD),
        (_json(bid="many"), {"content_type": JSON}, Reason.WRONG_FIELD),
        (_json(bid=10**400), {"content_type": JSON}, Reason.NOT_JSON),
        (b"x" * 10_000_000, {}, Reason.TOO_LARGE),
        (quotes().encode(), {"kind": "trade"}, Reason.WRONG_FIELD),
    ],
)
def test_what_is_not_market_data_is_refused(data, change, reason):
    with pytest.raises(Refusal) as caught:
        read_market_batch(data, quotes().attributes() | change)
    assert caught.value.reason is reason


def test_a_truncated_stream_is_refused():
    batch = quotes()
    for length in range(0, len(batch.encode()) - 16, 16):
        with pytest.raises(Refusal):
            read_market_batch(batch.encode()[:length], batch.attributes())


def test_an_empty_arrow_batch_is_refused():
    empty = pa.RecordBatch.from_pylist([], SCHEMAS[MarketKind.QUOTE])
    with pytest.raises(Refusal, match="no rows"):
        read_market_batch(_arrow(empty), quotes().attributes())


def test_nothing_behind_the_first_record_batch_is_lost_in_silence():
    with pytest.raises(Refusal, match="more than one record batch"):
        read_market_batch(_arrow(quotes().rows, quotes().rows), quotes().attributes())


@pytest.mark.parametrize("micros", [-1, 7_258_118_400_000_000, 2**63 - 1])
def test_a_time_that_is_none_is_refused(micros):
    rows = rows_of(MarketKind.QUOTE, QUOTES | {"event_time": [micros, 0]})
    with pytest.raises(Refusal, match="event_time: a time outside of the years 1970 to 2199"):
        read_market_batch(_arrow(rows), quotes().attributes())


def test_nulls_that_the_schema_denies_are_refused():
    columns = [
        pa.array([None, 2.0] if field.name == "bid" else QUOTES[field.name], field.type)
        for field in SCHEMAS[MarketKind.QUOTE]
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=SCHEMAS[MarketKind.QUOTE])
    with pytest.raises(Refusal, match="has no nulls"):
        read_market_batch(_arrow(rows), quotes().attributes())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_read_and_never_anything_else(data):
    damaged = bytearray(quotes().encode())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Refusal):
        read_market_batch(bytes(damaged), quotes().attributes())
