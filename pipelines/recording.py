"""Reading a recorded market as a bounded input: the batches that a live feed would have sent."""

from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from execution.feed.recordings import RecordingError, open_recording
from pipelines.launch import LaunchError
from transforms.counting import counter
from transforms.log import Raw


class ReadRecording(beam.PTransform):
    """A recording's market data as raw messages, its refused entries counted by reason.

    Raises `LaunchError` when there is no recording that can be read.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, start: PBegin) -> PCollection:
        """Raw messages, in the order in which a feed would have sent them."""
        try:
            open_recording(Path(self._path))
        except RecordingError as error:
            raise LaunchError(str(error)) from None
        paths = start | "Name the recording" >> beam.Create([self._path], reshuffle=False)
        return paths | "Read batches" >> beam.FlatMap(_raw_batches).with_output_types(Raw)


def _raw_batches(path: str) -> Iterator[Raw]:
    recording = open_recording(Path(path))
    for timed in recording.batches():
        yield Raw(timed.batch.encode(), timed.batch.attributes(), 0)
    _count("recorded_events", recording.counts.read)
    _count("refused_events", recording.counts.refused.total())
    for reason, count in recording.counts.refused.items():
        _count(f"refused_events: {reason}", count)


def _count(name: str, count: int) -> None:
    counter(name).inc(count)
