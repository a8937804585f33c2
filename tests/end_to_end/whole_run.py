"""The whole stack by its one command, from start to end."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 240
"""Seconds for the run with its start and its end, on a machine that is busy with other things."""

_OUTSIDE = {"PUBSUB_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST", "REDIS_URL"}


@dataclass(frozen=True)
class Finished:
    """A run that is over."""

    state: Path
    exit_code: int
    screen: str
    summary: dict[str, Any]


def log_ends(state: Path) -> str:
    """The last lines of every part, for a failure that wants to be understood."""
    return "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-1_500:]}"
        for log in sorted((state / "logs").glob("*.log"))
    )


def run_desk(folder: Path, *options: str, **environment: str) -> Finished:
    """`sapphire run` with options, on free ports and with its state and its summary in `folder`."""
    state, summary = folder / "state", folder / "s.json"
    command = [sys.executable, "-m", "infra.cli", "run", "--free-ports", *options]
    inherited = {name: value for name, value in os.environ.items() if name not in _OUTSIDE}
    done = subprocess.run(
        [*command, "--summary", str(summary), "--state-dir", str(state)],
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
    )
    assert summary.exists(), f"no summary; exit code {done.returncode}\n{done.stdout}\n{log_ends(state)}"
    return Finished(state, done.returncode, done.stdout, json.loads(summary.read_text()))
