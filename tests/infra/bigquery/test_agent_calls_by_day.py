"""The view of cost and quality per agent and day, at the emulator."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.cloud.bigquery import Client

from infra.bigquery.creation import create
from tests.infra.bigquery.test_creation import row

DAY = datetime(2024, 1, 15, tzinfo=UTC)


def at(minutes: int) -> str:
    return (DAY + timedelta(minutes=minutes)).isoformat()


def question(
    name: str, agent: str, minutes: int, side: str, price: str, horizon: int, **call: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call's row and its decision's."""
    told = {"decision_id": name, "agent": agent, "event_time": at(minutes)}
    asked = {"outcome": "answered", "attempts": 1, "tokens_in": 100, "tokens_out": 20, "cost_usd": "0.001"}
    decided = {"side": side, "symbol": "BTCUSDT", "price": price, "horizon_seconds": horizon}
    latency = {"latency_ms": 40.0}
    return row("model_calls", f"c-{name}", **told | asked | latency | call), row(
        "decisions", f"d-{name}", **told | decided
    )


def test_cost_and_quality_by_agent_and_day(client: Client) -> None:
    create(client, "quality")
    failed = {
        "outcome": "unavailable",
        "attempts": 3,
        "tokens_in": None,
        "tokens_out": None,
        "latency_ms": 90.0,
    }
    spent = {
        "outcome": "over_budget", "attempts": 0, "tokens_in": None, "tokens_out": None, "cost_usd": "0", "latency_ms": None,
    }  # fmt: skip
    asked = [
        question("up", "qwen-7b", 0, "BUY", "100", 900),  # at 00:15 it is 101
        question("down", "qwen-7b", 1, "SELL", "100", 840),  # at 00:15 too
        question("open", "qwen-7b", 2, "BUY", "100", 3_600),  # nobody knows yet
        question("wait", "qwen-7b", 3, "HOLD", "100", 60),
        question("lost", "qwen-7b", 4, "HOLD", "100", 60, **failed),
        question("poor", "qwen-7b", 5, "HOLD", "100", 60, **spent),
        question("odd", "qwen-7b", 6, "HOLD", "100", 60, outcome="bad_answer"),
        question("next day", "qwen-7b", 1_440, "HOLD", "100", 60),
        question("other", "fingpt-alpha", 0, "HOLD", "100", 60),
    ]
    seen = [
        row("snapshots", f"s{n}", symbol=symbol, price=price, event_time=at(15), features=[])
        for n, (symbol, price) in enumerate([("BTCUSDT", "101"), ("BTCUSDT", "101"), ("ETHUSDT", "7")])
    ]
    for table, content in (
        ("model_calls", [call for call, _ in asked]),
        ("decisions", [decision for _, decision in asked]),
        ("snapshots", seen),
    ):
        assert client.insert_rows_json(f"{client.project}.quality.{table}", content) == []
    query = f"SELECT * FROM `{client.project}.quality.agent_calls_by_day` ORDER BY agent, day"
    other, first, second = [dict(line) for line in client.query_and_wait(query)]
    assert (other["agent"], other["questions"], other["trades"], other["move_bps_mean"]) == (
        "fingpt-alpha", 1, 0, None,
    )  # fmt: skip
    assert (second["day"], second["questions"]) == (DAY + timedelta(days=1), 1)
    assert first.pop("latency_ms_mean") == pytest.approx(290 / 6)
    assert first.pop("move_bps_mean") == pytest.approx(0.0, abs=1e-9)
    assert first == {
        "desk": "main", "agent": "qwen-7b", "day": DAY, "questions": 7, "calls": 6, "answered": 4, "bad_answers": 1,
        "over_budget": 1, "failed": 1, "retries": 2, "tokens_in": 500, "tokens_out": 100, "cost_usd": Decimal("0.006"),
        "latency_ms_max": 90.0, "trades": 3, "judged": 2, "hits": 1,
    }  # fmt: skip
