import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.market_data import MarketKind, read_market_batch
from execution.feed.recordings import SAMPLE, RecordingError, open_recording
from execution.feed.recordings.bars import symbol_of

DAY = datetime(2024, 1, 15, tzinfo=UTC)
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore"


def row(minute: int, close: str = "2", unit: int = 1_000) -> str:
    opened = int(DAY.timestamp()) + 60 * minute
    return f"{opened * unit},1,3,0.5,{close},10,{(opened + 60) * unit - 1},15,7,4,6,0"


def test_the_packaged_sample() -> None:
    recording = open_recording()
    batches = list(recording.batches())
    assert recording.counts.read == recording.counts.events[MarketKind.BAR] == 2_880
    assert not recording.counts.refused
    assert [(b.batch.symbol, b.batch.sequence) for b in batches[:4]] == [
        ("BTCUSDT", 1), ("ETHUSDT", 1), ("BTCUSDT", 2), ("ETHUSDT", 2),
    ]  # fmt: skip
    assert [b.receive_time for b in batches[::2]] == [DAY + timedelta(minutes=m) for m in range(1, 1_441)]
    assert all(b.receive_time == b.batch.event_time and b.events == 1 for b in batches)
    assert batches[0].batch.rows.to_pylist() == [
        {
            "event_time": DAY + timedelta(minutes=1), "open_time": DAY, "open": 41734.90, "high": 41797.50,
            "low": 41720.00, "close": 41763.10, "volume": 568.072, "quote_volume": 23720103.72170, "trades": 6604,
            "taker_buy_volume": 283.435,
        }
    ]  # fmt: skip
    last = batches[-1].batch
    assert read_market_batch(last.encode(), last.attributes()) == last


def test_the_sample_is_compressed_without_a_time_or_a_name() -> None:
    for path in SAMPLE.glob("*.csv.gz"):
        assert path.read_bytes()[3:8] == b"\0" * 5, "flags and mtime"


def test_start_is_when_the_first_bar_closed() -> None:
    assert open_recording().start() == DAY + timedelta(minutes=1)


@pytest.mark.parametrize("unit", [1_000, 1_000_000])
@pytest.mark.parametrize("header", [True, False])
def test_header_and_unit_are_seen(tmp_path: Path, header: bool, unit: int) -> None:
    path = tmp_path / "binance_futures_um_SOLUSDT-1m_2024-01-15.csv"
    path.write_text("\n".join([HEADER] * header + [row(0, unit=unit), row(1, unit=unit)]) + "\n")
    batches = list(open_recording(path).batches())
    assert [b.batch.event_time for b in batches] == [DAY + timedelta(minutes=m) for m in (1, 2)]
    assert {b.batch.symbol for b in batches} == {"SOLUSDT"}


def test_the_files_of_a_folder_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1m-b.csv").write_text("\n".join([row(2), row(0)]))
    (tmp_path / "BTCUSDT-1m-a.csv.gz").write_bytes(gzip.compress("\n".join([row(1), row(2)]).encode()))
    (tmp_path / "ETHUSDT-1m.csv").write_text("\n".join([HEADER, row(1)]))
    recording = open_recording(tmp_path)
    seen = [((b.receive_time - DAY) // timedelta(minutes=1), b.batch.symbol) for b in recording.batches()]
    assert seen == [(1, "BTCUSDT"), (2, "BTCUSDT"), (2, "ETHUSDT"), (3, "BTCUSDT")]
    assert recording.counts.refused == {"bar that was there already": 1}
    assert recording.counts.read == 5


@pytest.mark.parametrize(
    "bad", ["x" + row(1), row(1, close="nan"), row(1, close=""), "1,2", row(1).replace(",7,", ",7.5,")]
)
def test_rows_that_cannot_be_read_are_counted(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join([row(0), bad, row(2)]))
    recording = open_recording(path)
    assert len(list(recording.batches())) == 2
    assert recording.counts.refused == {"bar with a wrong value": 1}


def test_what_is_no_recording_is_a_clear_error(tmp_path: Path) -> None:
    def error(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecordingError) as caught:
            open_recording(tmp_path / name).start()
        return str(caught.value)

    with pytest.raises(RecordingError, match="There is no recording"):
        open_recording(tmp_path / "nowhere.csv")
    with pytest.raises(RecordingError, match="holds no bars"):
        open_recording(tmp_path)
    assert "is empty" in error("empty.jsonl", b"\n")
    assert "is empty" in error("empty.jsonl.gz", gzip.compress(b""))
    assert "cannot be read" in error("broken.gz", b"nothing compressed")
    assert "not a recording that we know" in error("notes.txt", b"Dear reader\n")
    assert "does not name its symbol" in error("bars.csv", row(0).encode())
    assert "holds no market data: it has no entries" in error("BTCUSDT-1m.csv", HEADER.encode())
    assert "holds no market data: 1 not JSON" in error("r.jsonl", b"1723161255000000000 {\n")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m.csv.gz", "BTCUSDT"),
        ("binance_futures_um_ETHUSDT-1m_2024-01-15.csv", "ETHUSDT"),
        ("1000PEPEUSDT-15m-2024-01.csv", "1000PEPEUSDT"),
        ("bars.csv", None),
        ("2024-01-15.csv", None),
    ],
)
def test_symbol_of_a_file(name: str, symbol: str | None) -> None:
    assert symbol_of(Path(name)) == symbol


def test_times_in_text_and_lines_that_are_no_bars(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-5m.csv"
    path.write_text(
        "# Binance Spot Market Data\n#\n"
        "date,open,high,low,close,volume,close_time,quote_asset_volume,number_of_trades,"
        "taker_buy_base_asset_volume,taker_buy_quote_asset_volume\n"
        "2023-03-20 00:00:00,27972.87,28038.28,27941.97,27953.83,1975.47751,2023-03-20 00:04:59,55298745.9,43351,"
        "1073.70455,30057318.08\n"
    )
    [timed] = open_recording(path).batches()
    [bar] = timed.batch.rows.to_pylist()
    assert (bar["open_time"].isoformat(), bar["event_time"].isoformat()) == (
        "2023-03-20T00:00:00+00:00", "2023-03-20T00:05:00+00:00",
    )  # fmt: skip
    assert (bar["close"], bar["trades"], bar["taker_buy_volume"]) == (27953.83, 43351, 1073.70455)


def test_a_recording_of_bars_tells_their_length(tmp_path: Path) -> None:
    assert open_recording().bar_seconds() == 60
    (tmp_path / "BTCUSDT-1m.csv").write_text("\n".join([row(0), row(1)]))
    one = open_recording(tmp_path)
    assert (one.bar_seconds(), one.counts.read) == (60, 0)
    five_minutes = row(0).replace(
        str((int(DAY.timestamp()) + 60) * 1_000 - 1), str((int(DAY.timestamp()) + 300) * 1_000 - 1)
    )
    (tmp_path / "ETHUSDT-5m.csv").write_text(five_minutes)
    assert open_recording(tmp_path).bar_seconds() is None, "there are several"


def test_where_the_first_refused_rows_are_is_told(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join([HEADER, row(0), row(1, close="nan"), row(2, close=""), row(3), row(3)]))
    recording = open_recording(path)
    assert len(list(recording.batches())) == 2
    assert recording.describe_refusals() == (
        "1 bar that was there already (the first: that of BTCUSDT which opens at 2024-01-15T00:03:00Z), "
        "2 bar with a wrong value (the first: row 2 of BTCUSDT-1m.csv, which opens at 2024-01-15T00:01:00Z)"
    )


@pytest.mark.parametrize(
    ("of", "first"),
    [
        (lambda micros: micros // 1_000_000, "1705276800"),
        (lambda micros: micros * 1_000, "1705276800000000000"),
        (lambda micros: f"{datetime.fromtimestamp(micros / 1e6, UTC).isoformat()}", "2024-01-15T00:00:00+00:00"),
        (lambda _: 0, "0"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_name_the_units(tmp_path: Path, of: Callable[[int], object], first: str) -> None:
    rows = [row(minute, unit=1_000_000).split(",") for minute in (0, 1)]
    for fields in rows:
        fields[0], fields[6] = str(of(int(fields[0]))), str(of(int(fields[6])))
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join([HEADER, *(",".join(fields) for fields in rows)]))
    with pytest.raises(RecordingError) as error:
        list(open_recording(path).batches())
    assert str(error.value) == (
        f"{path} has times that cannot be, the first {first}: write them as milliseconds or microseconds since 1970, "
        "UTC text like 2023-03-20 00:04:59, or timestamps in Parquet, from 2009 to 2099."
    )


def test_a_time_that_cannot_be_among_others_is_a_wrong_value(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join([row(0), row(1, unit=1), row(2)]))
    recording = open_recording(path)
    assert len(list(recording.batches())) == 2
    assert recording.describe_refusals() == "1 bar with a wrong value (the first: row 2 of BTCUSDT-1m.csv)"
