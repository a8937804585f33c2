"""The coordination job: reads messages; deduplicates, throttles, filters and routes; publishes inbox, snapshots, trading.

python -m pipelines.coordination --project PROJECT                        # a stream, on the direct runner
python -m pipelines.coordination --input messages.jsonl --output out/     # a recorded log; the same bytes every time

With --tuner apply it also publishes the tuner's controls, to its own log (messages).
"""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from contracts import topics
from pipelines.launch import Job, main
from pipelines.options import JobOptions
from pipelines.restoring import openings
from pipelines.wiring import Publish, ReadLog
from transforms.coordination import desk
from transforms.coordination.reading import CoordinationIntake
from transforms.coordination.tuner import Tuning
from transforms.core import DEAD_LETTERS, ROWS
from transforms.ordering import ApplyInOrder, Idle

IDLE = Idle(seconds=3_600, by_watermark=True)
"""A desk that is silent for so long, with nothing waiting on its topic, forgets the ids that it kept against repeats. They
count for 10 minutes, and are most of its state."""


def build(pipeline: beam.Pipeline, options: JobOptions) -> PCollection:
    """Wire the job into `pipeline`."""
    tuned = {desk.CONTROLS: topics.MESSAGES} if Tuning(options.tuner) is Tuning.APPLY else {}
    return (
        pipeline
        | "Read messages" >> ReadLog(options, topics.COORDINATION_JOB)
        | "Coordinate" >> coordinate(options)
        | "Publish"
        >> Publish(
            options,
            {
                desk.INBOX: topics.INBOX,
                desk.CONTEXTS: topics.SNAPSHOTS,
                desk.ADMITTED: topics.TRADING,
                ROWS: topics.ROWS,
                DEAD_LETTERS: topics.DEAD_LETTERS,
                **tuned,
            },
        )
    )


def coordinate(options: JobOptions) -> ApplyInOrder:
    """The job's one stateful step, between reading and publishing."""
    return ApplyInOrder(
        "coordination",
        CoordinationIntake(options.roster),
        desk.CoordinationOf(options.roster, Tuning(options.tuner)),
        streaming=options.is_streaming,
        idle=IDLE,
        dead_letter_limit=options.dead_letter_limit,
        openings=openings("coordination", options),
        tells_state=True,
    )


JOB = Job("coordination", topics.COORDINATION_JOB, build, keeps_state=True)

if __name__ == "__main__":
    main(JOB)
