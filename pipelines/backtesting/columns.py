"""Columns of market events put together, chosen from, and asked when their events happened."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from execution.feed.recordings import TimedColumns


def merged(several: Sequence[TimedColumns]) -> TimedColumns:
    """The same symbol and kind from several stretches or files, by the time of receiving."""
    if len(several) == 1:
        return several[0]
    rows_of = [np.diff(columns.ends, prepend=0) for columns in several]
    received = np.concatenate([columns.received for columns in several])
    position = np.concatenate([columns.position for columns in several])
    per_event = np.concatenate(rows_of)
    rows = pa.Table.from_batches([columns.rows for columns in several]).combine_chunks().to_batches()[0]
    whole = TimedColumns(several[0].symbol, several[0].kind, received, position, np.cumsum(per_event), rows)
    if (np.diff(received) >= 0).all():
        return whole
    return taken(whole, np.argsort(received, kind="stable"))


def taken(columns: TimedColumns, events: np.ndarray) -> TimedColumns:
    """Some of the events, in the order given."""
    starts = columns.ends - np.diff(columns.ends, prepend=0)
    counts = (columns.ends - starts)[events]
    offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = columns.rows.take(pa.array(np.repeat(starts[events], counts) + offsets))
    return TimedColumns(
        columns.symbol,
        columns.kind,
        columns.received[events],
        columns.position[events],
        np.cumsum(counts),
        rows,
    )


def event_times(columns: TimedColumns) -> np.ndarray:
    """When each event happened, (n,) microseconds."""
    times = columns.rows.column("event_time").view(pa.int64()).to_numpy()
    return np.asarray(times[columns.ends - 1])
