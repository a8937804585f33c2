"""Rows to BigQuery: batched by table across bundles, written by Beam's connector, what is refused put aside."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.io.gcp.bigquery import BigQueryDisposition, WriteToBigQuery
from apache_beam.io.gcp.bigquery_tools import RetryStrategy
from apache_beam.pvalue import PCollection

from contracts.refusals import Reason, Refusal, dead_letter
from contracts.rows.operations import DeadLetterRow
from transforms.core import DEAD_LETTERS, ROWS
from transforms.counting import counter
from transforms.emission import Emission

MOST_ROWS = 500
LONGEST_WAIT_SECONDS = 1.0


class _TableRow(dict):
    """A row for BigQuery that knows its table, because Beam asks the row where it belongs."""

    table: str


def _by_table(emission: Emission) -> tuple[str, bytes]:
    return emission.value.table, emission.value.to_json()


def _table_rows(batch: tuple[str, Iterable[bytes]]) -> Iterator[_TableRow]:
    table, rows = batch
    for row in rows:
        table_row = _TableRow(orjson.loads(row))
        table_row.table = table
        yield table_row


class BatchByTable(beam.PTransform):
    """Emissions of rows to batches `(table, [row as JSON])` of at most 500 rows or one second, across bundles.

    A streaming bundle holds a handful of rows and an insert costs the same for one row as for hundreds.
    """

    def expand(self, emissions: PCollection) -> PCollection:
        """The batches."""
        return (
            emissions
            | "By table" >> beam.Map(_by_table).with_output_types(tuple[str, bytes])
            | "Batch" >> beam.GroupIntoBatches(MOST_ROWS, max_buffering_duration_secs=LONGEST_WAIT_SECONDS)
        )


class WriteTables(beam.PTransform):
    """Batches of rows to the tables of a dataset, which must exist (partitioned ones are never made by Beam).

    What comes out are emissions of dead letters: one for each row that BigQuery refused for good. Rows that only met a
    passing fault are tried again.
    """

    def __init__(self, project: str, dataset: str) -> None:
        super().__init__()
        self._project = project
        self._dataset = dataset

    def expand(self, batches: PCollection) -> PCollection:
        """Dead letters, and their rows, of what was refused."""
        prefix = f"{self._project}:{self._dataset}."

        def table_of(row: _TableRow) -> str:
            return prefix + row.table

        written = (
            batches
            | "Rows" >> beam.FlatMap(_table_rows).with_output_types(_TableRow)
            | "Insert"
            >> WriteToBigQuery(
                table=table_of,
                method=WriteToBigQuery.Method.STREAMING_INSERTS,
                create_disposition=BigQueryDisposition.CREATE_NEVER,
                write_disposition=BigQueryDisposition.WRITE_APPEND,
                insert_retry_strategy=RetryStrategy.RETRY_ON_TRANSIENT_ERROR,
            )
        )
        return written.failed_rows_with_errors | "Put aside" >> beam.ParDo(_PutAside()).with_output_types(
            Emission
        )


class _PutAside(beam.DoFn):
    """A refused row as a dead letter; one that was a dead letter itself is not written as a row again."""

    def __init__(self) -> None:
        self._refused = counter("rows_refused")

    def process(self, failed: tuple[Any, dict, Any]) -> Iterator[Emission]:
        destination, row, errors = failed
        table = str(destination).rpartition(".")[2]
        self._refused.inc()
        refusal = Refusal(Reason.ROW_REFUSED, f"BigQuery refused a row of {table}: {errors}")
        moment = datetime.fromisoformat(row["event_time"])
        letter = dead_letter("export", "insert", refusal, orjson.dumps(row), moment, {"table": table})
        yield Emission(DEAD_LETTERS, letter, table, 0, 0)
        if table != DeadLetterRow.table:
            yield Emission(ROWS, DeadLetterRow.of(letter), table, 0, 1)
