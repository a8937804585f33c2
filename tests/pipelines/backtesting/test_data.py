from pathlib import Path

import polars as pl
import pytest

from contracts.market_data import MarketKind
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.market_log import settings_of
from pipelines.backtesting.scenario import MarketTerms
from tests.pipelines.backtesting.worlds import HEADER, START, bar_line, spec_of, write_bars, write_stream


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def refusal(path: Path, **how: object) -> str:
    with pytest.raises(BacktestError) as error:
        open_data(spec_of(path, **how))
    return str(error.value)


def test_the_packaged_sample_is_what_is_taken_when_nothing_is_named() -> None:
    data = open_data(DataSpec())
    assert (data.symbols, data.bar_seconds, data.events, data.notes) == (
        ("BTCUSDT", "ETHUSDT"),
        60,
        2_880,
        (),
    )
    [identity] = data.identities
    assert (identity.kind, identity.rows, identity.refused) == ("bars", 2_880, 0)
    assert identity.first_micros == (START + 60) * 1_000_000


def test_only_the_period_is_taken() -> None:
    start, end = (START + 600) * 1_000_000, (START + 1_200) * 1_000_000
    data = open_data(DataSpec(from_micros=start, to_micros=end))
    assert data.events == 2 * 10
    times = [batch.batch.event_time.timestamp() for batch in data.batches()]
    assert (min(times), max(times)) == (START + 600, START + 1_140)


def test_a_period_without_data_says_where_there_is_some() -> None:
    with pytest.raises(BacktestError, match="from 2024-01-15T00:01:00Z to 2024-01-16T00:00:00Z"):
        open_data(DataSpec(from_micros=(START + 10 * 86_400) * 1_000_000))


def test_parquet_holds_the_same_bars_as_csv(tmp_path: Path) -> None:
    csv = write_bars(tmp_path, 20)
    frame = pl.read_csv(csv).with_columns(pl.from_epoch("open_time", "ms"), pl.from_epoch("close_time", "ms"))
    parquet = tmp_path / "again" / "BTCUSDT-1m.parquet"
    parquet.parent.mkdir()
    frame.write_parquet(parquet)
    of_csv, of_parquet = open_data(spec_of(csv)), open_data(spec_of(parquet))
    assert [timed.batch for timed in of_parquet.batches()] == [timed.batch for timed in of_csv.batches()]


def test_parquet_without_a_column_names_it(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    pl.read_csv(write_bars(tmp_path, 3)).drop("volume").write_parquet(path)
    assert "has no column volume" in refusal(path)


def test_wrong_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("timestamp,price,size\n1,2,3\n")
    assert "has the columns timestamp, price, size; bars have open_time, open" in refusal(path)


def test_a_gap_is_an_error_or_a_note(tmp_path: Path) -> None:
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), bar_line(1), bar_line(5))
    told = refusal(path)
    assert (
        "a gap between the bars of BTCUSDT, the first after 2024-01-15T00:02:00Z, the longest of 3 minutes"
        in told
    )
    assert "--flaws note" in told
    data = open_data(spec_of(path, note_flaws=True))
    assert data.events == 3
    assert "a gap" in data.notes[0]


def test_duplicates_are_told(tmp_path: Path) -> None:
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), bar_line(1), bar_line(1), bar_line(2))
    assert "1 bar that was there already" in refusal(path)
    assert open_data(spec_of(path, note_flaws=True)).events == 3


def test_the_first_bar_that_is_left_out_is_named(tmp_path: Path) -> None:
    broken = bar_line(1).split(",")
    broken[4] = "nan"
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), ",".join(broken), bar_line(2))
    assert refusal(path).startswith(
        "BTCUSDT-1m.csv: left out 1 bar with a wrong value "
        "(the first: row 2 of BTCUSDT-1m.csv, which opens at 2024-01-15T00:01:00Z); "
    )


def test_a_flaw_of_a_folder_is_told_once(tmp_path: Path) -> None:
    lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), bar_line(1), bar_line(1))
    write_bars(tmp_path, 2, "ETHUSDT", 2_000.0)
    assert open_data(spec_of(tmp_path, note_flaws=True)).notes == (
        f"{tmp_path.name}: left out 1 bar that was there already "
        "(the first: that of BTCUSDT which opens at 2024-01-15T00:01:00Z).",
    )


def test_times_in_seconds_are_an_error(tmp_path: Path) -> None:
    seconds = [bar_line(minute).split(",") for minute in (0, 1)]
    for fields in seconds:
        fields[0], fields[6] = fields[0][:-3], fields[6][:-3]
    path = lines(tmp_path / "BTCUSDT-1m.csv", *(",".join(fields) for fields in seconds))
    assert refusal(path) == (
        f"{path} has times that cannot be, the first 1705276800: write them as milliseconds or microseconds since 1970, "
        "UTC text like 2023-03-20 00:04:59, or timestamps in Parquet, from 2009 to 2099"
    )


def test_a_symbol_without_an_instrument_is_an_error(tmp_path: Path) -> None:
    assert refusal(write_bars(tmp_path, 3, "DOGEXYZ")) == (
        "DOGEXYZ-1m.csv holds DOGEXYZ, which is no instrument of the desk's: known are ARBUSDT, AVAXUSDT, BTCUSDT, "
        "ETHUSDT, SOLUSDT, SUIUSDT; leave it out, or add it to contracts/instruments.py"
    )


def test_what_is_not_compressed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.csv.gz"
    path.write_text("hello")
    assert refusal(path) == f"{path} cannot be read: Not a gzipped file (b'he')"


def test_unsorted_bars_are_an_error(tmp_path: Path) -> None:
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(1), bar_line(0), bar_line(2))
    assert "not sorted by time" in refusal(path, note_flaws=True)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        (2, "1", "do not hold its open and close"),
        (5, "-3", "volumes cannot be"),
        (9, "1e9", "volumes cannot be"),
    ],
)
def test_impossible_bars_are_an_error(tmp_path: Path, column: int, value: str, what: str) -> None:
    fields = bar_line(1).split(",")
    fields[column] = value
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), ",".join(fields), bar_line(2))
    told = refusal(path, note_flaws=True)
    assert "closed at 2024-01-15T00:02:00Z is impossible" in told
    assert what in told


def test_a_bar_cut_short_is_taken_to_its_end(tmp_path: Path) -> None:
    """A venue that halts says when: nothing of the bar may be known earlier than it was."""
    short = bar_line(1).split(",")
    short[6] = str(int(short[0]) + 20_000)
    path = lines(tmp_path / "BTCUSDT-1m.csv", bar_line(0), ",".join(short), bar_line(2), bar_line(3))
    data = open_data(spec_of(path, note_flaws=True))
    [columns] = data.columns
    assert (columns.received // 10**9 - START).tolist() == [60, 120, 180, 240]
    assert "1 bars of BTCUSDT do not last 60 s" in data.notes[0]


def test_bars_of_two_lengths_are_an_error(tmp_path: Path) -> None:
    write_bars(tmp_path, 10)
    day = bar_line(0).split(",")
    day[6] = str(int(day[0]) + 5 * 60_000 - 1)
    (tmp_path / "ETHUSDT-5m.csv").write_text(",".join(day) + "\n")
    with pytest.raises(BacktestError, match="several lengths"):
        _ = open_data(spec_of(tmp_path)).bar_seconds


@pytest.mark.parametrize("seconds", [30, 90])
def test_snapshots_that_bars_do_not_fill_are_an_error(tmp_path: Path, seconds: int) -> None:
    spec = spec_of(write_bars(tmp_path, 3))
    with pytest.raises(BacktestError) as error:
        settings_of(spec, MarketTerms(snapshot_seconds=seconds))
    assert str(error.value) == (
        f"market.snapshot_seconds is {seconds}, but the data's bars last 60 s: make it a multiple, or leave it out"
    )


@pytest.mark.parametrize(("wanted", "seconds"), [(None, 60), (60, 60), (300, 300)])
def test_snapshots_last_as_long_as_bars_or_a_multiple(
    tmp_path: Path, wanted: int | None, seconds: int
) -> None:
    terms = MarketTerms(snapshot_seconds=wanted)
    assert settings_of(spec_of(write_bars(tmp_path, 3)), terms).snapshot_seconds == seconds


def test_recordings_are_merged_by_time(tmp_path: Path) -> None:
    stream = write_stream(tmp_path, 120)
    other = tmp_path / "bars"
    other.mkdir()
    bars = write_bars(other, 2, "ETHUSDT", 2_000.0)
    data = open_data(DataSpec((str(stream), str(bars)), ("stream", "bars")))
    assert {columns.kind for columns in data.columns} == {MarketKind.QUOTE, MarketKind.TRADE, MarketKind.BAR}
    received = [timed.receive_time for timed in data.batches()]
    assert received == sorted(received)
    assert data.events == 120 * 6 + 2
