"""Asking the tables about one desk and one stretch of time."""

import os
from datetime import datetime
from typing import Any

from google.api_core.exceptions import BadRequest, GoogleAPIError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud import bigquery
from requests.exceptions import RequestException

from pipelines.reporting.errors import ReportError

Line = dict[str, Any]
"""One row of an answer, by column."""

Parameter = bigquery.ScalarQueryParameter

PATIENCE_SECONDS = 30.0
"""So long a table that cannot be reached is tried again; the client's own patience is ten minutes, in silence."""

_ANSWER_SECONDS = 120.0
"""The longest wait for one answer by HTTP: a query that takes longer is asked about again."""

_CREATE = "`sapphire bigquery create` makes tables and columns that are missing"


class DeskTables:
    """The tables of `dataset`, asked about `desk` from `start` up to `end`; the rows of a retry are told as one."""

    def __init__(
        self,
        client: bigquery.Client,
        dataset: str,
        desk: str,
        start: datetime,
        end: datetime,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.desk = desk
        self.start = start
        self.end = end
        self._client = client
        self._dataset = dataset
        self._patience_seconds = patience_seconds

    def between(self, start: datetime, end: datetime) -> "DeskTables":
        """The same tables over another stretch."""
        return DeskTables(
            self._client, self._dataset, self.desk, start, end, patience_seconds=self._patience_seconds
        )

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
            return self._answer(query, config)
        except NotFound as error:
            raise ReportError(f"{_first_line(error)}: {_CREATE}") from None
        except BadRequest as error:
            raise ReportError(f"BigQuery refused the query ({_first_line(error)}): {_CREATE}") from None
        except (RetryError, TransportError, RequestException) as error:
            raise ReportError(self._unreached(error)) from None
        except (GoogleAPIError, GoogleAuthError) as error:
            raise ReportError(f"BigQuery cannot be asked: {_first_line(error)}") from None

    def _answer(self, query: str, config: bigquery.QueryJobConfig) -> list[Line]:
        retry = bigquery.DEFAULT_RETRY.with_timeout(self._patience_seconds)
        # A job's own retry would begin the retries of its request again, for ten minutes.
        job = self._client.query(
            query, job_config=config, retry=retry, timeout=_ANSWER_SECONDS, job_retry=None
        )
        return [dict(row) for row in job.result(retry=retry, job_retry=None)]

    def _unreached(self, error: Exception) -> str:
        """That nobody answers, where, and what to do."""
        emulator = os.environ.get("BIGQUERY_EMULATOR_HOST")
        cause = error.cause if isinstance(error, RetryError) and error.cause else error
        host = emulator or self._client._connection.API_BASE_URL
        mend = (
            "start the local stack (`make run`), or unset BIGQUERY_EMULATOR_HOST to ask Google Cloud's tables"
            if emulator
            else "see whether this machine reaches it, or set BIGQUERY_EMULATOR_HOST to ask the local stack's tables"
        )
        return f"BigQuery at {host} does not answer ({type(cause).__name__}, for {self._patience_seconds:g} s): {mend}"


def _first_line(error: Exception) -> str:
    told = error.errors if isinstance(error, NotFound | BadRequest) else ()
    text = str(told[0].get("message", error)) if told else str(error)
    return text.splitlines()[0].removeprefix("Not found: ") if text else type(error).__name__
