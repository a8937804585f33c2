"""`sapphire bigquery query`, on the tables of a run."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.cloud.bigquery import Client

from contracts.tables import TABLES
from infra.bigquery.creation import create
from infra.cli import main
from infra.local.state import StateFolder


@pytest.fixture
def run_of(client: Client, tmp_path: Path) -> Iterator[Path]:
    """The state folder of a run whose emulator is the tests' own, with one empty table."""
    create(client, "sapphire", tables=[TABLES["orders"]], views=[])
    state = StateFolder(tmp_path)
    state.cleared()
    port = urlsplit(client._connection.API_BASE_URL).port
    state.emulators.write_text(json.dumps({"project": client.project, "bigquery": port}))
    with state.held():
        yield tmp_path


def ask(monkeypatch: pytest.MonkeyPatch, state: Path, sql: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sapphire", "bigquery", "query", sql, "--state-dir", str(state)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_rows_are_shown_as_a_table(
    run_of: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, run_of, "SELECT COUNT(*) AS n, 'x' AS letter FROM orders") == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["┃", "n", "┃", "letter", "┃"] in told
    assert ["│", "0", "│", "x", "│"] in told


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [("SELECT 1 FROM nowhere", "nowhere was not found"), ("SELECT nobody FROM orders", "nobody")],
)
def test_a_query_that_cannot_be_answered_is_one_sentence(
    run_of: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sql: str, sentence: str
) -> None:
    assert ask(monkeypatch, run_of, sql) == 2
    error = capsys.readouterr().err
    assert error.startswith("sapphire: ")
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
