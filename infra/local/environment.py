"""The environment of each part: where the others are, its own secrets, quiet libraries on one thread."""

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from infra.local.ports import HOST, Ports
from infra.local.redis import redis_url
from infra.local.state import StateFolder

QUIET: dict[str, str] = {
    "GRPC_VERBOSITY": "ERROR",
    "GLOG_minloglevel": "2",
    "ABSL_MIN_LOG_LEVEL": "2",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}

# A dozen processes on a few cores: none of them may think that the machine is its own.
ONE_THREAD: dict[str, str] = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
        "ARROW_NUM_THREADS",
    ),
    "1",
)

LIBRARIES: dict[str, str] = {**QUIET, **ONE_THREAD}
"""What libraries read when they are imported: the forge is told it, because it imports for all."""

_LOCAL_ALONE: dict[str, str] = {
    "NO_PROXY": f"{HOST},localhost",
    "no_proxy": f"{HOST},localhost",
    "NO_GCE_CHECK": "true",
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets of one run, made anew for each: who may send orders, and who is who at the gateway."""

    execution: str = field(repr=False)
    agents: Mapping[str, str] = field(repr=False)
    execution_read: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    execution_admin: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    operators: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def fresh(cls, agents: Iterable[str]) -> "Tokens":
        """Random tokens for the execution service and for each of the agents."""
        return cls(secrets.token_urlsafe(32), {agent: secrets.token_urlsafe(32) for agent in agents})

    def write_for_gateway(self, path: Path) -> None:
        """Write `{agent: token}` where only the owner reads it."""
        path.touch(mode=0o600)
        path.write_bytes(orjson.dumps(dict(self.agents)))

    def write_for_operators(self, path: Path, gateway: str) -> None:
        """Write where controls are taken, and by which token, where only the owner reads it."""
        path.touch(mode=0o600)
        path.write_bytes(orjson.dumps({"gateway": gateway, "token": self.operators}))

    def write_for_execution(self, path: Path) -> None:
        """Write `{scope: token}` where only the owner reads it."""
        path.touch(mode=0o600)
        scopes = {"trade": self.execution, "read": self.execution_read, "admin": self.execution_admin}
        path.write_bytes(orjson.dumps(scopes))


def pubsub_host(ports: Ports) -> str:
    """Our emulator, or the one that PUBSUB_EMULATOR_HOST names."""
    return os.environ.get("PUBSUB_EMULATOR_HOST") or f"{HOST}:{ports.pubsub}"


def live_view_url(ports: Ports) -> str:
    """Our Redis, or the one that REDIS_URL names."""
    return os.environ.get("REDIS_URL") or redis_url(ports)


def shared(ports: Ports, state: StateFolder, project: str, dataset: str, desk: str) -> dict[str, str]:
    """What every part may know."""
    return {
        **LIBRARIES,
        **_LOCAL_ALONE,
        "GOOGLE_CLOUD_PROJECT": project,
        "GOOGLE_APPLICATION_CREDENTIALS": str(state.service_account),
        # google-auth asks Google itself, in the background, where a service account may be used. That look-up cannot
        # be switched off, so it ends at our own identity endpoint, which declines: nothing leaves the machine.
        "HTTPS_PROXY": f"http://{HOST}:{ports.identity}",
        "https_proxy": f"http://{HOST}:{ports.identity}",
        "PUBSUB_EMULATOR_HOST": pubsub_host(ports),
        "BIGQUERY_EMULATOR_HOST": f"http://{HOST}:{ports.bigquery}",
        "REDIS_URL": live_view_url(ports),
        "SAPPHIRE_DATASET": dataset,
        "SAPPHIRE_DESK": desk,
        "SAPPHIRE_CLOCK": str(state.clock),
        "SAPPHIRE_VERTEX_URL": f"http://{HOST}:{ports.vertex}",
        "SAPPHIRE_EXECUTION_URL": f"http://{HOST}:{ports.execution}",
        "SAPPHIRE_GATEWAY_URL": f"http://{HOST}:{ports.gateway}",
    }


def may_order(tokens: Tokens) -> dict[str, str]:
    """For the trading job and the execution service alone."""
    return {"SAPPHIRE_EXECUTION_TOKEN": tokens.execution}


def keeps_orders(state: StateFolder) -> dict[str, str]:
    """For the execution service alone: its ledger, its kill switch, and whose tokens are whose."""
    return {
        "SAPPHIRE_LEDGER_URL": f"sqlite:///{state.ledger}",
        "SAPPHIRE_KILL_SWITCH": str(state.kill_switch),
        "SAPPHIRE_EXECUTION_TOKENS": str(state.execution_tokens),
    }


def knows_agents(state: StateFolder, tokens: Tokens) -> dict[str, str]:
    """For the gateway alone: whose tokens are whose, and the operators'."""
    return {"SAPPHIRE_GATEWAY_TOKENS": str(state.gateway_tokens), "SAPPHIRE_ADMIN_TOKEN": tokens.operators}


def is_agent(tokens: Tokens, agent: str) -> dict[str, str]:
    """For one bot alone: its own token."""
    return {"SAPPHIRE_AGENT_TOKEN": tokens.agents[agent]}


def reads_roster(path: Path) -> dict[str, str]:
    """Who is on the desk, when it is not the project's own roster that tells."""
    return {"SAPPHIRE_ROSTER": str(path)}


def serves_models(port: int) -> dict[str, str]:
    """The contract of a Vertex AI custom container."""
    return {
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": "/health",
        "AIP_PREDICT_ROUTE": "/predict/{model}",
    }
