"""The export job: reads rows; counts windows, writes BigQuery and the live view; publishes what was refused.

    python -m pipelines.export --project PROJECT --dataset DATASET    # a stream, on the direct runner
    python -m pipelines.export --input rows.jsonl --output out/       # recorded rows; a file for each table

Nothing waits for this job: when BigQuery is away, rows wait on their topic and trading goes on.
"""

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions
from apache_beam.pvalue import PCollection

from contracts import topics
from contracts.settings import Settings
from contracts.tables import TABLES
from pipelines.launch import Job, main
from pipelines.options import JobOptions
from pipelines.wiring import Publish, ReadLog
from transforms.core import DEAD_LETTERS, ROWS
from transforms.emission import Emission
from transforms.export.live_view import UpdateLiveView
from transforms.export.rows import DeskRows, ExportIntake, split_rows
from transforms.export.tables import WriteTables
from transforms.log import Raw
from transforms.ordering import ApplyInOrder, Gather, Idle
from transforms.publishing import WriteJsonLines

GATHER = Gather(most=2_000, seconds=2.0)
"""Rows are held for so long: everything from here on costs the same for one row as for hundreds, an insert most of all."""

IDLE = Idle(seconds=5.0)
"""A desk that is silent for so long has its open windows written."""


def build(pipeline: beam.Pipeline, options: JobOptions) -> PCollection:
    """Wire the job into `pipeline`."""
    raws = pipeline | "Read rows" >> ReadLog(options, topics.EXPORT_JOB)
    if options.is_streaming:
        raws = raws | "Split" >> beam.FlatMap(split_rows).with_output_types(Raw)
    emissions = raws | "Sort out" >> ApplyInOrder(
        "export",
        ExportIntake(),
        DeskRows,
        streaming=options.is_streaming,
        gather=GATHER,
        idle=IDLE,
        dead_letter_limit=options.dead_letter_limit,
    )
    return _to_bigquery(emissions, options) if options.is_streaming else _to_files(emissions, options)


def _to_bigquery(emissions: PCollection, options: JobOptions) -> PCollection:
    rows = emissions | "Rows" >> beam.Filter(_is_row)
    unreadable = emissions | "Unreadable" >> beam.Filter(_is_dead_letter)
    _ = rows | "Show" >> UpdateLiveView(Settings().redis_url, options.desk)
    project = options.view_as(GoogleCloudOptions).project
    refused = rows | "Write" >> WriteTables(project, options.dataset)
    return (
        (unreadable, refused)
        | "All refused" >> beam.Flatten()
        | "Publish" >> Publish(options, {ROWS: topics.ROWS, DEAD_LETTERS: topics.DEAD_LETTERS})
    )


def _to_files(emissions: PCollection, options: JobOptions) -> PCollection:
    names = {_port_of(table): table for table in TABLES} | {DEAD_LETTERS: topics.DEAD_LETTERS.name}
    return (
        emissions
        | "By table" >> beam.Map(_to_port_of_table).with_output_types(Emission)
        | "To files" >> WriteJsonLines(options.output, names)
    )


def _is_row(emission: Emission) -> bool:
    return emission.port == ROWS


def _is_dead_letter(emission: Emission) -> bool:
    return emission.port == DEAD_LETTERS


def _to_port_of_table(emission: Emission) -> Emission:
    if emission.port != ROWS:
        return emission
    return emission._replace(port=_port_of(emission.value.table))


def _port_of(table: str) -> str:
    return f"table:{table}"


JOB = Job("export", topics.EXPORT_JOB, build, holds_seconds=GATHER.seconds)

if __name__ == "__main__":
    main(JOB)
