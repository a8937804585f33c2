"""Asking the tables about one desk and one stretch of time."""

from datetime import datetime
from typing import Any

from google.api_core.exceptions import BadRequest, GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from pipelines.reporting.errors import ReportError

Line = dict[str, Any]
"""One row of an answer, by column."""

Parameter = bigquery.ScalarQueryParameter

_CREATE = "`sapphire bigquery create` makes tables and columns that are missing"


class DeskTables:
    """The tables of `dataset`, asked about `desk` from `start` up to `end`; the rows of a retry are told as one."""

    def __init__(
        self, client: bigquery.Client, dataset: str, desk: str, start: datetime, end: datetime
    ) -> None:
        self.desk = desk
        self.start = start
        self.end = end
        self._client = client
        self._dataset = dataset

    def between(self, start: datetime, end: datetime) -> "DeskTables":
        """The same tables over another stretch."""
        return DeskTables(self._client, self._dataset, self.desk, start, end)

    def name(self, table: str) -> str:
        """A table's full name."""
        return f"{self._client.project}.{self._dataset}.{table}"

    def rows(self, table: str, columns: str, where: str = "TRUE", *, before: bool = False) -> str:
        """SQL: these columns of the desk's rows in the stretch (or of all before it), each row_id once."""
        time = "event_time < @since" if before else "event_time >= @since AND event_time < @until"
        return f"""(
            SELECT {columns} FROM `{self.name(table)}`
            WHERE desk = @desk AND {time} AND {where}
            QUALIFY ROW_NUMBER() OVER (PARTITION BY row_id ORDER BY event_time) = 1
        )"""  # noqa: S608 - names of ours, values as parameters

    def ask(self, query: str, *parameters: Parameter) -> list[Line]:
        """The answer; @desk, @since and @until are known. Raises `ReportError` in one sentence."""
        known = [
            Parameter("desk", "STRING", self.desk),
            Parameter("since", "TIMESTAMP", self.start),
            Parameter("until", "TIMESTAMP", self.end),
        ]
        config = bigquery.QueryJobConfig(query_parameters=[*known, *parameters])
        try:
            return [dict(row) for row in self._client.query(query, job_config=config).result()]
        except NotFound as error:
            raise ReportError(f"{_first_line(error)}: {_CREATE}") from None
        except BadRequest as error:
            raise ReportError(f"BigQuery refused the query ({_first_line(error)}): {_CREATE}") from None
        except (GoogleAPIError, GoogleAuthError) as error:
            raise ReportError(f"BigQuery cannot be asked: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    told = error.errors if isinstance(error, NotFound | BadRequest) else ()
    text = str(told[0].get("message", error)) if told else str(error)
    return text.splitlines()[0].removeprefix("Not found: ") if text else type(error).__name__
