"""Bars that cannot be used: unknown symbols, wrong columns, out of order, twice, impossible, or with holes between them."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from contracts.instruments import INSTRUMENTS
from contracts.time import from_micros
from execution.feed.recordings import TimedColumns
from execution.feed.recordings.bars import FIELDS
from pipelines.backtesting.columns import merged, taken
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


class NamedBars(NamedTuple):
    """A symbol's bars out of one input."""

    name: str
    columns: TimedColumns


def check_symbols(name: str, symbols: Iterable[str]) -> None:
    """Raise `BacktestError` for a symbol whose instrument is not known: nobody could tell its tick and lot."""
    if unknown := sorted(set(symbols) - INSTRUMENTS.keys()):
        raise BacktestError(
            f"{name} holds {', '.join(unknown)}, which is no instrument of the desk's: known are "
            f"{', '.join(sorted(INSTRUMENTS))}; leave it out, or add it to contracts/instruments.py"
        )


def checked_bars(several: Sequence[NamedBars]) -> tuple[TimedColumns, list[str]]:
    """One symbol's bars out of all inputs as they can be used, and their flaws.

    Raises `BacktestError` at the first thing that no real data has.
    """
    flaws: list[str] = []
    parts = []
    for name, columns in several:
        _check_sorted(name, columns)
        _check_possible(name, columns)
        even, uneven = _even(name, columns)
        flaws += uneven
        parts.append(even)
    names = " and ".join(name for name, _ in several)
    whole, repeated = _put_together(names, parts)
    return whole, [*flaws, *repeated, *_gaps(names, whole)]


def noted(flaws: Sequence[str], *, note_flaws: bool) -> list[str]:
    """The flaws as notes for a reader; raises `BacktestError` at the first where they are not to be noted."""
    if flaws and not note_flaws:
        raise BacktestError(f"{flaws[0]}; mend the file, or go on without what is missing: --flaws note")
    return [f"{flaw}." for flaw in flaws]


def _check_sorted(name: str, columns: TimedColumns) -> None:
    back = np.diff(columns.position) < 0
    if back.any():
        raise BacktestError(
            f"{name}: the bars of {columns.symbol} are not sorted by time, see {_moment(columns, int(np.argmax(back)))}; "
            "sort the file"
        )


def _put_together(names: str, parts: Sequence[TimedColumns]) -> tuple[TimedColumns, list[str]]:
    """The bars of several inputs, each moment once: where they overlap, what the input named first says."""
    if len(parts) == 1:
        return parts[0], []
    whole = merged(parts)
    opened, closed = _times(whole)
    if len(lengths := np.unique(closed - opened)) > 1:
        told = ", ".join(f"{length / 1e6:g} s" for length in lengths)
        raise BacktestError(
            f"{names}: the bars of {whole.symbol} are of several lengths ({told}): give one length at a time"
        )
    kept = _apart(opened, closed)
    if kept.all():
        return whole, []
    left_out = np.flatnonzero(~kept)
    differ = ~_alike(
        whole.rows, left_out, np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0))[left_out]
    )
    told = (
        f"{names}: {len(left_out)} bars of {whole.symbol} are in more than one input, the first closes at "
        f"{_moment(whole, int(left_out[0]))}, and {int(differ.sum())} have other values there; "
        "those of the input named first are kept"
    )
    return taken(whole, np.flatnonzero(kept)), [told]


def _alike(rows: pa.RecordBatch, some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each of some rows has the values of its counterpart, (n,)."""
    pairs = ((column.take(pa.array(some)), column.take(pa.array(others))) for column in rows.columns)
    return np.all(
        [one.to_numpy(zero_copy_only=False) == other.to_numpy(zero_copy_only=False) for one, other in pairs],
        axis=0,
    )


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
    kept = _apart(opened, closed)
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
        f"{_moment(columns, int(np.argmax(odd)))}; they are taken to, and {int((~kept).sum())} that overlap are left out"
    )
    return even, [told]


def _apart(opened: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Which bars to keep, (n,), so that none begins before the last one that is kept has ended."""
    kept = np.ones(len(opened), bool)
    if (opened[1:] >= closed[:-1]).all():
        return kept
    ended = opened[0]
    for place, (start, end) in enumerate(zip(opened.tolist(), closed.tolist(), strict=True)):
        kept[place] = start >= ended
        ended = end if kept[place] else ended
    return kept


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
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                if line.strip() and not line.startswith(b"#"):
                    return line.decode(errors="replace").strip()
    except (OSError, EOFError, zlib.error) as error:
        raise BacktestError(f"{path} cannot be read: {error}") from None
    return ""
