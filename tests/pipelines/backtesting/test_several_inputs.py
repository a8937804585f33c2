"""Bars of one symbol out of several inputs are checked as if they stood in one file."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.backtesting.data import DataSpec, MarketData, open_data
from pipelines.backtesting.errors import BacktestError
from tests.pipelines.backtesting.worlds import HEADER, START, bar_line, write_bars

NOTED = "; mend the file, or go on without what is missing: --flaws note"


def written(folder: Path, name: str, minutes: range, factor: float = 1.0) -> Path:
    path = folder / f"BTCUSDT-1m-{name}.csv"
    lines = [bar_line(minute, 40_000.0 * factor) for minute in minutes]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def opened(*paths: Path, note_flaws: bool = False) -> MarketData:
    return open_data(
        DataSpec(tuple(map(str, paths)), tuple(path.name for path in paths), note_flaws=note_flaws)
    )


def refusal(*paths: Path) -> str:
    with pytest.raises(BacktestError) as error:
        opened(*paths)
    return str(error.value)


def minutes(data: MarketData) -> list[int]:
    [columns] = data.columns
    return ((columns.received // 10**9 - START) // 60 - 1).tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_a_gap_between_two_inputs_is_a_gap(tmp_path: Path, order: int) -> None:
    paths = [written(tmp_path, "a", range(15)), written(tmp_path, "b", range(25, 40))][::order]
    flaw = (
        f"{paths[0].name} and {paths[1].name}: a gap between the bars of BTCUSDT, the first after 2024-01-15T00:15:00Z, "
        "the longest of 10 minutes; nothing was made up for it"
    )
    assert refusal(*paths) == flaw + NOTED
    data = opened(*paths, note_flaws=True)
    assert data.notes == (f"{flaw}.",)
    assert minutes(data) == [*range(15), *range(25, 40)]


def test_inputs_that_follow_one_another_have_no_flaw(tmp_path: Path) -> None:
    data = opened(written(tmp_path, "b", range(15, 40)), written(tmp_path, "a", range(15)))
    assert (minutes(data), data.notes) == (list(range(40)), ())


@pytest.mark.parametrize(("factor", "others"), [(1.0, 0), (1.5, 10)])
def test_a_bar_in_two_inputs_counts_once(tmp_path: Path, factor: float, others: int) -> None:
    first, second = written(tmp_path, "a", range(15)), written(tmp_path, "b", range(5, 15), factor)
    flaw = (
        "BTCUSDT-1m-a.csv and BTCUSDT-1m-b.csv: 10 bars of BTCUSDT are in more than one input, the first closes at "
        f"2024-01-15T00:06:00Z, and {others} have other values there; those of the input named first are kept"
    )
    assert refusal(first, second) == flaw + NOTED
    data = opened(first, second, note_flaws=True)
    assert data.notes == (f"{flaw}.",)
    assert data.columns[0].rows == opened(first).columns[0].rows


def test_the_same_bars_as_csv_and_parquet_count_once(tmp_path: Path) -> None:
    csv = write_bars(tmp_path, 40)
    parquet = tmp_path / "BTCUSDT-1m.parquet"
    pl.read_csv(csv).write_parquet(parquet)
    assert "40 bars of BTCUSDT are in more than one input" in refusal(csv, parquet)
    assert opened(csv, parquet, note_flaws=True).events == 40


def test_bars_that_lie_across_one_another_are_left_out(tmp_path: Path) -> None:
    """Those of the second input begin half a minute later: each overlaps with two of the first."""
    first, second = written(tmp_path, "a", range(4)), tmp_path / "BTCUSDT-1m-b.csv"
    shifted = [bar_line(minute).split(",") for minute in range(4)]
    for fields in shifted:
        fields[0], fields[6] = (str(int(fields[place]) + 30_000) for place in (0, 6))
    second.write_text("\n".join(",".join(fields) for fields in shifted) + "\n")
    assert "4 bars of BTCUSDT are in more than one input" in refusal(first, second)
    assert minutes(opened(first, second, note_flaws=True)) == [0, 1, 2, 3]


def test_inputs_of_the_same_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = []
    for name, stretch in (("one", range(5)), ("two", range(7, 9))):
        (tmp_path / name).mkdir()
        paths.append(written(tmp_path / name, "a", stretch))
    assert refusal(*paths).startswith(f"{paths[0]} and {paths[1]}: a gap")


def test_inputs_of_other_lengths_are_an_error(tmp_path: Path) -> None:
    fields = bar_line(0).split(",")
    fields[6] = str(int(fields[0]) + 5 * 60_000 - 1)
    longer = tmp_path / "BTCUSDT-5m.csv"
    longer.write_text(",".join(fields) + "\n")
    assert refusal(written(tmp_path, "a", range(15)), longer) == (
        "BTCUSDT-1m-a.csv and BTCUSDT-5m.csv: the bars of BTCUSDT are of several lengths (60 s, 300 s): "
        "give one length at a time"
    )
