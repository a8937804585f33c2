"""A running bot: the market from its own subscription, the desk through the gateway."""

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal

import structlog
from google.api_core.exceptions import NotFound
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message as PubSubMessage

from agents.bots.core import BotCore, Saying
from agents.bots.history import bars_in
from agents.client import AsyncGatewayClient, BackPressure, Refused, Unreachable
from contracts.market_data import MarketBatch, read_market_batch
from contracts.refusals import Refusal

log = structlog.get_logger()

HEARTBEAT_SECONDS = 10.0
WAIT_SECONDS = 20.0
OUTSTANDING = 200
AGAIN_SECONDS = 1.0


class NoMarket(Exception):
    """The bot's market-data subscription is not there; the text names it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    batch: MarketBatch
    transport: PubSubMessage


class Bot:
    """A bot's three tasks: the market, the inbox, the heartbeat. `run` ends when one of them fails."""

    def __init__(self, core: BotCore, client: AsyncGatewayClient, subscription: str) -> None:
        self._core = core
        self._client = client
        self._subscription = subscription
        self._market: asyncio.Queue[_Seen] = asyncio.Queue()
        self._latency_ms: float | None = None

    async def run(self) -> None:
        """Follow the market until cancelled, from before it registers on: who is registered misses no bar."""
        loop = asyncio.get_running_loop()
        subscriber = pubsub_v1.SubscriberClient()

        def came(transport: PubSubMessage) -> None:
            try:
                batch = read_market_batch(transport.data, dict(transport.attributes))
            except Refusal as refusal:
                log.warning("market data that cannot be read", error=refusal.error)
                transport.ack()
                return
            loop.call_soon_threadsafe(self._market.put_nowait, _Seen(batch, transport))

        pull = subscriber.subscribe(
            self._subscription,
            callback=came,
            flow_control=pubsub_v1.types.FlowControl(max_messages=OUTSTANDING),
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch(pull))
                await self._until_there()
                tasks.create_task(self._follow_market())
                tasks.create_task(self._read_inbox())
                tasks.create_task(self._beat())
        finally:
            pull.cancel()
            await asyncio.to_thread(subscriber.close)

    async def _until_there(self) -> None:
        """The gateway may start later than its bots."""
        while True:
            try:
                registered = await self._client.register("sapphire stand-in")
                guidance = await self._client.guidance()
                portfolio = await self._client.portfolio()
            except Unreachable as error:
                log.info("waiting for the gateway", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._core.guided(guidance.guidance)
            for position in portfolio.positions:
                if position["agent"] == registered.agent:
                    self._core.holds(position["symbol"], Decimal(str(position["quantity"])))
            return

    async def _watch(self, pull: pubsub_v1.subscriber.futures.StreamingPullFuture) -> None:
        try:
            await asyncio.wrap_future(pull)
        except NotFound:
            raise NoMarket(f"the subscription {self._subscription} does not exist: create it first") from None

    async def _follow_market(self) -> None:
        while True:
            seen = await self._market.get()
            for bar in bars_in(seen.batch):
                await self._say(self._core.saw(seen.batch.symbol, bar))
            seen.transport.ack()

    async def _read_inbox(self) -> None:
        while True:
            try:
                messages = await self._client.inbox(WAIT_SECONDS)
                for message in messages:
                    await self._say(self._core.heard(message))
                if messages:
                    await self._client.ack(messages)
            except (Unreachable, BackPressure) as error:
                log.warning("the inbox cannot be read", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _beat(self) -> None:
        while True:
            try:
                began = time.perf_counter()
                await self._client.heartbeat(latency_ms=self._latency_ms)
                self._latency_ms = (time.perf_counter() - began) * 1_000
            except (Unreachable, BackPressure) as error:
                log.warning("no heartbeat", error=str(error))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _say(self, sayings: list[Saying]) -> None:
        """Say it; what the gateway refuses or cannot take is told in the log and not said later, when it is old."""
        for saying in sayings:
            try:
                await self._client.send(
                    saying.payload,
                    saying.recipient,
                    correlation_id=saying.correlation_id,
                    message_id=saying.message_id,
                )
            except (Refused, BackPressure, Unreachable) as error:
                log.warning("not said", message_id=saying.message_id, error=str(error))
