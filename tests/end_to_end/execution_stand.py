"""The execution service with what it needs and nothing else: Pub/Sub, Redis, and prices that go on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from grpc import insecure_channel
from pydantic import SecretStr

from contracts.market_data import MarketBatch
from contracts.message import Message, MessageType
from contracts.orders import OrderRequest, OrderView, PositionView
from contracts.payloads import OrderExecution
from contracts.time import WallClock
from contracts.topics import MARKET_DATA, TRADING_JOB
from execution.client import OrderClient, OrderClientOptions
from infra.local.environment import pubsub_host
from tests.end_to_end.processes import PROJECT, Processes, running
from tests.execution.trading_floor import quote, request

SERVICE = "execution"
_PARTS = frozenset({"redis", "pubsub", "identity", "topics", SERVICE})
_QUOTE_EVERY_SECONDS = 0.1
BID, ASK = 41_999.9, 42_000.0


class Stand:
    """The service and the ways in and out."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self._plan = processes.plan
        self.url = self._plan.url(self._plan.ports.execution)

    def order(self, name: str) -> OrderRequest:
        """A small market order that was decided now; the same name is the same order."""
        decided = {"quantity": Decimal("0.001"), "decided_at": WallClock().now()}
        return request(name, reference_price=Decimal(str(ASK)), **decided)

    def client(self) -> OrderClient:
        """The client of the trading job."""
        options = OrderClientOptions(
            self.url, SecretStr(self._plan.tokens.execution), heartbeat_seconds=1.0, open_seconds=0.1
        )
        return OrderClient(options)

    def get(self, path: str) -> list:
        """What the API lists, with the token that may read."""
        headers = {"authorization": f"Bearer {self._plan.tokens.execution_read}"}
        answer = httpx.get(f"{self.url}{path}", headers=headers, params={"limit": 1_000}, trust_env=False)
        answer.raise_for_status()
        found: list = answer.json()
        return found

    def orders(self) -> dict[str, OrderView]:
        """The ledger's orders by their client_order_id."""
        views = [OrderView.model_validate(found) for found in self.get("/orders")]
        return {view.request.client_order_id: view for view in views}

    def positions(self) -> list[PositionView]:
        """The ledger's positions."""
        return [PositionView.model_validate(found) for found in self.get("/positions")]

    def wait_until_ready(self) -> None:
        """Return when the service takes orders: it has a price, and is at one with its venue."""
        there = threading.Event()
        for _ in range(600):
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            there.wait(0.05)
        raise AssertionError("the execution service does not become ready")

    def wait_until_settled(self) -> None:
        """Return when no order is open: an order travels to the paper venue, and trades at the prices told after that."""
        there = threading.Event()
        for _ in range(600):
            if all(view.status.is_final for view in self.orders().values()):
                return
            there.wait(0.05)
        raise AssertionError("orders stay open")

    def executions(self) -> dict[str, list[tuple[int, OrderExecution]]]:
        """What the desk was told, by order: each step once, in the order of its sequence, however often it was told."""
        steps: dict[str, OrderExecution] = {}
        # Of its own: a subscriber closes its channel, and the prices go on.
        channel = insecure_channel(pubsub_host(self._plan.ports))
        with pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)) as subscriber:
            path = TRADING_JOB.path(PROJECT)
            while received := subscriber.pull(subscription=path, max_messages=1_000).received_messages:
                subscriber.acknowledge(subscription=path, ack_ids=[one.ack_id for one in received])
                for one in received:
                    message = Message.from_json(one.message.data)
                    if message.type is MessageType.ORDER_EXECUTION:
                        step = message.payload
                        assert isinstance(step, OrderExecution)
                        assert steps.setdefault(step.execution_id, step) == step
        told: dict[str, list[tuple[int, OrderExecution]]] = {}
        for step in sorted(steps.values(), key=lambda step: step.sequence):
            told.setdefault(step.client_order_id, []).append((step.sequence, step))
        return told

    @contextmanager
    def prices(self) -> Iterator[None]:
        """A quote ten times a second, as a feed would publish it."""
        topic, done = MARKET_DATA.path(PROJECT), threading.Event()

        def go_on(publisher: pubsub_v1.PublisherClient) -> None:
            sequence = 0
            while not done.wait(_QUOTE_EVERY_SECONDS):
                sequence += 1
                batch: MarketBatch = replace(quote(BID, ASK, WallClock().now()), sequence=sequence)
                publisher.publish(topic, batch.encode(), **batch.attributes()).result(10)

        with insecure_channel(pubsub_host(self._plan.ports)) as channel:
            publisher = pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel))
            thread = threading.Thread(target=go_on, args=(publisher,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                done.set()
                thread.join(10)


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """The stand in a folder of its own, on free ports; everything has ended afterwards."""
    with running(folder, _PARTS, ()) as processes:
        there = Stand(processes)
        with there.prices():
            there.wait_until_ready()
            yield there
