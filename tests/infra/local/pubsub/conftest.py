"""The emulator on a free port, and the ordinary clients pointed at it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1.types import ReceivedMessage

from infra.local.pubsub.server import Options, Server

Starter = Callable[[Options], Server]


class Running:
    """Servers on an event loop of their own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers: list[Server] = []

    def start(self, options: Options) -> Server:
        server = Server(options)
        asyncio.run_coroutine_threadsafe(server.start(), self._loop).result(10)
        self._servers.append(server)
        return server

    def stop(self, server: Server) -> None:
        self._servers.remove(server)
        asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result(10)

    def close(self) -> None:
        for server in list(self._servers):
            self.stop(server)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@pytest.fixture
def server(running: Running) -> Server:
    return running.start(Options(port=0, stats_port=0))


class Clients:
    """A publisher and a subscriber of the ordinary library, connected to one emulator."""

    def __init__(self, port: int, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        self.publisher = pubsub_v1.PublisherClient(
            batch_settings=pubsub_v1.types.BatchSettings(max_messages=1),
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
        )
        self.subscriber = pubsub_v1.SubscriberClient()
        self.topic = self.publisher.topic_path("sapphire-test", "events")
        self.subscription = self.subscriber.subscription_path("sapphire-test", "events-sub")

    def create(self, **settings: object) -> None:
        self.publisher.create_topic(name=self.topic)
        self.subscriber.create_subscription(
            request={"name": self.subscription, "topic": self.topic, **settings}
        )

    def pull(self, count: int) -> list[ReceivedMessage]:
        """Pull until `count` messages are there (the test's own time limit ends a wait in vain)."""
        received: list[ReceivedMessage] = []
        while len(received) < count:
            answer = self.subscriber.pull(subscription=self.subscription, max_messages=count - len(received))
            received.extend(answer.received_messages)
        return received

    def close(self) -> None:
        self.publisher.stop()
        self.subscriber.close()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Server], Clients]]:
    opened: list[Clients] = []

    def connect(server: Server) -> Clients:
        clients = Clients(server.port, monkeypatch)
        opened.append(clients)
        return clients

    yield connect
    for clients in opened:
        clients.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool
