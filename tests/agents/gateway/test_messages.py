import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.client.asynchronous import TIMEOUT_SECONDS
from agents.gateway.app import create_app
from agents.gateway.posting import message_of
from agents.gateway.publisher import PUBLISH_SECONDS, BufferFull, PublishFailed
from agents.gateway.saying import MOST_BYTES
from contracts.message import Message, MessageType
from contracts.refusals import MAX_MESSAGE_BYTES, read_message
from tests.agents.gateway.desk import NOON, DeskAtNoon, bearer

SIGNAL = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "confidence": 0.7,
    "notional": "43.00",
    "strategy": "rule:technical",
}
BOT = bearer("freqtrade-hft")
ROSTER = DeskAtNoon().desk.roster


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
    several = [
        posted(message_id="m-1"),
        posted(message_id="m-2", sender="qwen-7b"),
        7,
        posted(message_id="m-3"),
    ]
    results = gateway.post("/messages", json=several, headers=BOT).json()["results"]
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
    at_noon.publisher.failure = PublishFailed("Pub/Sub did not answer within 8 s")
    answer = gateway.post("/messages", json=posted(), headers=BOT)
    assert (answer.status_code, answer.json()["title"]) == (503, "Not published")


class OneAfterTheOther:
    """A publisher that answers none before all are handed over; behind `fits` of them its buffer is full."""

    def __init__(self, expected: int, fits: int = 100, failure: Exception | None = None) -> None:
        self.handed_over: list[str] = []
        self._expected, self._fits, self._failure = expected, fits, failure
        self._all_are_there = asyncio.Event()

    async def publish(self, message: Message) -> None:
        if len(self.handed_over) == self._fits:
            raise BufferFull(retry_after=1.5)
        self.handed_over.append(message.message_id)
        if len(self.handed_over) == self._expected:
            self._all_are_there.set()
        async with asyncio.timeout(5):
            await self._all_are_there.wait()
        if self._failure is not None:
            raise self._failure


def many(count: int) -> list[dict[str, Any]]:
    return [posted(message_id=f"m-{number}") for number in range(count)]


def test_a_list_is_handed_over_in_its_order_before_anything_is_waited_for(
    gateway: TestClient, at_noon: DeskAtNoon
) -> None:
    at_noon.desk.publisher = publisher = OneAfterTheOther(expected=100)
    results = gateway.post("/messages", json=many(100), headers=BOT).json()["results"]
    names = [f"m-{number}" for number in range(100)]
    assert publisher.handed_over == names
    assert [(told["message_id"], told["status"]) for told in results] == [(m, "published") for m in names]
    assert counts(at_noon) == (100, 100, 0)


def test_behind_a_message_that_did_not_fit_none_is_handed_over(
    gateway: TestClient, at_noon: DeskAtNoon
) -> None:
    at_noon.desk.publisher = publisher = OneAfterTheOther(expected=2, fits=2)
    answer = gateway.post("/messages", json=many(4), headers=BOT)
    assert [told["status"] for told in answer.json()["results"]] == [*["published"] * 2, *["refused"] * 2]
    assert [told["problem"]["retry_after"] for told in answer.json()["results"][2:]] == [1.5, 1.5]
    assert publisher.handed_over == ["m-0", "m-1"]
    assert counts(at_noon) == (4, 2, 2)


def test_a_list_of_which_nothing_fits_is_refused_whole(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.publisher.failure = BufferFull(retry_after=1.5)
    answer = gateway.post("/messages", json=[*many(2), 7], headers=BOT)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json() == {
        "title": "Too much at once",
        "status": 429,
        "detail": "none of 3 messages was taken: too much is being published at once: try again in 1.5 s",
        "errors": [],
        "retry_after": 1.5,
    }
    assert counts(at_noon) == (3, 0, 3)


def test_a_list_that_pubsub_does_not_take_is_refused_whole(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    failure = PublishFailed("Pub/Sub did not answer within 8 s")
    at_noon.desk.publisher = publisher = OneAfterTheOther(expected=3, failure=failure)
    answer = gateway.post("/messages", json=many(3), headers=BOT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert publisher.handed_over == ["m-0", "m-1", "m-2"]


def test_a_list_that_is_wrong_throughout_says_so_one_by_one(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", json=[7, 8], headers=BOT)
    assert (answer.status_code, len(answer.json()["results"])) == (200, 2)


def test_the_gateway_gives_up_before_its_client_does() -> None:
    assert PUBLISH_SECONDS < TIMEOUT_SECONDS


def weighing(size: int) -> dict[str, Any]:
    """A posted insight whose message has `size` bytes as JSON: its numbers grow, as JSON writes them."""
    signal = SIGNAL | {"indicators": {"0": 1e15}}
    message = message_of(posted(message_id="m-1", payload=signal), "freqtrade-hft", ROSTER, NOON)
    missing = size - len(message.to_json())
    each = len(b'"00000000":1000000000000000.0,')
    signal["indicators"] |= {f"{number:08d}": 1e15 for number in range(1, missing // each + 1)}
    signal["strategy"] += "x" * (missing % each)
    return posted(message_id="m-1", payload=signal)


def test_a_message_may_weigh_what_its_longest_copy_can_still_be_read_at(
    gateway: TestClient, at_noon: DeskAtNoon
) -> None:
    assert gateway.post("/messages", json=weighing(MOST_BYTES), headers=BOT).status_code == 200
    [message] = at_noon.publisher.messages
    assert len(message.to_json()) == MOST_BYTES == 999_900
    copy = message.to("a" * 64)
    assert read_message(copy.to_json()) == copy


def test_a_message_that_grows_too_large_is_refused(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    answer = gateway.post("/messages", json=weighing(MOST_BYTES + 1), headers=BOT)
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        "the message has 999901 bytes; the limit is 999900",
    )
    several = [posted(message_id="m-0"), weighing(MOST_BYTES + 1)]
    results = gateway.post("/messages", json=several, headers=BOT).json()["results"]
    assert [(told["message_id"], told["status"]) for told in results] == [
        ("m-0", "published"),
        ("m-1", "refused"),
    ]
    assert results[1]["problem"]["status"] == 413
    assert [message.message_id for message in at_noon.publisher.messages] == ["m-0"]
    assert counts(at_noon) == (3, 1, 2)


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
