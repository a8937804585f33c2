"""The data of a backtest: recordings opened strictly, merged by time, cut to the period, and named by their content."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.backtest import DataIdentity
from contracts.market_data import MarketKind
from contracts.time import from_micros
from execution.feed.recordings import (
    SAMPLE,
    Recording,
    RecordingError,
    TimedBatch,
    TimedColumns,
    open_recording,
)
from execution.feed.recordings.recording import BatchCutter
from pipelines.backtesting.bar_checks import NamedBars, check_columns, check_symbols, checked_bars, noted
from pipelines.backtesting.columns import event_times, merged, taken
from pipelines.backtesting.errors import BacktestError


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What is asked for: a small value that travels to the workers.

    `paths` are files and folders (none is the packaged sample), `names` what each is called in the result. Events from
    `from_micros` on and before `to_micros` are taken. Flaws of the bars (gaps, some that are there twice, cut short or
    have a wrong value) are an error, or with `note_flaws` a note in the result.
    """

    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    from_micros: int | None = None
    to_micros: int | None = None
    note_flaws: bool = False


@dataclass(frozen=True)
class MarketData:
    """What was opened: each symbol and kind as whole columns, in the order of `received`, and what they came from."""

    columns: tuple[TimedColumns, ...]
    identities: tuple[DataIdentity, ...]
    notes: tuple[str, ...]

    def batches(self) -> Iterable[TimedBatch]:
        """The batches that a live feed would have sent, in the order in which they were complete."""
        return BatchCutter().batches(self.columns)

    @property
    def events(self) -> int:
        """How many events there are."""
        return sum(len(columns.received) for columns in self.columns)

    @property
    def symbols(self) -> tuple[str, ...]:
        """By name."""
        return tuple(sorted({columns.symbol for columns in self.columns}))

    @property
    def bar_lengths(self) -> tuple[int, ...]:
        """The lengths of the venue's bars, in seconds, rising."""
        lengths = {
            int(length)
            for columns in self.columns
            if columns.kind is MarketKind.BAR
            for length in np.unique(_lengths(columns) // 1_000_000)
        }
        return tuple(sorted(lengths))

    @property
    def bar_seconds(self) -> int | None:
        """The length of the venue's bars; None when there are none. Raises `BacktestError` when there are several."""
        if len(self.bar_lengths) > 1:
            told = ", ".join(f"{length} s" for length in self.bar_lengths)
            raise BacktestError(f"the bars are of several lengths ({told}): give one length at a time")
        return self.bar_lengths[0] if self.bar_lengths else None


@cache
def open_data(spec: DataSpec) -> MarketData:
    """Open all of it, once a process; raises `BacktestError`."""
    parts: dict[tuple[str, MarketKind], list[TimedColumns]] = {}
    bars: dict[str, list[NamedBars]] = {}
    identities, notes = [], []
    paths = [Path(path) for path in spec.paths] or [SAMPLE]
    names = spec.names or ("sample 2024-01-15",)
    is_told_apart = len(set(names)) == len(names)
    for path, name in zip(paths, names, strict=True):
        check_columns(path)
        recording, found = _read(path)
        check_symbols(name, [columns.symbol for columns in found])
        for columns in found:
            if columns.kind is MarketKind.BAR:
                bars.setdefault(columns.symbol, []).append(
                    NamedBars(name if is_told_apart else str(path), columns)
                )
            else:
                parts.setdefault((columns.symbol, columns.kind), []).append(columns)
        if refused := recording.describe_refusals():
            if any(columns.kind is MarketKind.BAR for columns in found):
                notes += noted([f"{name}: left out {refused}"], note_flaws=spec.note_flaws)
            else:
                notes.append(f"{name}: refused {refused}.")
        identities.append(_identity(path, name, recording, found))
    for symbol, several in bars.items():
        columns, flaws = checked_bars(several)
        notes += noted(flaws, note_flaws=spec.note_flaws)
        parts[symbol, MarketKind.BAR] = [columns]
    cuts = [_cut(merged(several), spec.from_micros, spec.to_micros) for several in parts.values()]
    kept = tuple(sorted((c for c in cuts if c is not None), key=lambda c: (c.symbol, c.kind)))
    if not kept:
        raise BacktestError(f"there is no market data {_period(spec)}; {_span(identities)}")
    return MarketData(kept, tuple(identities), tuple(notes))


def _read(path: Path) -> tuple[Recording, list[TimedColumns]]:
    try:
        recording = open_recording(path)
        stretches = list(recording.stretches())
    except RecordingError as error:
        raise BacktestError(str(error).rstrip(".")) from None
    parts: dict[tuple[str, MarketKind], list[TimedColumns]] = {}
    for stretch in stretches:
        for columns in stretch:
            parts.setdefault((columns.symbol, columns.kind), []).append(columns)
    if not parts:
        raise BacktestError(
            f"{path} holds no market data: {recording.describe_refusals() or 'it has no entries'}"
        )
    return recording, [merged(several) for several in parts.values()]


def _cut(columns: TimedColumns, start: int | None, end: int | None) -> TimedColumns | None:
    """Those of the period, by event time."""
    times = event_times(columns)
    chosen = np.ones(len(times), bool)
    if start is not None:
        chosen &= times >= start
    if end is not None:
        chosen &= times < end
    if chosen.all():
        return columns
    return taken(columns, np.flatnonzero(chosen)) if chosen.any() else None


def _lengths(columns: TimedColumns) -> np.ndarray:
    opened = columns.rows.column("open_time").view(pa.int64()).to_numpy()
    return np.asarray(event_times(columns) - opened)


def _identity(path: Path, name: str, recording: Recording, found: Sequence[TimedColumns]) -> DataIdentity:
    times = [event_times(columns) for columns in found]
    is_bars = all(columns.kind is MarketKind.BAR for columns in found)
    return DataIdentity(
        name=name,
        kind="bars" if is_bars else "recording",
        sha256=_digest(path),
        rows=sum(len(columns.received) for columns in found),
        refused=recording.counts.refused.total(),
        symbols=tuple(sorted({columns.symbol for columns in found})),
        first_micros=min(int(moments.min()) for moments in times),
        last_micros=max(int(moments.max()) for moments in times),
    )


def _digest(path: Path) -> str:
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.iterdir() if file.is_file())
    each = "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    return hashlib.sha256(each.encode()).hexdigest()


def _period(spec: DataSpec) -> str:
    return "in the period of --from and --to" if spec.from_micros or spec.to_micros else "in the input"


def _span(identities: Sequence[DataIdentity]) -> str:
    first = from_micros(min(identity.first_micros for identity in identities))
    last = from_micros(max(identity.last_micros for identity in identities))
    return f"the input reaches from {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}"
