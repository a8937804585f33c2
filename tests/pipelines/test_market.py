"""The market job: a bounded run of the packaged sample, and a stream on a worked timeline."""

import contextlib
import gzip
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import apache_beam as beam
import orjson
import pytest
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to

from contracts.coder import register_contract_coders
from contracts.market_data import MarketBatch
from contracts.message import Message
from contracts.payloads import Mark
from contracts.refusals import DeadLetter
from contracts.rows.market import MarketBar, MarketQuality
from contracts.rows.operations import DeadLetterRow
from execution.feed.recordings import SAMPLE
from pipelines.launch import LaunchError, launch
from pipelines.market import JOB
from tests.transforms.market.batches import quotes, trades, venue_bar
from transforms.emission import Emission
from transforms.intake import MarketDataIntake
from transforms.log import Raw
from transforms.market.job import MarketOf
from transforms.market.quotes import STALE
from transforms.market.symbol import MarketSettings
from transforms.ordering import ApplyInOrder

MINUTES = 1_440
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def counted(text: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r"([a-z_]+) (\d+)", text)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on the packaged sample: their folders, and what the first one counted."""
    directory = tmp_path_factory.mktemp("market")
    said = io.StringIO()
    for name in ("one", "two"):
        with contextlib.redirect_stderr(said if name == "one" else io.StringIO()):
            launch(JOB, ["--input", str(SAMPLE), "--output", str(directory / name)])
    return directory / "one", directory / "two", counted(said.getvalue())


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_equal_input_gives_equal_bytes(runs):
    one, two, _ = runs
    names = sorted(path.name for path in one.iterdir())
    assert names == ["dead-letters.jsonl", "rows.jsonl", "snapshots.jsonl", "trading.jsonl"]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_what_went_in_is_accounted_for(runs):
    _, _, counts = runs
    bars = len(SYMBOLS) * MINUTES
    assert counts == {
        "recorded_events": bars, "refused_events": 0, "in": bars, "out": bars, "market_events": bars,
        "used_events": bars, "bars": bars, "snapshots": bars, "marks": bars, "rows": 2 * bars + 1,
    }  # fmt: skip


def test_each_minute_of_the_day_has_its_bar_its_snapshot_and_its_mark(runs):
    one, _, _ = runs
    assert lines(one / "dead-letters.jsonl") == []
    snapshots, marks = lines(one / "snapshots.jsonl"), lines(one / "trading.jsonl")
    for messages in (snapshots, marks):
        found = [(m["payload"]["symbol"], m["event_time"]) for m in messages]
        assert len(set(found)) == len(found) == len(SYMBOLS) * MINUTES
        assert found[0] == ("BTCUSDT", "2024-01-15T00:01:00Z")
        assert found[-1] == ("ETHUSDT", "2024-01-16T00:00:00Z")
    assert [m["payload"]["price"] for m in snapshots] == [m["payload"]["price"] for m in marks]
    rows = lines(one / "rows.jsonl")
    (jump,) = (row["row"] for row in rows if row["table"] == "market_quality")
    assert (jump["kind"], jump["symbol"], jump["event_time"]) == (
        "price_jump",
        "BTCUSDT",
        "2024-01-15T18:48:00Z",
    )
    assert sum(row["table"] == "market_bars" for row in rows) == len(snapshots)
    assert {row["row"]["row_id"] for row in rows if row["table"] == "snapshots"} == {
        m["message_id"] for m in snapshots
    }


def test_features_warm_up_and_stay(runs):
    one, _, _ = runs
    snapshots = [m["payload"]["features"] for m in lines(one / "snapshots.jsonl")]
    btc = snapshots[:MINUTES]
    first = {name: next(n for n, features in enumerate(btc, 1) if name in features) for name in btc[-1]}
    assert first | {"bar_close": 1} == first
    assert (first["return_1"], first["rsi_14"], first["trend_12_26"], first["return_60"]) == (2, 15, 26, 61)
    assert all(btc[-1].keys() == features.keys() for features in btc[60:])


def test_a_recording_that_is_none_is_one_sentence(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(LaunchError, match="is not a recording that we know"):
        launch(JOB, ["--input", str(path), "--output", str(tmp_path / "out")])


# --- a venue's raw streams ------------------------------------------------------------------------------------------

SHARED = Path(__file__).parents[3] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"


def bars_by_hand(path: Path) -> dict[int, list]:
    """Minute to [open, high, low, close, volume, trades] from the raw lines, one by one and in exact arithmetic."""
    trades = []
    with gzip.open(path, "rt") as file:
        for text in file:
            event = json.loads(text.split(" ", 1)[1]).get("data", {})
            if event.get("e") == "trade" and event["X"] == "MARKET":
                trades.append((event["T"], event["t"], Decimal(event["p"]), Decimal(event["q"])))
    bars: dict[int, list] = {}
    for moment, _, price, quantity in sorted(trades):
        bar = bars.setdefault(moment // 60_000, [price, price, price, price, Decimal(0), 0])
        bar[1:4] = [max(bar[1], price), min(bar[2], price), price]
        bar[4] += quantity
        bar[5] += 1
    return bars


@pytest.mark.skipif(not SHARED.exists(), reason="the development recording is not on this machine")
def test_a_raw_recording_becomes_snapshots_without_a_drop(tmp_path, capsys):
    launch(JOB, ["--input", str(SHARED), "--output", str(tmp_path)])
    counts = counted(capsys.readouterr().err)
    assert {name: counts[name] for name in ("recorded_events", "refused_events", "market_events", "used_events")} == {
        "recorded_events": 93_954, "refused_events": 0, "market_events": 93_954, "used_events": 93_954,
    }  # fmt: skip
    assert "late_events" not in counts
    assert counts["in"] == counts["out"] == 4_014
    names = ("open", "high", "low", "close", "volume")
    rows = (line["row"] for line in lines(tmp_path / "rows.jsonl") if line["table"] == "market_bars")
    bars = {
        row["open_time"]: [*(Decimal(str(row[n])) for n in names), row["trades"]]
        for row in rows
        if row["bar_seconds"] == 60
    }
    by_hand = bars_by_hand(SHARED)
    assert list(bars.values()) == [bar for _, bar in sorted(by_hand.items())]
    *whole, last = lines(tmp_path / "snapshots.jsonl")
    assert last["event_time"] == "2024-08-09T00:00:00Z"
    assert len(whole) + 1 == len(by_hand)
    assert {"spread", "microprice", "top_imbalance", "book_imbalance_5", "quote_age"} <= last["payload"][
        "features"
    ].keys()


# --- as a stream ----------------------------------------------------------------------------------------------------


def raw(batch: MarketBatch) -> Raw:
    return Raw(batch.encode(), batch.attributes(), 0)


def test_a_worked_timeline():
    """Batches arrive as written; the minute closes when something is half a second past it.

    arrives                what follows
    quote at 0.1           mark 100 (the quote's middle)
    trade at 30.2          mark 101, not to be traded on: the quote is stale
    trade again            nothing: the batch came already
    trade at 60.1          mark 102; the second of 30 has closed
    quote at 60.6          mark 104; the minute has closed: its snapshot has no quote, for it was stale then
    not market data        a dead letter
    venue's bar of 60      nothing: ours came first
    """
    register_contract_coders()
    twice = raw(trades(1, (30.2, 101.0, 2.0)))
    stream = TestStream(coder=registry.get_coder(Raw))
    for arrival in (
        raw(quotes(1, (0.1, 99.0, 1.0, 101.0, 1.0))),
        twice,
        twice,
        raw(trades(2, (60.1, 102.0, 1.0))),
        raw(quotes(2, (60.6, 103.0, 1.0, 105.0, 1.0))),
        Raw(
            b"?",
            {"symbol": "BTCUSDT", "kind": "trade", "sequence": "3", "event_time": "2024-01-15T10:00:00Z"},
            0,
        ),
        raw(venue_bar(1, 60, 100.0)),
    ):
        stream = stream.add_elements([arrival])
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    with TestPipeline("BundleBasedDirectRunner", options=options) as pipeline:
        emissions = (
            pipeline
            | stream.advance_watermark_to_infinity()
            | ApplyInOrder("market", MarketDataIntake(), MarketOf("main", MarketSettings()), streaming=True)
        )
        assert_that(emissions | beam.Map(told), equal_to(EXPECTED))


def told(emission: Emission) -> tuple:
    value = emission.value
    if isinstance(value, DeadLetter | DeadLetterRow):
        return emission.port, emission.position, type(value).__name__, value.reason
    if isinstance(value, MarketQuality):
        return emission.port, emission.position, type(value).__name__, str(value.kind)
    if isinstance(value, MarketBar):
        return emission.port, emission.position, f"MarketBar of {value.bar_seconds} s", value.close
    said = value.payload if isinstance(value, Message) else value
    more = (str(said.bid), said.reason) if isinstance(said, Mark) else ()
    return emission.port, emission.position, type(said).__name__, str(said.price), *more


EXPECTED = [
    ("marks", 1, "Mark", "100.0", "99.0", ""),
    ("rows", 2, "MarketQuality", "stale"),
    ("marks", 2, "Mark", "101.0", "None", STALE),
    ("rows", 4, "MarketBar of 1 s", 101.0),
    ("marks", 4, "Mark", "102.0", "None", STALE),
    ("rows", 5, "MarketBar of 60 s", 101.0),
    ("snapshots", 5, "Snapshot", "101.0"),
    ("rows", 5, "SnapshotRow", "101.0"),
    ("rows", 5, "MarketQuality", "sound_again"),
    ("marks", 5, "Mark", "104.0", "103.0", ""),
    ("dead_letters", 5, "DeadLetter", "not_market_data"),
    ("rows", 5, "DeadLetterRow", "not_market_data"),
]
