"""Tables that cannot be asked: the report says so in a sentence instead of waiting in silence."""

import socket
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from pipelines.reporting.desk_tables import PATIENCE_SECONDS, DeskTables
from pipelines.reporting.errors import ReportError
from tests.contracts.examples import T0


@pytest.fixture
def closed() -> Iterator[str]:
    """The address of a port where nobody listens, and nobody can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def refusal(patience_seconds: float) -> str:
    with Client(project="x", credentials=AnonymousCredentials()) as client:
        tables = DeskTables(client, "sapphire", "main", T0, T0, patience_seconds=patience_seconds)
        with pytest.raises(ReportError) as error:
            tables.between(T0, T0).ask("SELECT 1")
    return str(error.value)


def test_a_stack_that_is_down_is_told_with_its_address(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", closed)
    assert refusal(0.1) == (
        f"BigQuery at {closed} does not answer (ConnectionError, for 0.1 s): start the local stack (`make run`), "
        "or unset BIGQUERY_EMULATOR_HOST to ask Google Cloud's tables"
    )


def test_a_report_waits_half_a_minute_for_a_connection() -> None:
    assert PATIENCE_SECONDS == 30
