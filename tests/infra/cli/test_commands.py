"""The command line from outside: help with examples, and errors in one sentence."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.cli import app
from tests.infra.cli.conftest import Sapphire


def subcommands(command: Any, *path: str) -> list[tuple[tuple[str, ...], Any]]:
    found = [(path, command)]
    for name, inner in getattr(command, "commands", {}).items():
        found += subcommands(inner, *path, name)
    return found


COMMANDS = subcommands(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) or "-" for path, _ in COMMANDS])
def test_every_help_has_an_example(path: tuple[str, ...], command: Any) -> None:
    assert command.help
    assert command.epilog
    assert "Example" in command.epilog
    assert " ".join(("sapphire", *path)) in command.epilog


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, infra.cli\n"
        "heavy = {'apache_beam', 'google.cloud.bigquery', 'google.cloud.pubsub', 'polars', 'pyarrow', 'contracts'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_version(sapphire: Sapphire) -> None:
    code, out, _ = sapphire("version")
    assert code == 0
    assert "apache-beam 2." in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--port", "nobody=1"), "there is no port named 'nobody'"),
        (("run", "--jobs", "dreams"), "--jobs dreams: choose from market, "),
        (
            ("run", "--llm", "gpt"),
            "--llm gpt: there is no such model; choose rule (documented trading rules), or smollm2 (",
        ),
        (("run", "--free-ports", "--recording", "nowhere.csv"), "no recording"),
        (("run", "--free-ports", "--summary", "nowhere/s.json"), "there is no folder "),
        (("bigquery", "query", "SELECT 1"), "there is no run in "),
    ],
)
def test_what_the_user_can_put_right_is_one_sentence(
    sapphire: Sapphire, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, _, error = sapphire(*arguments, "--state-dir", str(tmp_path / "state"))
    assert code == 2
    assert error.startswith("sapphire: ")
    assert sentence in error
    assert len(error.strip().splitlines()) == 1


def test_a_roster_that_is_not_there_is_one_sentence(
    sapphire: Sapphire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPPHIRE_ROSTER", str(tmp_path / "none.yaml"))
    code, _, error = sapphire("topics", "create")
    assert (code, error) == (2, f"sapphire: there is no roster at {tmp_path / 'none.yaml'}\n")


def test_python_m_is_the_same_command() -> None:
    command = [sys.executable, "-m", "infra.cli", "run", "--port", "nobody=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_schemas_are_written_where_asked(sapphire: Sapphire, tmp_path: Path) -> None:
    code, _, _ = sapphire("bigquery", "schemas", "--folder", str(tmp_path))
    assert code == 0
    assert (tmp_path / "orders.json").exists()
