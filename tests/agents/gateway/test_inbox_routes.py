import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.gateway.app import create_app
from agents.gateway.subscription import Received
from contracts.message import Message
from contracts.refusals import Reason
from tests.agents.gateway.desk import NOON, DeskAtNoon, bearer, insight

BOT = bearer("freqtrade-hft")


@pytest.fixture
def at_noon() -> DeskAtNoon:
    return DeskAtNoon()


@pytest.fixture
def gateway(at_noon: DeskAtNoon) -> TestClient:
    return TestClient(create_app(at_noon.desk))


def taken(gateway: TestClient, query: str = "") -> list[str]:
    answer = gateway.get(f"/inbox/freqtrade-hft{query}", headers=BOT)
    assert answer.status_code == 200
    return [message["message_id"] for message in answer.json()["messages"]]


def test_what_is_not_acknowledged_comes_again(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2")])
    assert taken(gateway) == ["a1", "a2"]
    assert taken(gateway) == []
    at_noon.seconds = 30.0
    assert taken(gateway, "?max=1") == ["a1"]


def test_pubsub_forgets_only_what_the_agent_acknowledged(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2")])
    taken(gateway)
    assert at_noon.transport.acknowledged == []
    answer = gateway.post("/inbox/freqtrade-hft/ack", json={"message_ids": ["a1", "zz"]}, headers=BOT)
    assert answer.json() == {"acknowledged": ["a1"], "unknown": ["zz"]}
    assert at_noon.transport.acknowledged == ["r-a1"]
    measures = at_noon.desk.measures
    assert (measures.matched, measures.acknowledged, at_noon.desk.inboxes.held) == (2, 1, 1)


def test_an_acknowledgement_may_name_the_sender(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("1", "deepseek-v3"), insight("1", "qwen-7b")])
    assert taken(gateway) == ["1", "1"]
    body = {"message_ids": [{"message_id": "1", "sender": "qwen-7b"}]}
    answer = gateway.post("/inbox/freqtrade-hft/ack", json=body, headers=BOT)
    assert answer.json() == {"acknowledged": ["1"], "unknown": []}
    assert at_noon.desk.inboxes.held == 1
    answer = gateway.post("/inbox/freqtrade-hft/ack", json={"message_ids": ["1"]}, headers=BOT)
    assert answer.json() == {"acknowledged": ["1"], "unknown": []}


def test_an_id_that_ends_two_messages_counts_two(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("1", "deepseek-v3"), insight("1", "qwen-7b")])
    taken(gateway)
    gateway.post("/inbox/freqtrade-hft/ack", json={"message_ids": ["1"]}, headers=BOT)
    assert (at_noon.desk.measures.matched, at_noon.desk.measures.acknowledged) == (2, 2)


def test_a_late_copy_is_acknowledged_at_once(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1")])
    taken(gateway)
    gateway.post("/inbox/freqtrade-hft/ack", json={"message_ids": ["a1"]}, headers=BOT)
    at_noon.arrive("freqtrade-hft", [insight("a1")])
    assert at_noon.transport.acknowledged == ["r-a1", "r-a1"]
    assert at_noon.desk.measures.matched == 1


def test_the_way_to_the_inbox_is_measured_once_a_message(at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a1")])
    assert at_noon.desk.measures.latencies_ms == [12.5]


def test_what_is_no_message_is_buried(at_noon: DeskAtNoon) -> None:
    received = Received(b"{}", {"recipient": "freqtrade-hft"}, NOON.timestamp(), "r-9")
    at_noon.desk.inboxes.arrive("freqtrade-hft", received, NOON)
    [letter] = at_noon.buried
    assert (letter.job, letter.stage, letter.reason) == (
        "gateway",
        "inbox-freqtrade-hft",
        Reason.UNKNOWN_TYPE,
    )
    assert at_noon.transport.acknowledged == ["r-9"]
    assert (at_noon.desk.measures.matched, at_noon.desk.measures.unreadable) == (1, 1)


def test_an_inbox_is_its_owners(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    assert gateway.get("/inbox/hummingbot-mm", headers=BOT).status_code == 403
    assert gateway.get("/inbox/freqtrade-hft").status_code == 401
    assert gateway.get("/inbox/deepseek-v3", headers=bearer("deepseek-v3")).status_code == 404
    body = {"message_ids": ["a1"]}
    assert gateway.post("/inbox/hummingbot-mm/ack", json=body, headers=BOT).status_code == 403


@pytest.mark.parametrize("query", ["?wait=31", "?wait=-1", "?max=0", "?max=x"])
def test_a_wrong_parameter_is_named(gateway: TestClient, query: str) -> None:
    answer = gateway.get(f"/inbox/freqtrade-hft{query}", headers=BOT)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"query.{query[1:].split('=')[0]}"


def test_long_polls_end_when_the_gateway_stops() -> None:
    async def scenario() -> list[Message]:
        inboxes = DeskAtNoon().desk.inboxes
        polling = asyncio.create_task(inboxes.take("freqtrade-hft", 20.0, 10))
        await asyncio.sleep(0)
        inboxes.end_polls()
        return await polling

    assert asyncio.run(scenario()) == []


def test_a_long_poll_ends_when_something_arrives() -> None:
    async def scenario() -> list[str]:
        at_noon = DeskAtNoon()
        polling = asyncio.create_task(at_noon.desk.inboxes.take("freqtrade-hft", 20.0, 10))
        await asyncio.sleep(0)
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        return [message.message_id for message in await polling]

    assert asyncio.run(scenario()) == ["a1"]


def test_who_stops_waiting_as_something_arrives_takes_nothing() -> None:
    async def scenario() -> list[str]:
        at_noon = DeskAtNoon()
        inboxes = at_noon.desk.inboxes
        polling = asyncio.create_task(inboxes.take("freqtrade-hft", 20.0, 10))
        await asyncio.sleep(0)
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
        return [message.message_id for message in await inboxes.take("freqtrade-hft", 0, 10)]

    assert asyncio.run(scenario()) == ["a1"]


class Poll:
    """A long poll without a network: the test says when the agent goes away, and sees what was answered."""

    def __init__(self, at_noon: DeskAtNoon) -> None:
        self.answered: list[dict[str, Any]] = []
        self._app = create_app(at_noon.desk)
        self._up: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._up.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self._waits = asyncio.Event()

    async def waits(self) -> None:
        """The gateway looks whether the agent is still there."""
        async with asyncio.timeout(5):
            await self._waits.wait()

    def leave(self) -> None:
        self._up.put_nowait({"type": "http.disconnect"})

    async def run(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in BOT.items()]
        scope = {
            "type": "http", "method": "GET", "path": "/inbox/freqtrade-hft", "query_string": b"wait=20",
            "headers": headers,
        }  # fmt: skip
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._up.empty():
            self._waits.set()
        return await self._up.get()

    async def _send(self, message: dict[str, Any]) -> None:
        self.answered.append(message)


@pytest.mark.parametrize("turns", range(4))
def test_an_agent_that_goes_away_while_it_waits_takes_nothing(turns: int) -> None:
    """Something arrives so many turns of the loop after the agent has left."""

    async def scenario() -> None:
        at_noon = DeskAtNoon()
        poll = Poll(at_noon)
        polling = asyncio.create_task(poll.run())
        await poll.waits()
        poll.leave()
        for _ in range(turns):
            await asyncio.sleep(0)
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        async with asyncio.timeout(5):
            await polling
        waiting = await at_noon.desk.inboxes.take("freqtrade-hft", 0, 10)
        assert [message.message_id for message in waiting] == ["a1"]

    asyncio.run(scenario())


def test_a_poll_that_is_broken_off_by_the_server_takes_nothing() -> None:
    async def scenario() -> None:
        at_noon = DeskAtNoon()
        poll = Poll(at_noon)
        polling = asyncio.create_task(poll.run())
        await poll.waits()
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
        waiting = await at_noon.desk.inboxes.take("freqtrade-hft", 0, 10)
        assert [message.message_id for message in waiting] == ["a1"]

    asyncio.run(scenario())
