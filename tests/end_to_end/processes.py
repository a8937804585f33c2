"""Some of the local stack's processes, started as `make run` starts them, to be stopped, killed and started again."""

import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from contracts.roster import read_roster
from contracts.settings import Settings
from contracts.time import WallClock, write_replay_origin
from infra.local.environment import Tokens
from infra.local.google_identity import write_service_account
from infra.local.part import Part
from infra.local.ports import Ports
from infra.local.process import Process
from infra.local.stack import Plan, desk_parts
from infra.local.state import StateFolder
from infra.local.supervisor import Supervisor

PROJECT = "sapphire-stand"
_START_SECONDS = 60.0


class Processes:
    """The running processes by name, and the plan that they were started by."""

    def __init__(self, plan: Plan, parts: dict[str, Part], supervisor: Supervisor) -> None:
        self.plan = plan
        self._parts = parts
        self._supervisor = supervisor

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

    def _process(self, name: str) -> Process:
        return next(process for process in self._supervisor.processes() if process.part.name == name)


@contextmanager
def running(folder: Path, names: Collection[str], jobs: tuple[str, ...]) -> Iterator[Processes]:
    """Those parts of a stack with these jobs, in a folder of its own and on free ports; all have ended afterwards."""
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
        jobs=jobs,
    )
    write_service_account(state.service_account, PROJECT, plan.ports.identity)
    plan.tokens.write_for_gateway(state.gateway_tokens)
    plan.tokens.write_for_execution(state.execution_tokens)
    now = WallClock().now()
    write_replay_origin(state.clock, now, now, 1.0)
    parts = {part.name: part for part in desk_parts(plan) if part.name in names}
    with Supervisor(state.logs) as supervisor:
        supervisor.start(list(parts.values()), _START_SECONDS)
        yield Processes(plan, parts, supervisor)
