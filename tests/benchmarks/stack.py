"""The local stack's latencies: the whole desk on the packaged day, as `make run` starts it, beside their budgets."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.figure import CannotRun, Figure, Figures

SECONDS = 40
LIMIT_SECONDS = 300

BUDGETS_MS = {"message_to_inbox": {"p99": 100.0}, "proposal_to_order": {"p99": 250.0}}
"""DESIGN section 6."""

BUDGET_START_SECONDS = 30.0


def measure() -> Figures:
    """One run of the stack; every figure by the wall clock, the model call not counted in proposal_to_order."""
    with tempfile.TemporaryDirectory(prefix="sapphire-bench-") as folder:
        summary = _run(Path(folder))
    figures = {
        f"{name.replace('_', ' ')}, {quantile}": Figure(value, "ms", _beside(name, quantile))
        for name, quantiles in summary["latency_ms"].items()
        for quantile, value in quantiles.items()
    }
    if "startup_seconds" in summary:
        figures["start"] = Figure(summary["startup_seconds"], "s", {"budget": BUDGET_START_SECONDS})
    return figures


def _beside(name: str, quantile: str) -> dict[str, float]:
    budget = BUDGETS_MS.get(name, {}).get(quantile)
    return {} if budget is None else {"budget": budget}


def _run(folder: Path) -> dict:
    summary = folder / "summary.json"
    options = [
        "--for",
        str(SECONDS),
        "--free-ports",
        "--summary",
        str(summary),
        "--state-dir",
        str(folder / "state"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", "run", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if not summary.exists():
        raise CannotRun(f"the stack did not run: {done.stdout.strip().splitlines()[-1]}")
    read: dict = json.loads(summary.read_text())
    return read
