"""`python -m agents.gateway`: the gateway as a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from google.cloud import pubsub_v1
from redis import Redis, RedisError
from redis import asyncio as redis_asyncio
from rich.console import Console

from agents.gateway.app import create_app
from agents.gateway.desk import GatewayDesk
from agents.gateway.inboxes import Inboxes
from agents.gateway.live_view import RedisView
from agents.gateway.measures import Measures
from agents.gateway.publisher import BufferFull, PublishFailed, PubSubPublisher
from agents.gateway.subscription import DEADLINE_SECONDS, SubscriptionReader
from agents.gateway.tokens import Tokens, TokensError
from contracts.refusals import DeadLetter
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from contracts.topics import inbox_of

log = structlog.get_logger()

WRITE_SECONDS = 1.0
KEEP_ALIVE_TURNS = DEADLINE_SECONDS // 4


class Gateway:
    """The gateway with its connections: made from the settings, entered when the server starts."""

    def __init__(self, settings: Settings) -> None:
        roster = read_roster(settings.roster)
        admin = settings.admin_token.get_secret_value()
        tokens = Tokens.read(settings.gateway_tokens, roster.by_agent, admin)
        external = [profile.agent for profile in roster.agents if not profile.is_model_backed]
        self._settings = settings
        self._burials: set[asyncio.Task[None]] = set()
        self._redis = Redis.from_url(settings.redis_url, socket_timeout=2.0, socket_connect_timeout=2.0)
        self._view_redis = redis_asyncio.Redis.from_url(settings.redis_url, socket_timeout=2.0)
        self._publisher = PubSubPublisher(settings.project)
        measures = Measures()
        self.desk = GatewayDesk(
            roster=roster,
            tokens=tokens,
            publisher=self._publisher,
            inboxes=Inboxes(external, measures, self._bury),
            view=RedisView(self._view_redis),
            clock=settings.desk_clock,
            measures=measures,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read every inbox and write the measures, until left."""
        loop = asyncio.get_running_loop()
        inboxes = self.desk.inboxes
        subscriber = pubsub_v1.SubscriberClient()
        readers = [
            SubscriptionReader(
                subscriber,
                inbox_of(agent).path(self._settings.project),
                deliver=partial(inboxes.receive, loop, agent),
                held=partial(inboxes.receipts, agent),
            )
            for agent in inboxes.agents
        ]
        for agent, reader in zip(inboxes.agents, readers, strict=True):
            inboxes.read_through(agent, reader)
            reader.start()
        upkeep = asyncio.create_task(self._keep_up(readers))
        try:
            yield
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            await asyncio.gather(*(asyncio.to_thread(reader.stop) for reader in readers))
            await self._publisher.close()
            await asyncio.to_thread(self._write)
            await self._view_redis.aclose()
            subscriber.close()

    async def _keep_up(self, readers: list[SubscriptionReader]) -> None:
        """Once a second the measures, four times within Pub/Sub's deadline a sign that the held is held."""
        turn = 0
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            turn += 1
            await asyncio.to_thread(self._write)
            if turn % KEEP_ALIVE_TURNS == 0:
                for reader in readers:
                    reader.keep_alive()

    def _write(self) -> None:
        try:
            self.desk.measures.write(self._redis, self.desk.keys, self.desk.inboxes.held)
        except RedisError as error:
            log.warning("the live view cannot be written", error=str(error))

    def _bury(self, letter: DeadLetter) -> None:
        task = asyncio.get_running_loop().create_task(self._publish(letter))
        self._burials.add(task)
        task.add_done_callback(self._burials.discard)

    async def _publish(self, letter: DeadLetter) -> None:
        try:
            await self._publisher.bury(letter)
        except (BufferFull, PublishFailed) as failed:
            log.warning("a dead letter was not published", stage=letter.stage, error=str(failed))


class GatewayServer(uvicorn.Server):
    """The HTTP server; told to stop, it first answers the long polls, for which it would otherwise wait."""

    def __init__(self, config: uvicorn.Config, inboxes: Inboxes) -> None:
        super().__init__(config)
        self._inboxes = inboxes

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the signal on the event loop's thread, where the inboxes live; told twice, do not wait for anyone.

        uvicorn's own way raises the signal again when all is closed, and the process would end as if it had been killed.
        """
        asyncio.get_running_loop().call_soon_threadsafe(self._inboxes.end_polls)
        self.force_exit = self.should_exit
        self.should_exit = True


def main(
    port: Annotated[int, typer.Option(help="where to listen")] = 8081,
    host: Annotated[str, typer.Option(help="which address to listen on")] = "127.0.0.1",
) -> None:
    """Run the coordinator's gateway.

    Example: SAPPHIRE_GATEWAY_TOKENS=tokens.json python -m agents.gateway --port 8081
    """
    try:
        gateway = Gateway(Settings())
    except (RosterError, TokensError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    app = create_app(gateway.desk, gateway.running())
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3)
    GatewayServer(config, gateway.desk.inboxes).run()


if __name__ == "__main__":
    typer.run(main)
