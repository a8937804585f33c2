"""The emulator as one object: broker, journal, gRPC services and counts, started and stopped together."""

import asyncio
import contextlib
import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.journal import SqliteJournal
from infra.local.pubsub.publisher import PublisherService
from infra.local.pubsub.settings import Bounds
from infra.local.pubsub.statistics import StatisticsServer
from infra.local.pubsub.subscriber import SubscriberService

TICK_SECONDS = 0.05
MAX_REQUEST = 64 * 1024 * 1024  # above the service's own 10 MB, so that our answer names the limit

_GRPC_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_REQUEST),
    ("grpc.max_send_message_length", -1),
    # Without it two emulators would share a port in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
]


class StartError(Exception):
    """The emulator cannot start; the text is one sentence that names the fix."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where to listen (port 0 takes a free one), where to keep state, and the bounds.

    `stats_port` None serves no counts. `pull_wait` is in seconds.
    """

    host: str = "127.0.0.1"
    port: int = 8085
    data_dir: Path | None = None
    stats_port: int | None = None
    pull_wait: float = 0.1
    bounds: Bounds = field(default_factory=Bounds)


class Server:
    """The running emulator. `port` and `stats_port` are the real ones after `start`."""

    def __init__(self, options: Options, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._clock = clock
        self._journal: SqliteJournal | None = None
        self._grpc: grpc.aio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._statistics: StatisticsServer | None = None
        self.broker = Broker(options.bounds)
        self.port = 0
        self.stats_port: int | None = None

    async def start(self) -> None:
        """Restore the state, listen, begin to tick. Raises StartError (port in use, folder not usable)."""
        options = self._options
        server = grpc.aio.server(options=_GRPC_OPTIONS)
        try:
            # gRPC would write its own lines about a port in use; a plain socket finds out in silence.
            family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
            socket.create_server((options.host, options.port), family=family).close()
            self.port = server.add_insecure_port(f"{options.host}:{options.port}")
        except (OSError, RuntimeError):
            raise StartError(
                f"Port {options.port} on {options.host} cannot be used (is another emulator running?): "
                "stop it or choose another with --port."
            ) from None
        self._grpc = server
        if options.data_dir is not None:
            self.broker = self._restored(options.data_dir)
        if options.stats_port is not None:
            self._statistics = StatisticsServer(self.broker)
            try:
                self.stats_port = await self._statistics.start(options.host, options.stats_port)
            except OSError:
                raise StartError(
                    f"Port {options.stats_port} on {options.host} cannot be used for the counts: "
                    "choose another with --stats-port."
                ) from None
        subscriber = SubscriberService(self.broker, self._clock, options.pull_wait)
        publisher = PublisherService(self.broker, self._clock)
        server.add_generic_rpc_handlers((publisher.handler(), subscriber.handler()))
        await server.start()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop at once: open calls are cancelled, the journal is committed and closed."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        if self._statistics is not None:
            await self._statistics.stop()
        if self._grpc is not None:
            await self._grpc.stop(grace=None)
        if self._journal is not None:
            self._journal.close()

    async def wait(self) -> None:
        """Return or raise when the tick ends: it ends only with an error, and then nothing may go on."""
        if self._ticking is not None:
            await self._ticking

    def _restored(self, folder: Path) -> Broker:
        try:
            self._journal = SqliteJournal(folder)
            broker = Broker(self._options.bounds, self._journal, self._journal.first_id)
            broker.restore(self._journal.topics(), self._journal.subscriptions())
        except (OSError, sqlite3.Error) as error:
            raise StartError(
                f"The state in {folder} cannot be used ({error}): stop the emulator that uses it, "
                "or choose another folder with --data-dir."
            ) from None
        return broker

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.broker.advance(self._clock())
