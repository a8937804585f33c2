from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market_data import MarketKind, read_market_batch
from contracts.time import from_micros
from execution.feed.recordings import Counts, RecordingError, TimedBatch, open_recording, streams
from tests.execution.feed.raw_lines import (
    START_MS,
    book_snapshot,
    book_update,
    kline,
    line,
    mark,
    quote,
    trade,
    write,
)

SHARED = Path(__file__).parents[4] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"
START = from_micros(START_MS * 1_000)


def read(tmp_path: Path, lines: list[bytes]) -> tuple[list[TimedBatch], Counts]:
    recording = open_recording(write(tmp_path / "r.jsonl.gz", lines))
    return list(recording.batches()), recording.counts


def only(tmp_path: Path, event: dict[str, Any]) -> list[dict[str, Any]]:
    batches, counts = read(tmp_path, [line(0, event)])
    assert counts.read == 1 and not counts.refused
    [timed] = batches
    return [dict(row) for row in timed.batch.rows.to_pylist()]


def test_trade(tmp_path: Path) -> None:
    row = {"event_time": START, "trade_id": 9, "price": 100.5, "quantity": 0.25, "buyer_is_maker": False}
    assert only(tmp_path, trade(9)) == [row]
    aggregated = {"e": "aggTrade", "E": START_MS, "a": 9, "s": "BTCUSDT", "p": "100.5", "q": "0.25", "f": 1, "l": 2,
                  "T": START_MS, "m": False}  # fmt: skip
    assert only(tmp_path, aggregated) == [row]


def test_quote_of_futures_and_of_spot(tmp_path: Path) -> None:
    values = {"bid": 100.4, "bid_quantity": 2.0, "ask": 100.6, "ask_quantity": 3.0}
    assert only(tmp_path, quote(after_ms=1_300)) == [{"event_time": START + timedelta(seconds=1.3), **values}]
    spot = {name: value for name, value in quote().items() if name not in "TE"}
    assert only(tmp_path, spot) == [{"event_time": START, **values}], "the receive time, as it has no other"


def test_mark_is_dated_by_its_event_not_by_the_next_funding(tmp_path: Path) -> None:
    assert only(tmp_path, mark()) == [
        {"event_time": START, "mark_price": 100.5, "index_price": 100.4, "funding_rate": -0.0001}
    ]


def test_closed_bar(tmp_path: Path) -> None:
    assert only(tmp_path, kline()) == [
        {
            "event_time": START + timedelta(minutes=1), "open_time": START, "open": 1.0, "high": 3.0, "low": 0.5,
            "close": 2.0, "volume": 10.0, "quote_volume": 15.0, "trades": 7, "taker_buy_volume": 4.0,
        }
    ]  # fmt: skip


def test_book_update_is_one_event_of_many_rows(tmp_path: Path) -> None:
    batches, counts = read(
        tmp_path, [line(0, book_update(11, 14, 10)), line(1, book_update(15, 15, 14, b=[], a=[]))]
    )
    [timed] = batches
    assert (timed.events, timed.batch.rows.num_rows) == (2, 4)
    assert counts.events == {MarketKind.BOOK_UPDATE: 2}
    ids = [(row["first_id"], row["last_id"], row["previous_id"]) for row in timed.batch.rows.to_pylist()]
    assert ids == [(11, 14, 10)] * 3 + [(15, 15, 14)]
    levels = [(row["is_bid"], row["price"], row["quantity"]) for row in timed.batch.rows.to_pylist()]
    nothing_changed = (True, 0.0, 0.0)
    assert levels == [(True, 100.4, 1.0), (True, 100.3, 0.0), (False, 100.6, 2.0), nothing_changed]


def test_book_snapshot_belongs_to_the_only_symbol(tmp_path: Path) -> None:
    batches, _ = read(tmp_path, [line(0, book_snapshot(13), stream=None), line(300, quote())])
    first = batches[0].batch
    assert (first.kind, first.symbol, first.rows.num_rows) == (MarketKind.BOOK_SNAPSHOT, "BTCUSDT", 3)
    assert first.rows.column("last_id").to_pylist() == [13, 13, 13]


def test_book_snapshot_among_several_symbols_needs_its_own(tmp_path: Path) -> None:
    lines = [line(0, quote()), line(1, quote(symbol="ETHUSDT")), line(2, book_snapshot(1), stream=None)]
    _, counts = read(tmp_path, lines)
    assert counts.refused == {"book snapshot without a symbol": 1}
    _, counts = read(tmp_path, [*lines[:2], line(2, book_snapshot(1, s="ETHUSDT"), stream=None)])
    assert not counts.refused


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", "blank line"),
        (b"not a line", "no receive time"),
        (line(1, {})[:30], "not JSON"),
        (line(1, {})[:20] + b"[1]", "not a market event"),
        (line(1, {"e": "forceOrder", "s": "BTCUSDT"}), "unknown event forceOrder"),
        (line(1, {"result": None, "id": 1}, stream=None), "not a market event"),
        (line(1, {"e": ["trade"], "s": "BTCUSDT"}), "not a market event"),
        (line(1, trade(2, symbol="")), "no symbol"),
        (line(1, trade(2, X="INSURANCE_FUND")), "not an ordinary trade"),
        (line(1, trade(2, e="aggTrade", a=2)), "aggTrade beside trade"),
        (line(1, kline(closed=False)), "open bar"),
        (
            line(1, {"e": "trade", "s": "BTCUSDT", "T": START_MS, "t": 1, "q": "1", "m": True}),
            "trade without p",
        ),
        (line(1, trade(2, p="cheap")), "trade with a wrong value"),
        (line(1, trade(2, p="NaN")), "trade with a wrong value"),
        (line(1, trade(2, p=None)), "trade with a wrong value"),
        (line(1, trade(2, t="2")), "trade with a wrong value"),
        (line(1, trade(2, t=2**63)), "trade with a wrong value"),
        (line(1, trade(2, T=12)), "trade with a wrong value"),
        (line(1, quote(b=["1"])), "quote with a wrong value"),
        (line(1, book_update(1, 1, 0, a=[["1", "2", "3"]])), "book_update with a wrong value"),
        (line(1, {"e": "kline", "s": "BTCUSDT", "k": None}), "bar with a wrong value"),
    ],
)
def test_what_cannot_be_read_is_counted_and_the_rest_is_kept(tmp_path: Path, bad: bytes, reason: str) -> None:
    batches, counts = read(tmp_path, [line(0, trade(1)), bad, line(2, trade(3))])
    assert counts.refused == {reason: 1}
    assert [b.batch.rows.column("trade_id").to_pylist() for b in batches] == [[1, 3]]
    assert counts.read == 3


def test_batches_span_one_window_and_at_most_500_events(tmp_path: Path) -> None:
    lines = [line(i * 0.1, trade(i)) for i in range(3_000)]
    batches, _ = read(tmp_path, lines)
    assert [timed.events for timed in batches] == [500] * 6
    assert [timed.batch.sequence for timed in batches] == [1, 2, 3, 4, 5, 6]
    batches, _ = read(tmp_path, [line(i * 100, trade(i)) for i in range(7)])
    assert [timed.events for timed in batches] == [3, 2, 2]
    assert [timed.receive_time - START for timed in batches] == [
        timedelta(milliseconds=m) for m in (200, 400, 600)
    ]


def test_a_batch_stays_below_the_size_of_a_message(tmp_path: Path) -> None:
    levels = [[str(i), "1"] for i in range(1, 6_001)]
    lines = [line(i, book_update(i + 1, i + 1, i, b=levels, a=[])) for i in range(5)]
    batches, _ = read(tmp_path, lines)
    assert [timed.events for timed in batches] == [2, 2, 1]
    for timed in batches:
        assert read_market_batch(timed.batch.encode(), timed.batch.attributes()).rows.equals(timed.batch.rows)


def test_lines_out_of_order_are_sorted_by_their_receive_time(tmp_path: Path) -> None:
    batches, _ = read(tmp_path, [line(ms, trade(ms)) for ms in (0, 20, 10, 600, 500, 30)])
    assert [b.batch.rows.column("trade_id").to_pylist() for b in batches] == [[0, 10, 20, 30], [500, 600]]


@given(
    gaps=st.lists(st.integers(0, 200), min_size=1, max_size=60),
    kinds=st.lists(st.sampled_from("tqbx"), min_size=60, max_size=60),
    read_bytes=st.integers(100, 5_000),
)
def test_nothing_is_lost_however_the_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], kinds: list[str], read_bytes: int
) -> None:
    made = {"t": trade(1), "q": quote(), "b": book_update(2, 3, 1), "x": {"e": "unknown"}}
    lines, after = [], 0
    for gap, kind in zip(gaps, kinds, strict=False):
        after += gap
        lines.append(line(after, made[kind]))
    path = write(tmp_path_factory.mktemp("recording") / "r.jsonl", lines)

    def found_in(block: int) -> tuple[list[TimedBatch], Counts]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streams, "_READ_BYTES", block)
            recording = open_recording(path)
            return list(recording.batches()), recording.counts

    found, counts = found_in(read_bytes)
    assert (found, counts) == found_in(1_000_000), "how much is read at once makes no difference"
    sent = Counter(kinds[: len(gaps)])
    assert counts.events == Counter(
        {MarketKind.TRADE: sent["t"], MarketKind.QUOTE: sent["q"], MarketKind.BOOK_UPDATE: sent["b"]}
    )
    assert counts.refused.total() == sent["x"]
    assert [timed.receive_time for timed in found] == sorted(timed.receive_time for timed in found)


def test_a_file_that_breaks_off_is_a_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl.gz", [line(i, trade(i)) for i in range(5_000)])
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(RecordingError, match="cannot be read to its end"):
        list(open_recording(path).batches())


@pytest.mark.skipif(not SHARED.exists(), reason="the development recording is not on this machine")
def test_the_development_recording() -> None:
    recording = open_recording(SHARED)
    batches = list(recording.batches())
    assert recording.counts.refused == {}
    assert recording.counts.events == {
        MarketKind.QUOTE: 66_089,
        MarketKind.TRADE: 21_313,
        MarketKind.BOOK_UPDATE: 6_551,
        MarketKind.BOOK_SNAPSHOT: 1,
    }
    assert recording.counts.read == sum(timed.events for timed in batches) == 93_954
    levels = sum(b.batch.rows.num_rows for b in batches if b.batch.kind is MarketKind.BOOK_UPDATE)
    assert levels == 443_521
    times = [timed.receive_time for timed in batches]
    assert times == sorted(times)
    updates = pa.Table.from_batches([b.batch.rows for b in batches if b.batch.kind is MarketKind.BOOK_UPDATE])
    assert updates.column("last_id").to_pylist() == sorted(updates.column("last_id").to_pylist())


def test_a_recording_tells_the_length_of_its_bars_by_its_beginning(tmp_path: Path) -> None:
    def recording(name: str, *lines: bytes) -> int | None:
        return open_recording(write(tmp_path / name, list(lines))).bar_seconds()

    assert recording("bars.jsonl.gz", line(0, trade(1)), line(1, kline())) == 60
    assert recording("none.jsonl.gz", line(0, trade(1)), line(1, quote())) is None
