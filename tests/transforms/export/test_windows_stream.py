"""Windows as a stream: rows of several bundles are counted together, late ones too, and silence closes what is open."""

from datetime import datetime

from apache_beam.testing.test_stream import TestStream

from contracts.rows.communication import CommunicationMetric
from tests.transforms.export.rows import T0, message_row
from tests.transforms.jobs import Run, raw, run_stream
from transforms.export.rows import DeskRows, ExportIntake
from transforms.ordering import Idle


def minutes(run: Run) -> list[tuple[datetime, int]]:
    return [
        (row.window_start, row.sent)
        for row in run.values("rows")
        if isinstance(row, CommunicationMetric) and row.window_seconds == 60
    ]


def stream_clock() -> float:
    """The stream's processing time starts at 0."""
    return 0.0


def test_the_worked_timeline() -> None:
    """The desk's rows, each in a bundle of its own, and five seconds of silence by the clock.

    T0  10:00:10        open 10:00
    T1  10:00:50        open 10:00
    T2  10:02:05        written 10:00 (sent 2); open 10:02
    T3  10:00:59, late  a remainder of 10:00; open 10:02
    T4  4 s of silence  nothing
    T5  6 s             written 10:00 (sent 1), 10:02 (sent 1): the counts of 10:00 add up to 3
    """
    seconds = (10, 50, 125, 59)

    def script(stream: TestStream) -> TestStream:
        for number, at in enumerate(seconds, 1):
            row = message_row(at, number=number)
            stream = stream.add_elements([raw(row.to_json(), table=row.table)])
        return stream.advance_processing_time(4).advance_processing_time(2)

    run = run_stream(script, DeskRows, intake=ExportIntake(), idle=Idle(5.0), now=stream_clock)
    at = [T0, T0, T0.replace(minute=2)]
    assert minutes(run) == list(zip(at, (2, 1, 1), strict=True))
    assert len([row for row in run.values("rows") if row.table == "messages"]) == len(seconds)


def test_late_rows_between_rows_in_time() -> None:
    """A remainder waits for more of its window, whatever comes in time meanwhile.

    T0  10:00:10        open 10:00
    T1  10:02:05        written 10:00 (sent 1); open 10:02
    T2  10:00:59, late  a remainder of 10:00
    T3  10:04:10        written 10:02 (sent 1); open 10:04
    T4  10:00:58, late  the same remainder
    T5  5 s of silence  written 10:00 (sent 2), 10:04 (sent 1)
    """

    def script(stream: TestStream) -> TestStream:
        for number, at in enumerate((10, 125, 59, 250, 58), 1):
            row = message_row(at, number=number)
            stream = stream.add_elements([raw(row.to_json(), table=row.table)])
        return stream.advance_processing_time(6)

    run = run_stream(script, DeskRows, intake=ExportIntake(), idle=Idle(5.0), now=stream_clock)
    assert sorted(minutes(run)) == [
        (T0, 1),
        (T0, 2),
        (T0.replace(minute=2), 1),
        (T0.replace(minute=4), 1),
    ]
