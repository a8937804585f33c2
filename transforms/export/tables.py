"""Rows to BigQuery by Beam's connector; what is refused is put aside."""

from collections.abc import Iterator
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

SHARDS = 0
"""Beam writes each table in SHARDS + 1 random shards (its own default: 501), each a bundle and an insert of its own. Rows
come gathered, and one insert takes hundreds of them, so a table is one shard."""


class _TableRow(dict):
    """A row for BigQuery that knows its table, because Beam asks the row where it belongs."""

    table: str


def _table_row(emission: Emission) -> _TableRow:
    table_row = _TableRow(orjson.loads(emission.value.to_json()))
    table_row.table = emission.value.table
    return table_row


class WriteTables(beam.PTransform):
    """Emissions of rows to the tables of a dataset, which must exist (partitioned ones are never made by Beam).

    What comes out are emissions of dead letters: one for each row that BigQuery refused for good. Rows that only met a
    passing fault are tried again.
    """

    def __init__(self, project: str, dataset: str) -> None:
        super().__init__()
        self._project = project
        self._dataset = dataset

    def expand(self, emissions: PCollection) -> PCollection:
        """Dead letters, and their rows, of what was refused."""
        prefix = f"{self._project}:{self._dataset}."

        def table_of(row: _TableRow) -> str:
            return prefix + row.table

        written = (
            emissions
            | "Rows" >> beam.Map(_table_row).with_output_types(_TableRow)
            | "Insert"
            >> WriteToBigQuery(
                table=table_of,
                method=WriteToBigQuery.Method.STREAMING_INSERTS,
                create_disposition=BigQueryDisposition.CREATE_NEVER,
                write_disposition=BigQueryDisposition.WRITE_APPEND,
                insert_retry_strategy=RetryStrategy.RETRY_ON_TRANSIENT_ERROR,
                num_streaming_keys=SHARDS,
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
