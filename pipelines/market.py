"""The market job: reads the venue's events; keeps bars, features and marks of each symbol; publishes snapshots and marks.

python -m pipelines.market --project PROJECT                                   # a stream, on the direct runner
python -m pipelines.market --input recording.jsonl.gz --output out/            # a recording; the same bytes every time
"""

from argparse import ArgumentParser

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PCollection

from contracts import topics
from pipelines.launch import Job, main
from pipelines.options import JobOptions
from pipelines.recording import ReadRecording
from pipelines.wiring import Publish, ReadLog
from transforms.core import DEAD_LETTERS, ROWS
from transforms.intake import MarketDataIntake
from transforms.market import symbol
from transforms.market.job import MarketOf
from transforms.ordering import ApplyInOrder, Idle

_SILENCE_SECONDS = 15.0
"""After a bar's length and so much more without any event of a symbol, its open bars are closed."""


class MarketOptions(PipelineOptions):
    """What the market job alone can be told."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        usual = symbol.MarketSettings()
        parser.add_argument(
            "--snapshot_seconds", type=int, default=usual.snapshot_seconds, help="length of a snapshot's bar"
        )
        parser.add_argument(
            "--lateness_seconds",
            type=float,
            default=usual.lateness_seconds,
            help="how long past its end a bar takes events",
        )
        parser.add_argument(
            "--stale_seconds", type=float, default=usual.stale_seconds, help="a quote older than this is none"
        )


def build(pipeline: beam.Pipeline, options: JobOptions) -> PCollection:
    """Wire the job into `pipeline`."""
    own = options.view_as(MarketOptions)
    settings = symbol.MarketSettings(own.snapshot_seconds, own.lateness_seconds, own.stale_seconds)
    reading = ReadLog(options, topics.MARKET_JOB) if options.is_streaming else ReadRecording(options.input)
    return (
        pipeline
        | "Read market data" >> reading
        | "Follow markets"
        >> ApplyInOrder(
            "market",
            MarketDataIntake(),
            MarketOf(options.desk, settings),
            streaming=options.is_streaming,
            idle=Idle(settings.snapshot_seconds + _SILENCE_SECONDS),
            dead_letter_limit=options.dead_letter_limit,
        )
        | "Publish"
        >> Publish(
            options,
            {
                symbol.SNAPSHOTS: topics.SNAPSHOTS,
                symbol.MARKS: topics.TRADING,
                ROWS: topics.ROWS,
                DEAD_LETTERS: topics.DEAD_LETTERS,
            },
        )
    )


JOB = Job("market", topics.MARKET_JOB, build)

if __name__ == "__main__":
    main(JOB)
