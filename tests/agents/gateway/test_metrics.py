"""The desk as Prometheus reads it."""

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from agents.gateway.app import create_app
from tests.agents.gateway.desk import DeskAtNoon, bearer

BOT = bearer("freqtrade-hft")


def told(at_noon: DeskAtNoon) -> dict[tuple[str, str], float]:
    answer = TestClient(create_app(at_noon.desk)).get("/metrics", headers=BOT)
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, sample.labels.get("agent", "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_allocations_are_metrics_by_agent() -> None:
    at_noon = DeskAtNoon()
    at_noon.view.single[at_noon.desk.keys.portfolio] = {
        "equity": "10001.5", "drawdown": 0.01, "gross_exposure": "400", "net_exposure": "-40",
        "allocations": [
            {"agent": "qwen-7b", "equity": "1200", "allocation_pct": 12.0, "target_pct": 11.5, "drift_pct": 0.5},
            {"agent": "deepseek-v3", "equity": "800", "allocation_pct": 8.0, "target_pct": 8.5, "drift_pct": -0.5},
        ],
    }  # fmt: skip
    found = told(at_noon)
    assert found["portfolio_allocation_pct", "qwen-7b"] == 12.0
    assert found["portfolio_drift_pct", "deepseek-v3"] == -0.5
    assert found["portfolio_target_pct", "qwen-7b"] == 11.5
    assert (found["portfolio_equity", ""], found["portfolio_net_exposure", ""]) == (10001.5, -40.0)
    assert found["gateway_messages_posted_total", ""] == 0.0


def test_what_is_not_known_is_left_out() -> None:
    found = told(DeskAtNoon())
    assert {name for name, _ in found} == {
        "gateway_messages_posted_total", "gateway_messages_published_total", "gateway_messages_refused_total",
    }  # fmt: skip


def test_without_a_token_nothing_is_told() -> None:
    assert TestClient(create_app(DeskAtNoon().desk)).get("/metrics").status_code == 401
