import json

import pytest
from fastapi.testclient import TestClient

from agents.gateway.app import create_app
from contracts.controls import Goal
from contracts.payloads import Guidance
from tests.agents.gateway.desk import DeskAtNoon, bearer

BOT = bearer("freqtrade-hft")
GUIDANCE = Guidance(
    agent="freqtrade-hft",
    role="technical",
    goal=Goal.MAXIMUM_PROFIT,
    capital="1060",
    remaining="1000.5",
    text="Keep to your set-ups.",
)


@pytest.fixture
def at_noon() -> DeskAtNoon:
    return DeskAtNoon()


@pytest.fixture
def gateway(at_noon: DeskAtNoon) -> TestClient:
    return TestClient(create_app(at_noon.desk))


def test_what_is_not_known_yet_is_null(gateway: TestClient) -> None:
    status = gateway.get("/portfolio-status", headers=BOT).json()
    assert (status["portfolio"], status["positions"]) == (None, [])
    assert set(status["allocations"].values()) == {None}
    assert gateway.get("/agent/freqtrade-hft/guidance", headers=BOT).json()["guidance"] is None
    activity = gateway.get("/agent-activity", headers=BOT).json()
    assert activity["qwen-7b"] == {
        "participation_threshold": 0.5,
        "activity": None,
        "last_seen": None,
        "known": None,
    }
    assert activity["freqtrade-hft"]["last_seen"] == "2024-01-15T12:00:00Z"


def test_without_coordinations_state_the_activity_is_what_was_last_heard(
    gateway: TestClient, at_noon: DeskAtNoon
) -> None:
    heard = {"activity_score": 2.116, "last_event_time": "2024-01-15T10:00:00Z"}
    at_noon.view.hashes[at_noon.desk.keys.activity] = {"qwen-7b": heard}
    told = gateway.get("/agent-activity", headers=BOT).json()["qwen-7b"]
    assert told == {"participation_threshold": 0.5, "activity": heard, "last_seen": None, "known": None}


def test_what_is_known_is_told(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    keys = at_noon.desk.keys
    at_noon.view.hashes[keys.guidance] = {"freqtrade-hft": json.loads(GUIDANCE.to_json())}
    at_noon.view.hashes[keys.allocations] = {"freqtrade-hft": {"capital": "1060", "share": 0.1325}}
    at_noon.view.hashes[keys.positions] = {"freqtrade-hft/BTCUSDT": {"quantity": "0.001"}}
    at_noon.view.single[keys.portfolio] = {"equity": "10001.5"}
    told = gateway.get("/agent/freqtrade-hft/guidance", headers=BOT).json()
    assert Guidance.model_validate(told["guidance"]) == GUIDANCE
    assert told["role"]["allocated_capital"] == "1060"
    status = gateway.get("/portfolio-status", headers=bearer("admin")).json()
    assert status["portfolio"] == {"equity": "10001.5"}
    assert status["positions"] == [{"quantity": "0.001"}]
    assert status["allocations"]["freqtrade-hft"]["share"] == 0.1325


def test_roles_are_the_rosters(gateway: TestClient) -> None:
    roles = gateway.get("/agent-roles", headers=BOT).json()
    assert {agent: role["role"] for agent, role in roles.items()} == {
        "deepseek-v3": "momentum",
        "qwen-7b": "mean_reversion",
        "fingpt-alpha": "sentiment",
        "lagllama-degen": "volatility",
        "profit-maximizer": "portfolio_optimizer",
        "freqtrade-hft": "technical",
        "hummingbot-mm": "market_maker",
    }
    assert all(len(role["expertise"]) == 3 for role in roles.values())


@pytest.mark.parametrize(
    "path", ["/portfolio-status", "/agent-roles", "/agent-activity", "/agent/qwen-7b/guidance"]
)
def test_nothing_is_told_without_a_token(gateway: TestClient, path: str) -> None:
    assert gateway.get(path).status_code == 401


def test_an_unknown_agent_is_not_found(gateway: TestClient) -> None:
    answer = gateway.get("/agent/nobody/guidance", headers=BOT)
    assert answer.status_code == 404
    assert "hummingbot-mm" in answer.json()["detail"]


def test_an_agent_registers_as_itself(gateway: TestClient) -> None:
    answer = gateway.post("/register", json={"software": "freqtrade 2024.1"}, headers=BOT)
    assert answer.json() == {
        "status": "registered",
        "agent": "freqtrade-hft",
        "desk": "main",
        "role": "technical",
        "has_inbox": True,
        "desk_time": "2024-01-15T12:00:00Z",
    }
    assert gateway.post("/register", json={"agent": "hummingbot-mm"}, headers=BOT).status_code == 422
    assert gateway.post("/heartbeat", json={"latency_ms": 4.5}, headers=BOT).status_code == 200


def test_ready_says_what_is_missing(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    assert gateway.get("/readyz").json() == {"status": "ok", "problems": []}
    at_noon.publisher.lacks = "the topic messages does not exist: create the desk's topics first"
    at_noon.transport.problem = "inbox-x cannot be read"
    answer = gateway.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"][0].startswith("the topic messages does not exist")
    assert gateway.get("/healthz").status_code == 200


def test_an_unknown_path_is_a_problem_too(gateway: TestClient) -> None:
    answer = gateway.get("/nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
