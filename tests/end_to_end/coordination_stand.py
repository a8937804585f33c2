"""The coordination job with what it needs and nothing else: Pub/Sub, Redis, the gateway."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import redis
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from grpc import insecure_channel

from agents.client import AsyncGatewayClient, GatewayClient
from contracts.core_states import Teller, field_of
from contracts.live_view import LiveView
from contracts.roster import read_roster
from contracts.rows.operations import CoreStateRow
from contracts.settings import Settings
from contracts.time import WallClock, write_replay_origin
from contracts.topics import EXPORT_JOB
from infra.local.environment import Tokens, pubsub_host
from infra.local.evidence import Evidence, Witness
from infra.local.google_identity import write_service_account
from infra.local.part import Part
from infra.local.ports import Ports
from infra.local.process import Process
from infra.local.stack import Plan, desk_parts
from infra.local.state import StateFolder
from infra.local.supervisor import Supervisor

PROJECT = "sapphire-stand"
ADMIN = "the-token-of-the-operators"
JOB = "coordination"
_PARTS = frozenset({"redis", "pubsub", "identity", "topics", "gateway", JOB})
_START_SECONDS = 60.0
_TOLD_SECONDS = 10.0


class Stand:
    """The running processes, and the ways in and out."""

    def __init__(self, plan: Plan, parts: dict[str, Part], supervisor: Supervisor) -> None:
        self._plan = plan
        self._parts = parts
        self._supervisor = supervisor
        self.gateway_url = plan.url(plan.ports.gateway)
        self.desk = LiveView(plan.roster.desk)
        self.redis_url = plan.redis_url

    def client(self, agent: str) -> GatewayClient:
        """A bot's client with its own token."""
        return GatewayClient(agent, self._plan.tokens.agents[agent], self.gateway_url)

    def async_client(self, agent: str) -> AsyncGatewayClient:
        """The same for asyncio."""
        return AsyncGatewayClient(agent, self._plan.tokens.agents[agent], self.gateway_url)

    def stop(self, name: str) -> int | None:
        """Ask a process to end; its exit code."""
        process = self._process(name)
        self._supervisor.stop({name})
        return process.exit_code

    def kill(self, name: str) -> None:
        """End a process without asking."""
        process = self._process(name)
        process.signal(signal.SIGKILL)
        process.wait(5.0)
        self._supervisor.stop({name})

    def start(self, name: str) -> None:
        """Start a process again."""
        self._supervisor.start([self._parts[name]], _START_SECONDS)

    def cpu_seconds(self, name: str) -> float:
        """The processor time that a process has used."""
        times = psutil.Process(self._process(name).pid).cpu_times()
        return times.user + times.system

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

    def _process(self, name: str) -> Process:
        return next(process for process in self._supervisor.processes() if process.part.name == name)


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """The stand in a folder of its own, on free ports; everything has ended afterwards."""
    state = StateFolder(folder)
    state.root.mkdir(parents=True, exist_ok=True)
    state.cleared()
    roster = read_roster(Settings.model_fields["roster"].default)
    bots = [profile.agent for profile in roster.agents if not profile.is_model_backed]
    plan = Plan(
        state=state,
        ports=Ports.chosen((), any_free=True).settled(),
        tokens=Tokens.fresh(bots),
        roster=roster,
        project=PROJECT,
        dataset="sapphire",
        jobs=(JOB,),
    )
    write_service_account(state.service_account, PROJECT, plan.ports.identity)
    plan.tokens.write_for_gateway(state.gateway_tokens)
    now = WallClock().now()
    write_replay_origin(state.clock, now, now, 1.0)
    parts = {part.name: part for part in desk_parts(plan) if part.name in _PARTS}
    gateway = parts["gateway"]
    parts["gateway"] = replace(gateway, env={**gateway.env, "SAPPHIRE_ADMIN_TOKEN": ADMIN})
    with Supervisor(state.logs) as supervisor:
        supervisor.start(list(parts.values()), _START_SECONDS)
        yield Stand(plan, parts, supervisor)
