"""validate-trade: what the desk would say to a trade, by its own checks and its last state."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.client import GatewayClient
from agents.gateway.app import create_app
from contracts.controls import Control, ControlAction
from contracts.core_states import Teller, field_of
from contracts.message import Message, said_by
from contracts.payloads import HftSignal, Side
from contracts.risk.trade_question import TradeQuestion
from contracts.rows.trading import RiskVerdict
from contracts.time import to_micros
from tests.agents.gateway.desk import NOON, DeskAtNoon, HandClock, bearer
from tests.agents.gateway.trading_state import desk_with, marked, told
from transforms.log import LogEntry

BOT = "freqtrade-hft"
ROUTE = f"/agent/{BOT}/validate-trade"
SMALL = {"symbol": "BTCUSDT", "side": "BUY", "notional": "42"}


class Told:
    """A gateway beside a trading job that took a log."""

    def __init__(self, *log: Message) -> None:
        self.at_noon = DeskAtNoon()
        self.at_noon.desk.wall = HandClock()
        self.http = TestClient(create_app(self.at_noon.desk))
        self.core = desk_with(self.at_noon.desk.roster, *log)
        self.at_noon.view.hashes[self.at_noon.desk.keys.core_states] = told(self.core)

    def ask(self, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
        answer = self.http.post(ROUTE, json=body, headers=bearer(BOT))
        assert answer.status_code == status, answer.text
        return answer.json()


def signal(body: dict[str, Any]) -> Message:
    said = HftSignal(confidence=1.0, strategy="test", **body)
    return said_by(BOT, said, desk="main", event_time=NOON)


def killed() -> Message:
    control = Control(action=ControlAction.KILL, issued_by="ada")
    return said_by("operator", control, desk="main", event_time=NOON)


def test_a_trade_that_would_pass_says_what_its_order_would_be() -> None:
    answer = Told(marked("BTCUSDT", "42000")).ask(SMALL)
    assert (answer["would_pass"], answer["failing"], answer["state"]) == (True, [], "ACTIVE")
    assert (answer["quantity"], answer["price"], answer["notional"]) == ("0.001", "42000", "42")
    assert answer["known"]["age_seconds"] == 2.0


def test_all_failing_checks_are_named_with_limit_and_observed() -> None:
    answer = Told(marked("BTCUSDT", "42000"), killed()).ask(
        {"symbol": "BTCUSDT", "side": "BUY", "notional": "100000", "leverage": 100, "stop_loss": "43000"}
    )
    failing = {found["check"]: found for found in answer["failing"]}
    assert not answer["would_pass"]
    assert answer["state"] == "HALTED"
    assert list(failing) == [
        "kill_switch", "stop_distance", "per_trade_cap", "allocation", "leverage",
        "symbol_gross", "symbol_net", "desk_gross", "desk_net",
    ]  # fmt: skip
    assert failing["kill_switch"]["reason"] == "kill_switch_is_on"
    assert Decimal(failing["leverage"]["observed"]) == 100
    assert Decimal(failing["symbol_gross"]["limit"]) == Decimal("0.40") * Decimal(str(10_000))


def test_it_is_what_the_desk_then_says_and_asking_changes_nothing() -> None:
    for body in (
        SMALL,
        {**SMALL, "notional": "5000"},
        {**SMALL, "symbol": "ETHUSDT"},
        {**SMALL, "notional": "1"},
    ):
        gateway = Told(marked("BTCUSDT", "42000"))
        before = gateway.core.dump()
        answer = gateway.ask(body)
        assert gateway.ask(body) == answer
        assert gateway.core.dump() == before
        outputs = gateway.core.apply(LogEntry("main", 3, False, to_micros(NOON), signal(body)))
        (row,) = [output.value for output in outputs if isinstance(output.value, RiskVerdict)]
        assert answer["would_pass"] is row.accepted
        if not row.accepted:
            assert (answer["failing"][0]["check"], answer["failing"][0]["reason"]) == (row.check, row.reason)


def test_without_a_state_there_is_no_answer() -> None:
    gateway = Told()
    gateway.at_noon.view.hashes.clear()
    problem = gateway.ask(SMALL, 503)
    assert (problem["title"], problem["detail"]) == (
        "No state",
        "the trading job has not told its desk's state yet",
    )


def test_a_state_of_another_version_is_no_state() -> None:
    gateway = Told()
    view = gateway.at_noon.view.hashes[gateway.at_noon.desk.keys.core_states]
    view[field_of("trading", Teller.JOB)]["state"] = '{"other":1}'
    assert "another version" in gateway.ask(SMALL, 503)["detail"]


def test_prices_age_once_the_job_is_silent() -> None:
    gateway = Told(marked("BTCUSDT", "42000"))
    gateway.at_noon.clock.moment += timedelta(minutes=10)
    assert gateway.ask(SMALL)["would_pass"]
    gateway.at_noon.desk.wall.moment += timedelta(minutes=1)  # type: ignore[attr-defined]
    assert [found["reason"] for found in gateway.ask(SMALL)["failing"]] == ["price_stale"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbol": "BTCUSDT", "side": "HOLD", "notional": "84"}, "body"),
        ({"symbol": "BTCUSDT", "side": "BUY"}, "body"),
        ({"symbol": "BTCUSDT", "side": "BUY", "notional": "84", "size_fraction": 0.5}, "body"),
        ({"symbol": "BTCUSDT", "side": "BUY", "notional": "NaN"}, "notional"),
        ({"symbol": "BTCUSDT", "side": "BUY", "notional": "-1"}, "notional"),
        ({"symbol": "BTCUSDT", "side": "BUY", "notional": "84", "agent": "x"}, "agent"),
    ],
)
def test_what_is_no_trade_is_named(body: dict[str, Any], field: str) -> None:
    assert Told().ask(body, 422)["errors"][0]["field"] == field


def test_an_agent_that_is_not_on_the_desk_is_not_found() -> None:
    answer = Told().http.post("/agent/nobody/validate-trade", json=SMALL, headers=bearer(BOT))
    assert answer.status_code == 404


def test_the_client_asks_and_reads() -> None:
    gateway = Told(marked("BTCUSDT", "42000"))
    transport = gateway.http._transport
    with GatewayClient(BOT, "the-token-of-freqtrade-hft", "http://testserver", transport=transport) as client:
        answer = client.validate_trade(TradeQuestion(symbol="BTCUSDT", side=Side.BUY, size_fraction=0.01))
    assert (answer.agent, answer.symbol, answer.side) == (BOT, "BTCUSDT", Side.BUY)
    assert [(found.check, found.reason) for found in answer.failing] == [("tradable_size", "too_small")]
