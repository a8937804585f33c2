"""Recordings of a market, read as columns: bars in CSV, the venue's raw streams, and books order by order.

    recording = open_recording(None)      # the packaged sample; or a file or folder
    for timed in recording.batches():     # in order of time
        timed.receive_time, timed.batch   # when it was known, and a contracts.market_data.MarketBatch
    recording.counts                      # what was read, and what was refused and why

Nothing here talks to a venue or to Pub/Sub, so jobs in bounded mode and the backtest read with it as well.
"""

from execution.feed.recordings.opening import SAMPLE, open_recording
from execution.feed.recordings.recording import (
    Counts,
    Recording,
    RecordingError,
    Stretch,
    TimedBatch,
    TimedColumns,
)

__all__ = [
    "SAMPLE",
    "Counts",
    "Recording",
    "RecordingError",
    "Stretch",
    "TimedBatch",
    "TimedColumns",
    "open_recording",
]
