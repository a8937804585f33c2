"""The coordination job with what it needs and nothing else: Pub/Sub, Redis, the gateway."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from grpc import insecure_channel

from agents.client import AsyncGatewayClient, GatewayClient
from contracts.core_states import Teller, field_of
from contracts.live_view import LiveView
from contracts.rows.operations import CoreStateRow
from contracts.topics import EXPORT_JOB
from infra.local.environment import pubsub_host
from infra.local.evidence import Evidence, Witness
from tests.end_to_end.processes import PROJECT, Processes, running

JOB = "coordination"
_PARTS = frozenset({"redis", "pubsub", "identity", "topics", "gateway", JOB})
_TOLD_SECONDS = 10.0


class Stand:
    """The running processes, and the ways in and out."""

    def __init__(self, processes: Processes) -> None:
        self._plan = processes.plan
        self.processes = processes
        self.gateway_url = self._plan.url(self._plan.ports.gateway)
        self.operators_token = self._plan.tokens.operators
        self.desk = LiveView(self._plan.roster.desk)
        self.redis_url = self._plan.redis_url

    def client(self, agent: str) -> GatewayClient:
        """A bot's client with its own token."""
        return GatewayClient(agent, self._plan.tokens.agents[agent], self.gateway_url)

    def async_client(self, agent: str) -> AsyncGatewayClient:
        """The same for asyncio."""
        return AsyncGatewayClient(agent, self._plan.tokens.agents[agent], self.gateway_url)

    def look(self) -> Evidence:
        """The counts of Pub/Sub and of the live view."""
        return Witness(self.redis_url, self.desk.desk, self._plan.ports.pubsub_stats).look()

    def wait_until_told(self, core: str, position: int) -> None:
        """Return when the live view has the core's state after that entry of its log."""
        deadline = time.monotonic() + _TOLD_SECONDS
        with redis.Redis.from_url(self.redis_url) as server:
            while time.monotonic() < deadline:
                told = server.hget(self.desk.core_states, field_of(core, Teller.JOB))
                if told is not None and CoreStateRow.from_json(told).position >= position:
                    return
                time.sleep(0.05)
        raise AssertionError(f"{core} has not told its state after {position}; told is {told!r}"[:300])

    def rows(self) -> list[tuple[str, dict]]:
        """Every row that was published and not taken before, by table."""
        transport = SubscriberGrpcTransport(channel=insecure_channel(pubsub_host(self._plan.ports)))
        path = EXPORT_JOB.path(PROJECT)
        found: list[tuple[str, dict]] = []
        with pubsub_v1.SubscriberClient(transport=transport) as subscriber:
            while received := subscriber.pull(subscription=path, max_messages=1_000).received_messages:
                subscriber.acknowledge(subscription=path, ack_ids=[one.ack_id for one in received])
                for one in received:
                    table = one.message.attributes["table"]
                    found += [(table, json.loads(line)) for line in one.message.data.splitlines()]
        return found


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """The stand in a folder of its own, on free ports; everything has ended afterwards."""
    with running(folder, _PARTS, (JOB,)) as processes:
        yield Stand(processes)
