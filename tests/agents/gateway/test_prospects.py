"""The participation check: what coordination would say, by its own rules and its last state."""

from datetime import timedelta

import orjson
import pytest
from fastapi.testclient import TestClient

from agents.gateway.app import create_app
from contracts.controls import Control, ControlAction
from contracts.core_states import Teller, core_state, field_of
from contracts.message import said_by
from contracts.payloads import Insight, TradeThesis
from contracts.time import to_micros
from tests.agents.gateway.desk import NOON, DeskAtNoon, HandClock, bearer
from transforms.coordination.desk import Coordination
from transforms.log import LogEntry

BOT = bearer("freqtrade-hft")
THESIS = TradeThesis(symbol="BTCUSDT", side="BUY", thesis="up", conviction=0.7, timeframe="1m")
CHECK = "/agent/freqtrade-hft/participation-check?type=TRADE_THESIS&symbol=BTCUSDT&conviction=0.7"


class Told:
    """A gateway whose live view has the state of a coordination that heard things."""

    def __init__(self) -> None:
        self.at_noon = DeskAtNoon()
        self.at_noon.desk.wall = HandClock()
        self.http = TestClient(create_app(self.at_noon.desk))
        self.core = Coordination("main", self.at_noon.desk.roster)
        self.position = 0

    def hear(self, sender: str, payload: object, message_id: str) -> list:
        self.position += 1
        message = said_by(sender, payload, desk="main", event_time=NOON).with_valid(message_id=message_id)
        outputs = self.core.apply(LogEntry("main", self.position, False, to_micros(NOON), message))
        row = core_state(
            "coordination",
            "main",
            self.position,
            to_micros(NOON),
            self.core.dump(),
            NOON - timedelta(seconds=2),
        )
        fields = self.at_noon.view.hashes.setdefault(self.at_noon.desk.keys.core_states, {})
        fields[field_of("coordination", Teller.JOB)] = orjson.loads(row.to_json())
        return outputs

    def check(self, query: str = CHECK) -> dict:
        answer = self.http.get(query, headers=BOT)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def told() -> Told:
    return Told()


def test_without_a_state_there_is_no_verdict(told: Told) -> None:
    check = told.check()
    assert (check["verdict"], check["known"], check["deliveries"]) == (None, None, [])
    assert check["detail"] == "coordination has not told its state yet"


def test_it_is_what_coordination_then_says_and_asking_changes_nothing(told: Told) -> None:
    told.hear("hummingbot-mm", Insight(insight="thin", confidence=0.9), "m1")
    state = told.core.dump()
    check = told.check()
    assert check == told.check()
    assert told.core.dump() == state
    outputs = told.hear("freqtrade-hft", THESIS, "m2")
    row, deliveries = (output.value for output in outputs if output.port == "rows")
    assert (check["verdict"], check["activity_score"]) == (row.verdict, row.activity_score)
    assert [
        (found["recipient"], found["delivered"], found["reason"], found["relevance"], found["threshold"])
        for found in check["deliveries"]
    ] == [(row.recipient, row.delivered, row.reason, row.relevance, row.threshold) for row in deliveries.rows]
    assert len(check["deliveries"]) == 6


def test_it_says_how_old_its_knowledge_is(told: Told) -> None:
    told.hear("hummingbot-mm", THESIS, "m1")
    known = told.check()["known"]
    assert known == {
        "position": 1, "event_time": "2024-01-15T12:00:00Z", "told_at": "2024-01-15T11:59:58Z", "age_seconds": 2.0
    }  # fmt: skip


def test_the_newest_teller_counts(told: Told) -> None:
    told.hear("hummingbot-mm", THESIS, "m1")
    view = told.at_noon.view.hashes[told.at_noon.desk.keys.core_states]
    older = {**view["coordination/job"], "position": 7, "told_at": "2024-01-15T11:00:00Z"}
    view[field_of("coordination", Teller.EXPORT)] = older
    assert told.check()["known"]["position"] == 1


def test_a_spent_budget_says_how_long_to_wait(told: Told) -> None:
    budget = told.at_noon.desk.roster.by_agent["freqtrade-hft"].budgets.chatter
    for number in range(budget.burst):
        told.hear("freqtrade-hft", THESIS, f"m{number}")
    check = told.check()
    assert (check["verdict"], check["detail"], check["deliveries"]) == ("throttled", "budget", [])
    assert check["retry_after"] == budget.seconds_per_message
    told.at_noon.clock.moment += timedelta(seconds=budget.seconds_per_message)
    assert told.check()["verdict"] == "admitted"


def test_a_muted_agent_is_told_so(told: Told) -> None:
    told.hear("operator", Control(action=ControlAction.MUTE, issued_by="ops", agent="freqtrade-hft"), "m1")
    check = told.check()
    assert (check["verdict"], check["detail"]) == ("refused", "muted")


def test_a_directed_message_is_judged_by_the_throttle_alone(told: Told) -> None:
    told.hear("hummingbot-mm", THESIS, "m1")
    check = told.check(f"{CHECK}&recipient=qwen-7b")
    assert check["deliveries"] == [
        {
            "recipient": "qwen-7b",
            "delivered": True,
            "reason": "directed",
            "relevance": None,
            "threshold": None,
        }
    ]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("/agent/nobody/participation-check?type=INSIGHT", 404),
        ("/agent/freqtrade-hft/participation-check?type=RISK_UPDATE", 422),
        ("/agent/freqtrade-hft/participation-check?type=GOSSIP", 422),
        ("/agent/freqtrade-hft/participation-check?type=INSIGHT&recipient=nobody", 422),
        ("/agent/freqtrade-hft/participation-check?type=INSIGHT&conviction=1.5", 422),
        ("/agent/freqtrade-hft/participation-check", 422),
    ],
)
def test_what_cannot_be_checked_is_named(told: Told, query: str, status: int) -> None:
    assert told.http.get(query, headers=BOT).status_code == status


def test_a_state_of_another_version_is_no_verdict(told: Told) -> None:
    told.hear("hummingbot-mm", THESIS, "m1")
    view = told.at_noon.view.hashes[told.at_noon.desk.keys.core_states]
    view["coordination/job"]["state"] = '{"other":1}'
    assert told.check()["detail"] == "coordination's state is of another version: update the gateway"


def activity(told: Told, agent: str) -> dict:
    return told.http.get("/agent-activity", headers=BOT).json()[agent]


def test_the_activity_is_what_the_check_goes_by_and_decays_with_the_desks_time(told: Told) -> None:
    for number in range(5):
        told.hear("freqtrade-hft", Insight(insight="thin", confidence=0.9), f"m{number}")
    heard = {"activity_score": 9.9, "last_event_time": "2024-01-15T12:00:00Z"}
    told.at_noon.view.hashes[told.at_noon.desk.keys.activity] = {"freqtrade-hft": heard}
    said = sum(0.3 for _ in range(told.at_noon.desk.roster.by_agent["freqtrade-hft"].budgets.chatter.burst))
    for halved in (1, 2**24):
        found = activity(told, "freqtrade-hft")
        assert found["activity"]["activity_score"] == told.check()["activity_score"]
        assert found["activity"]["activity_score"] == pytest.approx(
            (said / halved + 1.5) / (said / halved / 7 + 1.5), rel=1e-9
        )
        assert found["activity"]["last_event_time"] == "2024-01-15T12:00:00Z"
        assert found["known"] == told.check()["known"]
        assert activity(told, "qwen-7b")["activity"]["last_event_time"] is None
        told.at_noon.clock.moment = NOON + timedelta(hours=2)


def test_the_threshold_is_the_one_in_force(told: Told) -> None:
    assert activity(told, "freqtrade-hft")["participation_threshold"] == 0.55
    control = Control(action=ControlAction.THRESHOLD, issued_by="ops", agent="freqtrade-hft", threshold=0.9)
    told.hear("operator", control, "c1")
    assert activity(told, "freqtrade-hft")["participation_threshold"] == 0.9


def test_of_a_state_of_another_version_nothing_is_known(told: Told) -> None:
    told.hear("hummingbot-mm", THESIS, "m1")
    view = told.at_noon.view.hashes[told.at_noon.desk.keys.core_states]
    view["coordination/job"]["state"] = '{"other":1}'
    found = activity(told, "freqtrade-hft")
    assert (found["participation_threshold"], found["activity"], found["known"]) == (0.55, None, None)


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("type=INSIGHT&recipient=freqtrade-hft", "query.recipient", "an agent does not write to itself"),
        ("type=INSIGHT&topic=nonsense", "query.topic", "INSIGHT has no topic: leave it out"),
        ("type=STRATEGY_ADJUSTMENT&symbol=BTCUSDT", "query.symbol", "STRATEGY_ADJUSTMENT has no symbol: leave it out"),
        ("type=QUESTION&conviction=0.5", "query.conviction", "QUESTION has no conviction: leave it out"),
    ],
)  # fmt: skip
def test_what_posting_would_refuse_is_refused_here_too(
    told: Told, query: str, field: str, reason: str
) -> None:
    answer = told.http.get(f"/agent/freqtrade-hft/participation-check?{query}", headers=BOT)
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": field, "reason": reason}])
