"""Bars that cannot be believed: wrong columns, out of order, twice, impossible, or with holes between them."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.time import from_micros
from execution.feed.recordings import TimedColumns
from execution.feed.recordings.bars import FIELDS
from pipelines.backtesting.errors import BacktestError

_TEXTS = (".csv", ".csv.gz")
_FIRST = ("open", "high", "low", "close", "volume")


def check_columns(path: Path) -> None:
    """Raise `BacktestError` for a CSV file whose header tells other columns than bars have."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not (file.is_file() and file.name.endswith(_TEXTS)):
            continue
        header = [name.strip() for name in _first_line(file).split(",")]
        is_header = bool(header[0]) and not header[0].strip('"').lstrip("-").isdigit()
        if is_header and (tuple(header[1:6]) != _FIRST or len(header) < len(FIELDS)):
            raise BacktestError(
                f"{file.name} has the columns {', '.join(header)[:200]}; bars have {', '.join(FIELDS)}, in this order"
            )


def checked_bars(
    name: str, columns: TimedColumns, refused: Counter[str], *, note_flaws: bool
) -> tuple[TimedColumns, list[str]]:
    """A symbol's bars as they can be used, and what a reader should know of them.

    Raises `BacktestError` at the first thing that cannot be; flaws of real data raise it too, unless they are noted.
    """
    if (np.diff(columns.position) < 0).any():
        place = int(np.argmax(np.diff(columns.position) < 0))
        raise BacktestError(
            f"{name}: the bars of {columns.symbol} are not sorted by time, see {_moment(columns, place)}; sort the file"
        )
    _check_possible(name, columns)
    even, uneven = _even(name, columns)
    flaws = [*_left_out(name, refused), *uneven, *_gaps(name, even)]
    if flaws and not note_flaws:
        raise BacktestError(f"{flaws[0]}; mend the file, or go on without what is missing: --flaws note")
    return even, [f"{flaw}." for flaw in flaws]


def _left_out(name: str, refused: Counter[str]) -> list[str]:
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
    return [f"{name}: left out {told}"] if told else []


def _check_possible(name: str, columns: TimedColumns) -> None:
    """A bar's low and high hold its open and close, its volumes are not below zero."""
    opened, high, low, close, volume, quote_volume, taker = (
        columns.rows.column(column).to_numpy()
        for column in ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    )
    prices = (low > 0) & (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))
    volumes = (volume >= 0) & (quote_volume >= 0) & (taker >= 0) & (taker <= volume)
    for sound, what in (
        (prices, "its low and high do not hold its open and close"),
        (volumes, "its volumes cannot be"),
    ):
        if not sound.all():
            place = int(np.argmin(sound))
            raise BacktestError(
                f"{name}: the bar of {columns.symbol} that closed at {_moment(columns, place)} is impossible: {what}"
            )


def _even(name: str, columns: TimedColumns) -> tuple[TimedColumns, list[str]]:
    """Bars of one length, none begun before the last one ended.

    A venue that halts cuts a bar short. Such a bar is taken to close when it should have, which is never earlier
    than it was known.
    """
    opened, closed = _times(columns)
    lengths, counts = np.unique(closed - opened, return_counts=True)
    length = int(lengths[np.argmax(counts)])
    odd = closed - opened != length
    closed = opened + length
    kept = np.ones(len(opened), bool)
    overlaps = np.flatnonzero(opened[1:] < closed[:-1]) + 1
    kept[overlaps] = False
    if not odd.any() and kept.all():
        return columns, []
    times = pa.array(closed[kept], pa.int64()).cast(columns.rows.schema.field("event_time").type)
    rows = columns.rows.filter(pa.array(kept))
    rows = rows.set_column(
        rows.schema.get_field_index("event_time"), columns.rows.schema.field("event_time"), times
    )
    even = TimedColumns(
        columns.symbol,
        columns.kind,
        closed[kept] * 1_000,
        columns.position[kept],
        np.arange(1, len(times) + 1),
        rows,
    )
    told = (
        f"{name}: {int(odd.sum())} bars of {columns.symbol} do not last {length / 1e6:g} s, the first one closes at "
        f"{_moment(columns, int(np.argmax(odd)))}; they are taken to, and {len(overlaps)} that overlap are left out"
    )
    return even, [told]


def _gaps(name: str, columns: TimedColumns) -> list[str]:
    opened, closed = _times(columns)
    missing = opened[1:] - closed[:-1]
    gaps = np.flatnonzero(missing > 0)
    if not len(gaps):
        return []
    count = f"{len(gaps)} gaps" if len(gaps) > 1 else "a gap"
    return [
        f"{name}: {count} between the bars of {columns.symbol}, the first after {_moment(columns, int(gaps[0]))}, "
        f"the longest of {float(missing.max()) / 60e6:g} minutes; nothing was made up for it"
    ]


def _times(columns: TimedColumns) -> tuple[np.ndarray, np.ndarray]:
    opened, closed = (
        columns.rows.column(name).view(pa.int64()).to_numpy() for name in ("open_time", "event_time")
    )
    return opened, closed


def _moment(columns: TimedColumns, place: int) -> str:
    closed = columns.rows.column("event_time").view(pa.int64()).to_numpy()
    return f"{from_micros(int(closed[place])):%Y-%m-%dT%H:%M:%SZ}"


def _first_line(path: Path) -> str:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            if line.strip() and not line.startswith(b"#"):
                return line.decode(errors="replace").strip()
    return ""
