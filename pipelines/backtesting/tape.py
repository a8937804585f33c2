"""The tape: every market event of the data in one order of time, as columns, for the venue to trade against."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import MarketKind
from execution.feed.recordings import TimedColumns
from pipelines.backtesting.columns import event_times
from pipelines.backtesting.data import DataSpec, open_data

Ints = NDArray[np.int64]


class Track(NamedTuple):
    """The events of one symbol and kind: `places` (n,) on the tape, rising, and the kind's columns by name.

    Of a book, `ends` (n,) tells the rows up to and with each update; elsewhere an event is one row.
    """

    symbol: str
    kind: MarketKind
    places: Ints
    ends: Ints
    columns: dict[str, np.ndarray]


class Tape(NamedTuple):
    """`micros` (n,) tells when each event happened, not falling; `track` (n,) and `row` (n,) where it is."""

    micros: Ints
    track: Ints
    row: Ints
    tracks: tuple[Track, ...]


@lru_cache(maxsize=2)
def tape_of(spec: DataSpec) -> Tape:
    """The tape of the data, made once a process."""
    return make_tape(open_data(spec).columns)


def make_tape(columns: tuple[TimedColumns, ...]) -> Tape:
    """Events in the order in which they were received; a moment never runs back.

    A venue's streams are a few milliseconds out of step with each other. What was received later has not
    happened earlier for anybody who trades, so it counts from the latest moment before it.
    """
    received = np.concatenate([one.received for one in columns])
    position = np.concatenate([one.position for one in columns])
    micros = np.concatenate([event_times(one) for one in columns])
    track = np.repeat(np.arange(len(columns)), [len(one.received) for one in columns])
    row = np.concatenate([np.arange(len(one.received)) for one in columns])
    order = np.lexsort((track, position, received))
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))
    starts = np.cumsum([0, *(len(one.received) for one in columns)])
    tracks = tuple(
        Track(one.symbol, one.kind, np.sort(place_of[start:end]), one.ends, _columns(one.rows))
        for one, start, end in zip(columns, starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    )
    return Tape(np.maximum.accumulate(micros[order]), track[order], row[order], tracks)


def _columns(rows: pa.RecordBatch) -> dict[str, np.ndarray]:
    found = {}
    for name in rows.schema.names:
        column = rows.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.view(pa.int64())
        found[name] = column.to_numpy(zero_copy_only=False)
    return found
