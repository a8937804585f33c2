from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.gateway.app import create_app
from agents.gateway.publisher import BufferFull, PublishFailed
from contracts.message import MessageType
from contracts.refusals import MAX_MESSAGE_BYTES
from tests.agents.gateway.desk import NOON, DeskAtNoon, bearer

SIGNAL = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "confidence": 0.7,
    "notional": "43.00",
    "strategy": "rule:technical",
}
BOT = bearer("freqtrade-hft")


@pytest.fixture
def at_noon() -> DeskAtNoon:
    return DeskAtNoon()


@pytest.fixture
def gateway(at_noon: DeskAtNoon) -> TestClient:
    return TestClient(create_app(at_noon.desk))


def posted(**changes: Any) -> dict[str, Any]:
    return {"type": "HFT_SIGNAL", "payload": SIGNAL, **changes}


def counts(at_noon: DeskAtNoon) -> tuple[int, int, int]:
    measures = at_noon.desk.measures
    assert measures.posted == measures.published + measures.refused
    return measures.posted, measures.published, measures.refused


def test_a_message_is_signed_and_stamped(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", json=posted(message_id="m-1", recipient="qwen-7b"), headers=BOT)
    assert (answer.status_code, answer.json()) == (
        200,
        {"message_id": "m-1", "status": "published", "problem": None},
    )
    [message] = at_noon.publisher.messages
    assert message.sender == "freqtrade-hft"
    assert message.desk == "main"
    assert message.recipient == "qwen-7b"
    assert message.event_time == NOON
    assert message.type is MessageType.HFT_SIGNAL
    assert counts(at_noon) == (1, 1, 0)


def test_a_message_without_an_id_is_given_one(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", json=posted(), headers=BOT).json()
    assert answer["message_id"] == at_noon.publisher.messages[0].message_id


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"sender": "hummingbot-mm"}, 403, "sender"),
        ({"desk": "other"}, 422, "desk"),
        ({"recipient": "nobody"}, 422, "recipient"),
        ({"recipient": "freqtrade-hft"}, 422, "recipient"),
        ({"type": "GOSSIP"}, 422, "type"),
        ({"type": None}, 422, "type"),
        ({"type": ["HFT_SIGNAL"]}, 422, "type"),
        ({"type": "RISK_UPDATE"}, 403, "type"),
        ({"type": "CONTROL"}, 403, "type"),
        ({"type": "MARK"}, 403, "type"),
        ({"event_time": "2030-01-01T00:00:00Z"}, 422, "event_time"),
        ({"payload": SIGNAL | {"confidence": 1.5}}, 422, "payload.confidence"),
        ({"payload": SIGNAL | {"notional": "-1"}}, 422, "payload.notional"),
        ({"payload": SIGNAL | {"colour": "red"}}, 422, "payload.colour"),
        ({"payload": "buy"}, 422, "payload"),
        ({"schema_version": 2}, 422, "schema_version"),
        ({"shout": True}, 422, "shout"),
    ],
)
def test_a_refusal_names_the_field(
    gateway: TestClient, at_noon: DeskAtNoon, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = gateway.post("/messages", json=posted(**changes), headers=BOT)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert at_noon.publisher.messages == []
    assert counts(at_noon) == (1, 0, 1)


def test_each_of_a_list_is_published_or_refused_for_itself(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    many = [
        posted(message_id="m-1"),
        posted(message_id="m-2", sender="qwen-7b"),
        7,
        posted(message_id="m-3"),
    ]
    results = gateway.post("/messages", json=many, headers=BOT).json()["results"]
    assert [(r["message_id"], r["status"]) for r in results] == [
        ("m-1", "published"),
        ("m-2", "refused"),
        (None, "refused"),
        ("m-3", "published"),
    ]
    assert results[1]["problem"]["errors"][0]["field"] == "sender"
    assert [m.message_id for m in at_noon.publisher.messages] == ["m-1", "m-3"]
    assert counts(at_noon) == (4, 2, 2)


def test_a_list_that_is_too_long_is_refused_whole(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    assert gateway.post("/messages", json=[posted()] * 101, headers=BOT).status_code == 422
    assert counts(at_noon) == (1, 0, 1)


def test_a_body_that_is_too_large_is_refused(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", content=b" " * (MAX_MESSAGE_BYTES + 1), headers=BOT)
    assert (answer.status_code, answer.json()["title"]) == (413, "Too large")
    assert counts(at_noon) == (1, 0, 1)


def test_a_body_that_is_not_json_is_refused(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", content=b"{", headers=BOT)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")
    assert counts(at_noon) == (1, 0, 1)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer guess"}, {"Authorization": "Basic x"}])
def test_nobody_speaks_without_a_token(
    gateway: TestClient, at_noon: DeskAtNoon, header: dict[str, str]
) -> None:
    answer = gateway.post("/messages", json=posted(), headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert counts(at_noon) == (0, 0, 0)


def test_a_full_buffer_says_when_to_come_back(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.publisher.failure = BufferFull(retry_after=1.5)
    answer = gateway.post("/messages", json=posted(), headers=BOT)
    assert (answer.status_code, answer.json()["retry_after"]) == (429, 1.5)
    assert answer.headers["retry-after"] == "2"
    assert counts(at_noon) == (1, 0, 1)


def test_what_was_not_published_may_be_sent_again(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.publisher.failure = PublishFailed("Pub/Sub did not answer within 20 s")
    answer = gateway.post("/messages", json=posted(), headers=BOT)
    assert (answer.status_code, answer.json()["title"]) == (503, "Not published")


@pytest.mark.parametrize(
    ("verb", "payload", "kind"),
    [
        ("signal", SIGNAL, MessageType.HFT_SIGNAL),
        (
            "thesis",
            {"symbol": "ETHUSDT", "side": "SELL", "thesis": "tired", "conviction": 0.6, "timeframe": "1m"},
            MessageType.TRADE_THESIS,
        ),
        ("discussion", {"topic": "stops", "content": "wider"}, MessageType.STRATEGY_DISCUSSION),
        ("question", {"topic": "trend", "question": "up?"}, MessageType.QUESTION),
        ("insight", {"insight": "thin book", "confidence": 0.4}, MessageType.INSIGHT),
    ],
)
def test_the_verbs_say_their_type(
    gateway: TestClient, at_noon: DeskAtNoon, verb: str, payload: dict[str, Any], kind: MessageType
) -> None:
    answer = gateway.post(f"/{verb}?recipient=qwen-7b&message_id=m-9", json=payload, headers=BOT)
    assert answer.json() == {"message_id": "m-9", "status": "published", "problem": None}
    [message] = at_noon.publisher.messages
    assert (message.type, message.recipient, message.sender) == (kind, "qwen-7b", "freqtrade-hft")


def test_controls_are_the_operators(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    control = {"action": "threshold", "agent": "qwen-7b", "threshold": 0.7, "issued_by": "ada"}
    assert gateway.post("/controls", json=control, headers=BOT).status_code == 403
    assert gateway.post("/controls", json=control).status_code == 401
    assert gateway.post("/controls", json=control, headers=bearer("admin")).status_code == 200
    [message] = at_noon.publisher.messages
    assert (message.type, message.sender, message.event_time) == (MessageType.CONTROL, "operator", NOON)


@pytest.mark.parametrize(
    "control",
    [{"action": "threshold", "issued_by": "ada"}, {"action": "mute", "agent": "x", "issued_by": "a"}],
)
def test_a_control_that_is_not_whole_is_refused(
    gateway: TestClient, at_noon: DeskAtNoon, control: dict[str, Any]
) -> None:
    assert gateway.post("/controls", json=control, headers=bearer("admin")).status_code == 422
    assert counts(at_noon) == (1, 0, 1)


def test_openapi_is_whole(gateway: TestClient) -> None:
    document = gateway.get("/openapi.json").json()
    schemas = set(document["components"]["schemas"])
    text = gateway.get("/openapi.json").text
    assert {"HftSignal", "Control", "PostedMessage", "Side"} <= schemas
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= schemas
