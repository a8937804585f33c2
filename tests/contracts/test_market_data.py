"""Market data: Arrow and JSON say the same; what is not market data is refused."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

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
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, empty.schema) as stream:
        stream.write_batch(empty)
    with pytest.raises(Refusal, match="no rows"):
        read_market_batch(sink.getvalue().to_pybytes(), quotes().attributes())
