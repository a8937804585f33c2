"""What a recording is: columns in order of time, cut into the batches that a live feed would send."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import MAX_BATCH_EVENTS, MarketBatch, MarketKind
from contracts.time import from_micros

WINDOW_NS = 250_000_000
"""Receive time that a batch spans at most."""

MAX_BATCH_ROWS = 15_000
"""Rows that a batch holds at most, so that it stays below the size of a message (a book row is 49 bytes)."""

LOOK_AHEAD_NS = 120_000_000_000
"""So much of a recording is read to learn how long its bars are: a venue tells bars by the minute."""


class RecordingError(Exception):
    """Raised when a recording cannot be read at all; the text is one sentence for the user."""


@dataclass(slots=True)
class Counts:
    """What became of a recording's entries (lines of a stream, rows of a CSV); read = events + refused.

    `events` counts what was handed over in batches, by kind; `refused` what was not, by reason. `first` says where the
    first one of a reason is, for reasons whose place is known.
    """

    events: Counter[MarketKind] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Entries read so far."""
        return self.events.total() + self.refused.total()

    def refuse(self, reason: str, count: int, first: str) -> None:
        """Count entries that were refused for a reason; `first` is where the first of them is."""
        self.refused[reason] += count
        self.first.setdefault(reason, first)


@dataclass(frozen=True, slots=True)
class TimedColumns:
    """Events of one symbol and kind, as columns.

    `received` (n,) int64: when each event was known, nanoseconds since 1970, not falling. `position` (n,)
    int64: its place in the recording, which orders events of equal time. `ends` (n,) int64: the number of
    rows up to and with each event, as one event may be several rows (the levels of a book update). `rows`:
    the kind's schema, `ends[-1]` rows.
    """

    symbol: str
    kind: MarketKind
    received: NDArray[np.int64]
    position: NDArray[np.int64]
    ends: NDArray[np.int64]
    rows: pa.RecordBatch


Stretch = tuple[TimedColumns, ...]
"""All that was received between two borders of 250 ms windows, each symbol and kind at most once."""


@dataclass(frozen=True, slots=True)
class TimedBatch:
    """A batch, when it was complete, and the events in it (a book update of many rows is one)."""

    receive_time: datetime
    batch: MarketBatch
    events: int


class BatchCutter:
    """Cuts stretches into batches of at most 250 ms of receive time, 500 events and 15,000 rows.

    Each batch holds one symbol and kind; its sequence counts from 1 for each of them.
    """

    def __init__(self) -> None:
        self._sequences: Counter[tuple[str, MarketKind]] = Counter()

    def batches(self, stretch: Stretch) -> Iterator[TimedBatch]:
        """The stretch's batches, in the order in which they were complete."""
        cuts = [cut for columns in stretch for cut in _cuts(columns)]
        cuts.sort(key=lambda cut: (cut.received, cut.position))
        for cut in cuts:
            columns = cut.columns
            key = columns.symbol, columns.kind
            self._sequences[key] += 1
            rows = columns.rows.slice(cut.first_row, cut.rows)
            batch = MarketBatch(*key, from_micros(cut.latest), self._sequences[key], rows)
            yield TimedBatch(from_micros(cut.received // 1_000), batch, cut.events)


class Recording(ABC):
    """A recorded market. `counts` tells what became of its entries, as far as it has been read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = Counts()

    @abstractmethod
    def stretches(self) -> Iterator[Stretch]:
        """The recording from its beginning as columns, in order of receive time; counts what it refuses.

        Raises `RecordingError` when it cannot be read on.
        """

    def batches(self) -> Iterator[TimedBatch]:
        """The recording from its beginning as batches, in the order in which they were complete.

        A batch holds one symbol and kind, at most 250 ms of receive time and 500 events; its sequence counts
        from 1. Counting starts anew with each call.
        """
        self.counts = Counts()
        cutter = BatchCutter()
        for stretch in self.stretches():
            for timed in cutter.batches(stretch):
                self.counts.events[timed.batch.kind] += timed.events
                yield timed

    def start(self) -> datetime:
        """When the recording's first batch was complete; raises `RecordingError` when it has none."""
        for timed in self.batches():
            return timed.receive_time
        raise RecordingError(
            f"{self.name} holds no market data: {self.describe_refusals() or 'it has no entries'}."
        )

    def bar_seconds(self) -> int | None:
        """The length of its bars, as far as its first two minutes tell; None when there are none, or of several lengths."""
        counted, self.counts = self.counts, Counts()  # a look ahead is no reading
        lengths: set[int] = set()
        began: int | None = None
        for columns in (columns for stretch in self.stretches() for columns in stretch):
            began = int(columns.received[0]) if began is None else began
            if columns.kind is MarketKind.BAR:
                lengths |= _lengths(columns.rows)
            if int(columns.received[0]) - began > LOOK_AHEAD_NS:
                break
        self.counts = counted
        return lengths.pop() if len(lengths) == 1 else None

    def describe_refusals(self) -> str:
        """What was refused, why, and where first, in one line; empty when nothing was."""
        return ", ".join(
            f"{count} {reason}"
            + (f" (the first: {first})" if (first := self.counts.first.get(reason)) else "")
            for reason, count in sorted(self.counts.refused.items())
        )


@dataclass(frozen=True, slots=True)
class _Cut:
    """One batch's part of some columns."""

    columns: TimedColumns
    received: int
    position: int
    events: int
    first_row: int
    rows: int
    latest: int


def _cuts(columns: TimedColumns) -> Iterator[_Cut]:
    starts = _batch_starts(columns.received, columns.ends)
    ends = np.append(starts[1:], len(columns.received))
    row_ends = columns.ends[ends - 1]
    row_starts = np.append(0, row_ends[:-1])
    event_times = columns.rows.column("event_time").cast(pa.int64()).to_numpy()
    latest = np.maximum.reduceat(event_times, row_starts)
    last = ends - 1
    for received, position, events, first_row, rows, newest in zip(
        columns.received[last].tolist(),
        columns.position[last].tolist(),
        (ends - starts).tolist(),
        row_starts.tolist(),
        (row_ends - row_starts).tolist(),
        latest.tolist(),
        strict=True,
    ):
        yield _Cut(columns, received, position, events, first_row, rows, newest)


def _batch_starts(received: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a batch begins: at each window's border, and after 500 events or 15,000 rows within one."""
    window = received // WINDOW_NS
    first_of_window = np.flatnonzero(np.diff(window, prepend=window[0] - 1))
    run = np.repeat(np.arange(len(first_of_window)), np.diff(first_of_window, append=len(window)))
    within = np.arange(len(window)) - first_of_window[run]
    rows_before = ends - np.diff(ends, prepend=0)
    rows_within = ends - rows_before[first_of_window][run]
    part = np.maximum(within // MAX_BATCH_EVENTS, 0)
    changes = (np.diff(run, prepend=-1) != 0) | (np.diff(part, prepend=0) > 0)
    if int(rows_within.max()) > MAX_BATCH_ROWS:  # rare: then count rows event by event
        changes |= _row_limits(rows_before, ends, changes)
    return np.flatnonzero(changes)


def _row_limits(
    rows_before: NDArray[np.int64], ends: NDArray[np.int64], starts: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Further starts, where a batch would otherwise hold too many rows."""
    further = np.zeros(len(ends), bool)
    first = 0
    for event in range(len(ends)):
        if starts[event]:
            first = event
        elif ends[event] - rows_before[first] > MAX_BATCH_ROWS:
            further[event] = True
            first = event
    return further


def _lengths(bars: pa.RecordBatch) -> set[int]:
    """The lengths of some bars, in seconds."""
    opened, closed = (bars.column(name).cast(pa.int64()).to_numpy() for name in ("open_time", "event_time"))
    return {int(length) for length in np.unique((closed - opened) // 1_000_000)}
