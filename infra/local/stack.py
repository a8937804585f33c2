"""The stack: which parts it has, how each is started, and what each waits for.

at once           redis, pubsub, bigquery, identity, vertex, model-server, and a language model if one was asked for
then, as tasks    topics, tables
then              the jobs, execution, gateway
then              the bots, when the gateway is there
when all stand    replay (which `run` starts by itself): every job reads, every bot follows the market and is registered

All but Redis and BigQuery are forked from the forge, where there is one.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from contracts.live_view import LiveView
from contracts.roster import Roster
from infra.local import environment
from infra.local.bigquery import bigquery
from infra.local.environment import Tokens
from infra.local.language_model import LanguageModel
from infra.local.part import Part, module
from infra.local.ports import HOST, Ports
from infra.local.probes import Probe, answers, has_spoken, listens, says_ready
from infra.local.redis import redis
from infra.local.state import StateFolder

JOBS = ("market", "coordination", "decisions", "trading", "export")
RUNNER = "BundleBasedDirectRunner"
REPLAY = "replay"
LANGUAGE_MODEL = "language-model"

_JOBS_NEED = {"decisions": ("vertex", "model-server"), "trading": ("execution",), "export": ("tables",)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run was asked for; `snapshot_seconds` None leaves the market job what it does by itself."""

    state: StateFolder
    ports: Ports
    tokens: Tokens
    roster: Roster
    project: str
    dataset: str
    jobs: tuple[str, ...] = JOBS
    recording: Path | None = None
    speed: float = 60.0
    snapshot_seconds: int | None = None
    language_model: LanguageModel | None = None

    @property
    def shared(self) -> dict[str, str]:
        """The environment that all parts have in common."""
        told = environment.shared(self.ports, self.state, self.project, self.dataset, self.roster.desk)
        return told | environment.reads_roster(self.state.roster) if self.language_model else told

    @property
    def redis_url(self) -> str:
        """The live view."""
        return environment.live_view_url(self.ports)

    @property
    def bots(self) -> tuple[str, ...]:
        """The external agents, for which rule programs stand in here."""
        return tuple(profile.agent for profile in self.roster.agents if not profile.is_model_backed)

    def url(self, port: int, path: str = "") -> str:
        """An address on this machine."""
        return f"http://{HOST}:{port}{path}"


def unused_ports() -> list[str]:
    """The listeners that are somebody else's: an official Pub/Sub emulator, a Redis that is there already."""
    unused = ["pubsub", "pubsub_stats"] if "PUBSUB_EMULATOR_HOST" in os.environ else []
    return [*unused, "redis"] if "REDIS_URL" in os.environ else unused


def desk_parts(plan: Plan) -> list[Part]:
    """Everything but the replay, in the order in which one would tell it."""
    parts = [*_platform(plan), *_tasks(plan), *_services(plan), *(_job(plan, job) for job in plan.jobs)]
    return [*parts, *(_bot(plan, agent) for agent in plan.bots)]


def _platform(plan: Plan) -> list[Part]:
    ports, shared = plan.ports, plan.shared
    parts = [
        bigquery(ports, plan.state, plan.project),
        Part(
            "identity",
            module("infra.local.google_identity", "--port", str(ports.identity)),
            ready=answers(plan.url(ports.identity)),
            forged=True,
        ),
        Part(
            "model-server",
            module("agents.serving"),
            {**shared, **environment.serves_models(ports.model_server)},
            answers(plan.url(ports.model_server, "/health")),
            forged=True,
        ),
        Part(
            "vertex",
            module(
                "infra.local.vertex",
                "--port",
                str(ports.vertex),
                "--model-server",
                plan.url(ports.model_server),
                *_serves_language_model(plan),
            ),
            shared,
            listens(HOST, ports.vertex),
            forged=True,
        ),
    ]
    if plan.language_model is not None:
        parts.append(_language_model(plan, plan.language_model))
    if "pubsub" not in unused_ports():
        options = ("--port", str(ports.pubsub), "--stats-port", str(ports.pubsub_stats))
        listening = listens(HOST, ports.pubsub_stats)
        pubsub = Part("pubsub", module("infra.local.pubsub", *options), shared, listening, forged=True)
        parts.insert(0, pubsub)
    if "redis" not in unused_ports():
        parts.insert(0, redis(ports))
    return parts


def _language_model(plan: Plan, model: LanguageModel) -> Part:
    port = plan.ports.language_model
    env = {**plan.shared, **environment.serves_models(port)}
    command = module("agents.serving", *model.server_options)
    return Part(LANGUAGE_MODEL, command, env, answers(plan.url(port, "/health")), forged=True)


def _serves_language_model(plan: Plan) -> tuple[str, ...]:
    """What the Vertex emulator is told of it."""
    if plan.language_model is None:
        return ()
    return "--serve", f"{plan.language_model.name}={plan.url(plan.ports.language_model)}"


def _tasks(plan: Plan) -> list[Part]:
    topics = module("infra.cli", "topics", "create")
    tables = module("infra.cli", "bigquery", "create", "--no-expiration")
    return [
        Part("topics", topics, plan.shared, after=_there("pubsub", "identity"), finishes=True, forged=True),
        Part("tables", tables, plan.shared, after=("bigquery", "identity"), finishes=True, forged=True),
    ]


def _services(plan: Plan) -> list[Part]:
    ports, needs = plan.ports, ("topics", *_there("redis"))
    return [
        Part(
            "execution",
            module("execution.service", "--port", str(ports.execution)),
            {**plan.shared, **environment.may_order(plan.tokens), **environment.keeps_orders(plan.state)},
            answers(plan.url(ports.execution, "/healthz")),  # ready for orders with the first price
            needs,
            forged=True,
        ),
        Part(
            "gateway",
            module("agents.gateway", "--port", str(ports.gateway)),
            {**plan.shared, **environment.knows_agents(plan.state, plan.tokens)},
            answers(plan.url(ports.gateway, "/readyz")),
            needs,
            forged=True,
        ),
    ]


def _job(plan: Plan, job: str) -> Part:
    env = {**plan.shared, **(environment.may_order(plan.tokens) if job == "trading" else {})}
    options: tuple[str, ...] = ("--runner", RUNNER, "--streaming", "--project", plan.project)
    model = plan.language_model if job == "decisions" else None
    if model is not None:  # it is slow, and asking it again would only make it slower
        patience = str(model.deadline_seconds)
        options = (*options, "--call_deadline_seconds", patience, "--call_attempts", "1")
    if job == "market" and plan.snapshot_seconds is not None:
        options = (*options, "--snapshot_seconds", str(plan.snapshot_seconds))
    ready = says_ready(plan.redis_url, LiveView(plan.roster.desk).flow(job))
    needs = ("topics", *_there("redis"), *_JOBS_NEED.get(job, ()), *((LANGUAGE_MODEL,) if model else ()))
    return Part(job, module(f"pipelines.{job}", *options), env, ready, needs, forged=True)


def _bot(plan: Plan, agent: str) -> Part:
    env = {**plan.shared, **environment.is_agent(plan.tokens, agent)}
    # Asked by the operators, because an agent that asks is seen itself.
    ready = has_spoken(plan.url(plan.ports.gateway, "/agent-activity"), plan.tokens.operators, agent)
    return Part(agent, module("agents.bots", agent), env, ready, ("gateway",), forged=True)


def replay_part(plan: Plan) -> Part:
    """The replay of a recording, by default the project's own; it may end when the recording is over."""
    recording = (str(plan.recording),) if plan.recording else ()
    command = module("execution.feed.replay", *recording, "--speed", str(plan.speed))
    ready = _clock_runs(plan.state.clock)
    return Part(REPLAY, command, plan.shared, ready, may_end=True, forged=True)


def _clock_runs(clock: Path) -> Probe:
    """Ready when the replay has set the desk's clock going."""

    def probe() -> bool:
        return clock.exists() and bool(json.loads(clock.read_text())["wall_origin"])

    return probe


def _there(*names: str) -> tuple[str, ...]:
    """Those of the named parts that this run starts itself."""
    unused = unused_ports()
    return tuple(name for name in names if name not in unused)
