import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing

import httpx
import pytest

from agents.client import AsyncGatewayClient, BackPressure, GatewayClient, Refused, Unreachable
from agents.gateway.app import create_app
from contracts.message import MessageType
from contracts.payloads import HftSignal, Insight, Question, Side, StrategyDiscussion, TradeThesis
from tests.agents.gateway.desk import NOON, TOKENS, DeskAtNoon, insight
from tests.infra.cli.served import served

SIGNAL = HftSignal(symbol="BTCUSDT", side=Side.BUY, confidence=0.7, notional="43", strategy="rule:technical")
THESIS = TradeThesis(symbol="BTCUSDT", side=Side.BUY, thesis="up", conviction=0.5, timeframe="1m")
PUBLISHED = {"message_id": "m", "status": "published"}


def sync_client(answers: list[httpx.Response | Exception]) -> tuple[GatewayClient, list[dict], list[float]]:
    """A client whose gateway gives `answers` in turn; what it was asked, and how long the client slept."""
    asked: list[dict] = []
    slept: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = GatewayClient(
        "freqtrade-hft", "t", transport=httpx.MockTransport(handle), sleep=slept.append, attempts=3
    )
    return client, asked, slept


def problem(status: int, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"title": "x", "status": status, "detail": "because", **more})


def test_a_retry_is_the_same_message() -> None:
    client, asked, slept = sync_client(
        [httpx.ConnectError("down"), problem(503), httpx.Response(200, json=PUBLISHED)]
    )
    assert client.signal(SIGNAL).status == "published"
    assert len({body["message_id"] for body in asked}) == 1
    assert slept == [0.2, 0.4]


def test_two_messages_have_two_ids() -> None:
    client, asked, _ = sync_client([httpx.Response(200, json=PUBLISHED) for _ in range(2)])
    client.signal(SIGNAL)
    client.signal(SIGNAL)
    assert asked[0]["message_id"] != asked[1]["message_id"]


def test_back_pressure_is_waited_for_as_long_as_asked() -> None:
    client, _, slept = sync_client([problem(429, retry_after=1.5) for _ in range(3)])
    with pytest.raises(BackPressure) as caught:
        client.signal(SIGNAL)
    assert caught.value.retry_after == 1.5
    assert slept == [1.5, 1.5]


def test_a_refusal_is_not_tried_again() -> None:
    client, asked, _ = sync_client(
        [problem(422, errors=[{"field": "payload.notional", "reason": "too small"}])]
    )
    with pytest.raises(Refused) as caught:
        client.signal(SIGNAL)
    assert (caught.value.status, caught.value.errors[0].field) == (422, "payload.notional")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer", [lambda: httpx.Response(502, text="<html>"), lambda: httpx.ReadTimeout("")]
)
def test_a_gateway_that_stays_away_is_unreachable(
    answer: Callable[[], httpx.Response | Exception],
) -> None:
    client, asked, _ = sync_client([answer() for _ in range(3)])
    with pytest.raises(Unreachable):
        client.signal(SIGNAL)
    assert len(asked) == 3


def test_acknowledging_nothing_asks_nothing() -> None:
    client, asked, _ = sync_client([])
    assert client.ack([]).acknowledged == []

    async def through_asyncio() -> list[str]:
        transport = httpx.MockTransport(lambda _: pytest.fail("there is nothing to ask"))
        async with AsyncGatewayClient("freqtrade-hft", "t", transport=transport) as bot:
            return (await bot.ack([])).acknowledged

    assert asyncio.run(through_asyncio()) == []
    assert asked == []


def test_a_message_is_acknowledged_with_its_sender_and_an_id_by_itself() -> None:
    client, asked, _ = sync_client([httpx.Response(200, json={"acknowledged": [], "unknown": []})])
    client.ack([insight("a1", sender="qwen-7b"), "a2"])
    assert asked == [{"message_ids": [{"message_id": "a1", "sender": "qwen-7b"}, "a2"]}]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_bot_listens_wherever_its_url_ends(end: str) -> None:
    at_noon = DeskAtNoon()
    at_noon.arrive("freqtrade-hft", [insight("1", "deepseek-v3"), insight("1", "qwen-7b"), insight("2")])

    async def scenario(url: str) -> list[tuple[str, str]]:
        heard: list[tuple[str, str]] = []
        client = AsyncGatewayClient("freqtrade-hft", TOKENS["freqtrade-hft"], url + end)
        async with client as bot, asyncio.timeout(30), aclosing(bot.listen()) as messages:
            async for message in messages:
                heard.append((message.sender, message.message_id))
                if len(heard) == 3:
                    break
        return heard

    with served(create_app(at_noon.desk)) as url:
        heard = asyncio.run(scenario(url))
    assert heard == [("deepseek-v3", "1"), ("qwen-7b", "1"), ("deepseek-v3", "2")]


def test_a_bot_through_the_real_gateway() -> None:
    at_noon = DeskAtNoon()

    async def scenario() -> None:
        transport = httpx.ASGITransport(create_app(at_noon.desk))
        client = AsyncGatewayClient("freqtrade-hft", TOKENS["freqtrade-hft"], transport=transport)
        async with client as bot:
            assert (await bot.register("test")).has_inbox
            assert (await bot.heartbeat(latency_ms=3.0)).desk_time == NOON
            await bot.signal(SIGNAL, message_id="s-1")
            await bot.thesis(THESIS)
            await bot.discussion(StrategyDiscussion(topic="stops", content="wider"), "qwen-7b")
            await bot.question(Question(topic="trend", question="up?"))
            await bot.insight(Insight(insight="thin", confidence=0.3))
            at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2", sender="qwen-7b")])
            heard = await bot.inbox(wait=1.0)
            assert heard == [insight("a1"), insight("a2", sender="qwen-7b")]
            assert (await bot.ack(heard)).acknowledged == ["a1", "a2"]
            assert (await bot.inbox()) == []
            assert (await bot.guidance()).guidance is None
            assert (await bot.activity())["freqtrade-hft"].last_seen == NOON
            assert (await bot.roles())["hummingbot-mm"].leverage_cap == 2.0
            assert (await bot.portfolio()).portfolio is None
            with pytest.raises(Refused):
                await bot.guidance("nobody")

    asyncio.run(scenario())
    said = at_noon.publisher.messages
    assert [message.type for message in said] == [
        MessageType.HFT_SIGNAL,
        MessageType.TRADE_THESIS,
        MessageType.STRATEGY_DISCUSSION,
        MessageType.QUESTION,
        MessageType.INSIGHT,
    ]
    assert (said[0].message_id, said[0].payload) == ("s-1", SIGNAL)
