"""The whole stack for a short while: one command from recorded market data to BigQuery, with balanced accounts."""

import os
from pathlib import Path

import psutil
import pytest

from infra.local.bigquery import tables_of
from tests.end_to_end.whole_run import LIMIT, Finished, log_ends, run_desk

SECONDS = 25
JOBS = {"market", "coordination", "decisions", "trading", "export"}

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(LIMIT + 60)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return run_desk(tmp_path_factory.mktemp("desk"), "--for", str(SECONDS), "--speed", "120")


def test_it_ends_by_itself_and_well(run: Finished) -> None:
    assert run.exit_code == 0, f"{run.screen}\n{log_ends(run.state)}"
    assert run.summary["seconds"] >= SECONDS


def test_it_says_what_is_simulated(run: Finished) -> None:
    told = " ".join(run.screen.split())
    assert "paper venue" in told
    assert "trading rules" in told
    assert "2024-01-15" in told


def test_the_desk_trades(run: Finished) -> None:
    counts = run.summary["counts"]
    assert {name: counts[name] > 0 for name in ("market_events", "snapshots", "messages", "decisions")} == {
        "market_events": True,
        "snapshots": True,
        "messages": True,
        "decisions": True,
    }
    assert counts["orders"] > 0
    assert counts["executions"] > 0
    assert counts["fills"] > 0
    assert counts["dead_letters"] == 0
    assert run.summary["equity"] > 0


def test_the_accounts_balance(run: Finished) -> None:
    accounts = run.summary["accounting"]
    assert set(accounts) == JOBS | {"replay", "gateway", "inbox", "execution", "rows"}
    off = {
        stage: account
        for stage, account in accounts.items()
        if account["in"] != account["out"] + account["refused"] + account["held"]
    }
    assert off == {}
    assert [stage for stage, account in accounts.items() if account["in"] == 0] == []


def test_latency_was_measured(run: Finished) -> None:
    for name in ("message_to_inbox", "proposal_to_order"):
        sample = run.summary["latency_ms"][name]
        assert 0 < sample["p50"] <= sample["p99"]


def test_the_rows_are_in_bigquery(run: Finished) -> None:
    """The ordinary client, on the tables that the run left."""
    tables = run.summary["tables"]
    of_every_stage = {
        "market_bars", "snapshots", "messages", "deliveries", "decisions", "model_calls",
        "risk_verdicts", "orders", "executions", "positions", "portfolio", "allocations",
    }  # fmt: skip
    assert {name for name in of_every_stage if not tables[name]} == set()
    with tables_of(run.state) as client:
        query = (
            "SELECT SUM(messages_sent) AS sent, SUM(decisions) AS decided, SUM(orders) AS ordered, "
            f"COUNT(DISTINCT agent) AS agents FROM `{client.project}.sapphire.agent_activity_by_hour`"
        )
        (activity,) = client.query_and_wait(query)
        (days,) = client.query_and_wait(
            f"SELECT MIN(DATE(event_time)) AS first, MAX(DATE(event_time)) AS last FROM `{client.project}.sapphire.orders`"
        )
    assert (activity["sent"], activity["decided"], activity["ordered"]) == (
        tables["messages"],
        tables["decisions"],
        tables["orders"],
    )
    assert activity["agents"] >= 2
    assert str(days["first"]) == str(days["last"]) == "2024-01-15"


def test_no_process_is_left(run: Finished) -> None:
    left = [process.cmdline() for process in psutil.process_iter(["cmdline"]) if _belongs(process, run.state)]
    assert left == []


def _belongs(process: psutil.Process, state: Path) -> bool:
    try:
        about = [*process.cmdline(), *process.environ().values()]
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False
    return process.pid != os.getpid() and any(str(state) in text for text in about)
