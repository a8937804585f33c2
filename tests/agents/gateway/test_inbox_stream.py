"""The inbox by WebSocket: the same inbox as by long poll, and resumable."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from agents.gateway.app import create_app
from agents.gateway.inbox_stream import stream
from tests.agents.gateway.desk import DeskAtNoon, bearer, insight
from tests.agents.gateway.sockets import ScriptedSocket

PATH = "/inbox/freqtrade-hft/stream"
BOT = bearer("freqtrade-hft")


@pytest.fixture
def at_noon() -> DeskAtNoon:
    return DeskAtNoon()


@pytest.fixture
def gateway(at_noon: DeskAtNoon) -> Iterator[TestClient]:
    with TestClient(create_app(at_noon.desk)) as client:
        yield client


def heard(socket: WebSocketTestSession) -> list[str]:
    return [message["message_id"] for message in socket.receive_json()["messages"]]


def test_what_waits_comes_in_order_and_is_acknowledged(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1"), insight("b1", sender="qwen-7b"), insight("a2")])
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        assert heard(socket) == ["a1", "b1", "a2"]
        socket.send_json({"message_ids": ["a1", "zz"]})
        assert socket.receive_json() == {"acknowledged": ["a1"], "unknown": ["zz"]}
    assert at_noon.transport.acknowledged == ["r-a1"]


def test_after_a_reconnect_what_was_not_acknowledged_comes_again_at_once_and_in_order(
    gateway: TestClient, at_noon: DeskAtNoon
) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2"), insight("a3")])
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        assert heard(socket) == ["a1", "a2", "a3"]
        socket.send_json({"message_ids": ["a1"]})
        socket.receive_json()
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        assert heard(socket) == ["a2", "a3"]
    poll = gateway.get("/inbox/freqtrade-hft", headers=BOT).json()
    assert [message["message_id"] for message in poll["messages"]] == ["a2", "a3"]


def test_a_poll_does_not_get_what_an_open_socket_holds(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1")])
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        assert heard(socket) == ["a1"]
        assert gateway.get("/inbox/freqtrade-hft", headers=BOT).json()["messages"] == []


def test_a_socket_that_closes_leaves_what_another_took_over(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    """T0 a socket takes a1; T30 its lease ends, and a poll takes a1; the socket closes: a1 is the poll's until T60."""
    at_noon.arrive("freqtrade-hft", [insight("a1")])

    def polled() -> list[str]:
        return ids(gateway.get("/inbox/freqtrade-hft", headers=BOT).json())

    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        assert heard(socket) == ["a1"]
        at_noon.seconds = 30.0
        assert polled() == ["a1"]
    assert polled() == []
    at_noon.seconds = 60.0
    assert polled() == ["a1"]


@pytest.mark.parametrize("said", ["not json", '{"message_ids": []}', '{"message_ids": ["a1"], "more": 1}'])
def test_what_is_no_acknowledgement_closes_the_socket(
    gateway: TestClient, at_noon: DeskAtNoon, said: str
) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1")])
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        heard(socket)
        socket.send_text(said)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1007
    assert at_noon.desk.inboxes.held == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, {}),
        (PATH, {"Authorization": "Bearer wrong"}),
        ("/inbox/hummingbot-mm/stream", BOT),
        ("/inbox/deepseek-v3/stream", bearer("deepseek-v3")),
    ],
)
def test_a_stream_is_its_owners(gateway: TestClient, path: str, headers: dict[str, str]) -> None:
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)) as refused,
        gateway.websocket_connect(path, headers=headers),
    ):
        pass
    assert getattr(refused.value, "code", 1008) == 1008


def test_the_stream_closes_when_the_gateway_stops(gateway: TestClient, at_noon: DeskAtNoon) -> None:
    at_noon.arrive("freqtrade-hft", [insight("a1")])
    with gateway.websocket_connect(PATH, headers=BOT) as socket:
        heard(socket)
        socket.portal.call(at_noon.desk.inboxes.end_polls)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1012


def ids(told: dict[str, Any]) -> list[str]:
    return [message["message_id"] for message in told["messages"]]


def tasks_left() -> set[asyncio.Task]:
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize("turns", range(6))
def test_a_socket_that_ends_as_something_happens_leaves_nothing_behind(turns: int) -> None:
    """An acknowledgement wakes who waits at the inbox, so many turns of the loop after the agent left."""

    async def scenario() -> None:
        at_noon = DeskAtNoon()
        agent = ScriptedSocket(create_app(at_noon.desk), PATH)
        serving = asyncio.create_task(stream("freqtrade-hft", agent.socket))
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        assert ids(await agent.told()) == ["a1"]
        agent.leave()
        for _ in range(turns):
            await asyncio.sleep(0)
        at_noon.desk.inboxes.acknowledge("freqtrade-hft", ["a1"])
        async with asyncio.timeout(5):
            await serving
        assert tasks_left() == set()
        at_noon.arrive("freqtrade-hft", [insight("a2")])
        waiting = await at_noon.desk.inboxes.take("freqtrade-hft", 0, 10)
        assert [message.message_id for message in waiting] == ["a2"]

    asyncio.run(scenario())


def test_a_socket_that_breaks_under_a_message_gives_it_back() -> None:
    async def scenario() -> None:
        at_noon = DeskAtNoon()
        unretrieved: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unretrieved.append(told["message"]))
        agent = ScriptedSocket(create_app(at_noon.desk), PATH)
        serving = asyncio.create_task(stream("freqtrade-hft", agent.socket))
        assert (await agent.down.get())["type"] == "websocket.accept"
        agent.is_broken = True
        agent.leave()
        at_noon.arrive("freqtrade-hft", [insight("a1")])
        async with asyncio.timeout(5):
            await serving
        assert (tasks_left(), unretrieved) == (set(), [])
        waiting = await at_noon.desk.inboxes.take("freqtrade-hft", 0, 10)
        assert [message.message_id for message in waiting] == ["a1"]

    asyncio.run(scenario())


def test_what_was_acknowledged_before_the_agent_left_counts() -> None:
    async def scenario() -> list[str]:
        at_noon = DeskAtNoon()
        agent = ScriptedSocket(create_app(at_noon.desk), PATH)
        serving = asyncio.create_task(stream("freqtrade-hft", agent.socket))
        at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2"), insight("a3")])
        assert ids(await agent.told()) == ["a1", "a2", "a3"]
        agent.is_broken = True
        agent.say('{"message_ids": ["a1"]}')
        agent.say('{"message_ids": ["a2"]}')
        agent.leave()
        async with asyncio.timeout(5):
            await serving
        return at_noon.transport.acknowledged

    assert asyncio.run(scenario()) == ["r-a1", "r-a2"]


def test_an_error_of_ours_ends_the_socket_and_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        at_noon = DeskAtNoon()
        agent = ScriptedSocket(create_app(at_noon.desk), PATH)
        monkeypatch.setattr(at_noon.desk.inboxes, "acknowledge", None)
        agent.say('{"message_ids": ["a1"]}')
        with pytest.raises(ExceptionGroup) as raised:
            await stream("freqtrade-hft", agent.socket)
        assert [type(error) for error in raised.value.exceptions] == [TypeError]
        assert tasks_left() == set()

    asyncio.run(scenario())
