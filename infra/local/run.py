"""One run of the desk on this machine: up, trade, drain, summary, down."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import psutil
import redis
from rich.console import Console

from contracts.roster import RosterError, read_roster
from contracts.time import write_replay_origin
from execution.feed.recordings import RecordingError, open_recording
from infra.local.accounting import balances, is_followed, unbalanced
from infra.local.closing import complaints, draw_up
from infra.local.environment import Tokens
from infra.local.errors import StackError
from infra.local.evidence import Evidence, Witness
from infra.local.forge.client import Forge
from infra.local.google_identity import write_service_account
from infra.local.language_model import LanguageModel
from infra.local.ports import Ports
from infra.local.progress import Progress, latencies, stage_table
from infra.local.stack import REPLAY, Plan, desk_parts, replay_part, unused_ports
from infra.local.state import StateFolder
from infra.local.summary import Summary
from infra.local.supervisor import PartDiedError, Supervisor

START_SECONDS = 120.0
INTERRUPTED = 130

BOTS_SECONDS = 10.0
"""So long the bots have for the end of a recording before they are stopped."""

_LOOK_EVERY_SECONDS = 0.5

_SIMULATED = (
    "[bold]Simulated here:[/bold] orders are filled by the paper venue, not by an exchange; documented "
    "trading rules answer where {answered} in production; the market is recorded ({market}), "
    "played {speed:g} times as fast as it was."
)
_REAL = (
    "[bold]Real here:[/bold] {about}, answers for {agents}, through the same endpoints as in production. It shows that "
    "the path works; what it decides means nothing."
)


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; `seconds` None trades until the recording is over or Ctrl-C."""

    state: StateFolder
    ports: Ports
    roster: Path
    project: str
    dataset: str
    jobs: tuple[str, ...]
    speed: float
    language_model: LanguageModel | None = None
    recording: Path | None = None
    seconds: float | None = None
    summary: Path | None = None


def run(request: Request, forge: Forge | None, console: Console) -> int:
    """Run the desk in a state folder that is held; returns the exit code.

    The parts are forked from the forge, if there is one. Raises `StackError` for what the user has to put right.
    """
    with _ends_like_ctrl_c():
        plan = _prepare(request)
        return _Run(request, plan, forge, console).through()


def _age_seconds() -> float:
    """How long this command has been running: the interpreter's own start is part of the wait."""
    return time.time() - psutil.Process().create_time()


def _prepare(request: Request) -> Plan:
    """Everything that can be found wrong before a process is started."""
    try:
        roster = read_roster(request.roster)
        recording = open_recording(request.recording)
        opening, bar_seconds = recording.start(), recording.bar_seconds()
    except (RosterError, RecordingError) as error:
        raise StackError(str(error)) from None
    if request.summary and not request.summary.absolute().parent.is_dir():
        raise StackError(f"there is no folder {request.summary.absolute().parent} for the summary")
    if request.language_model is not None:
        roster = request.language_model.asked_by(roster)
    unused = unused_ports() if request.language_model else [*unused_ports(), "language_model"]
    ports = request.ports.settled(unused)
    request.state.cleared()
    if request.summary:
        request.summary.unlink(missing_ok=True)
    plan = Plan(
        state=request.state,
        ports=ports,
        tokens=Tokens.fresh(profile.agent for profile in roster.agents if not profile.is_model_backed),
        roster=roster,
        project=request.project,
        dataset=request.dataset,
        jobs=request.jobs,
        recording=request.recording,
        speed=request.speed,
        snapshot_seconds=bar_seconds,
        language_model=request.language_model,
    )
    if plan.language_model is not None:
        plan.state.roster.write_bytes(roster.to_json())
    write_service_account(plan.state.service_account, plan.project, ports.identity)
    plan.tokens.write_for_gateway(plan.state.gateway_tokens)
    plan.tokens.write_for_operators(plan.state.operators, plan.url(ports.gateway))
    plan.tokens.write_for_execution(plan.state.execution_tokens)
    plan.state.emulators.write_text(json.dumps({"project": plan.project, "bigquery": ports.bigquery}))
    write_replay_origin(plan.state.clock, opening, None, plan.speed)
    return plan


@contextmanager
def _ends_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and a closed terminal end the run as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    def __init__(self, request: Request, plan: Plan, forge: Forge | None, console: Console) -> None:
        self._request = request
        self._plan = plan
        self._console = console
        self._supervisor = Supervisor(plan.state.logs, forge=forge)
        statistics = None if "pubsub" in unused_ports() else plan.ports.pubsub_stats
        self._witness = Witness(plan.redis_url, plan.roster.desk, statistics)
        self._startup_seconds = 0.0
        self._traded_since = 0.0

    def through(self) -> int:
        try:
            return self._through()
        except KeyboardInterrupt:
            self._console.print("Stopping.")
            return INTERRUPTED
        except PartDiedError as died:
            self._console.print(str(died), style="red", markup=False, soft_wrap=True)
            for line in died.lines:
                self._console.print(f"  {died.name} | {line}", markup=False, highlight=False, soft_wrap=True)
            return 1
        except (redis.RedisError, OSError) as error:
            self._supervisor.check()  # more telling, when it is because a part died
            raise StackError(f"the stack does not answer any more: {error}") from None
        finally:
            self._down()

    def _down(self) -> None:
        try:
            self._supervisor.stop()
        except KeyboardInterrupt:
            self._supervisor.kill()

    def _through(self) -> int:
        market = self._plan.recording or "BTCUSDT and ETHUSDT, one-minute bars of 2024-01-15"
        model = self._plan.language_model
        answered = "other models do" if model else "language models do"
        self._console.print(
            _SIMULATED.format(answered=answered, market=market, speed=self._plan.speed), soft_wrap=True
        )
        if model is not None:
            agents = " and ".join(model.agents(self._plan.roster))
            self._console.print(_REAL.format(about=model.about, agents=agents), soft_wrap=True)
        with Progress(self._console) as progress:
            self._start(progress)
            try:
                self._trade(progress)
            except KeyboardInterrupt:
                progress.say("Stopping: what is under way is finished first. Ctrl-C again ends it at once.")
            seconds = time.monotonic() - self._traded_since
            try:
                summary = self._drain(progress, seconds)
            except KeyboardInterrupt:
                self._supervisor.kill()
                raise
        return self._close(summary)

    def _start(self, progress: Progress) -> None:
        parts = desk_parts(self._plan)
        names = [part.name for part in parts]
        if "redis" in unused_ports():
            self._witness.forget()
        self._supervisor.start(
            parts,
            START_SECONDS,
            tick=lambda: progress.starting(self._supervisor.ready, names, _age_seconds()),
        )
        self._supervisor.start([replay_part(self._plan)], START_SECONDS)
        self._traded_since = time.monotonic()
        self._startup_seconds = _age_seconds()
        ports = self._plan.ports
        progress.say(
            f"The stack is up in {self._startup_seconds:.1f} s: execution service "
            f"{self._plan.url(ports.execution)}, gateway {self._plan.url(ports.gateway)}, "
            f"logs in {self._plan.state.logs}"
        )

    def _trade(self, progress: Progress) -> None:
        """Watch until the time is up or the recording is over."""
        until = self._request.seconds
        while not self._supervisor.has_ended(REPLAY):
            self._supervisor.check()
            seconds = time.monotonic() - self._traded_since
            if until is not None and seconds >= until:
                return
            self._show(progress, self._witness.look(), seconds, "trading")
            left = _LOOK_EVERY_SECONDS if until is None else min(_LOOK_EVERY_SECONDS, until - seconds)
            time.sleep(max(left, 0))
        self._supervisor.check()
        self._let_bots_follow()

    def _let_bots_follow(self) -> None:
        """What the bots say to the recording's last bar is part of the day."""
        deadline = time.monotonic() + BOTS_SECONDS
        while not is_followed(self._witness.look(), self._plan.bots) and time.monotonic() < deadline:
            self._supervisor.check()
            time.sleep(_LOOK_EVERY_SECONDS)

    def _drain(self, progress: Progress, seconds: float) -> Summary:
        self._supervisor.stop({REPLAY, *self._plan.bots})

        def tick(evidence: Evidence) -> None:
            self._supervisor.check()
            self._show(progress, evidence, seconds, "finishing what is under way")

        summary = draw_up(self._plan, self._witness, seconds, tick)
        return replace(summary, startup_seconds=self._startup_seconds)

    def _show(self, progress: Progress, evidence: Evidence, seconds: float, note: str) -> None:
        progress.trading(evidence, balances(evidence, self._plan.jobs, self._plan.bots), seconds, note)

    def _close(self, summary: Summary) -> int:
        if self._request.summary:
            summary.write(self._request.summary)
        self._tell(summary)
        wrong = complaints(summary)
        for complaint in wrong:
            self._console.print(
                f"{complaint[0].upper()}{complaint[1:]}.", style="red", markup=False, soft_wrap=True
            )
        return 1 if unbalanced(summary.accounts) else 0

    def _tell(self, summary: Summary) -> None:
        say = self._console.print
        say(stage_table(summary.accounts))
        say(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in summary.counts.items()))
        filled = {name: rows for name, rows in summary.evidence.tables.items() if rows}
        say("rows in BigQuery: " + ", ".join(f"{name} {rows:,}" for name, rows in filled.items()))
        say(
            "model calls by who answered: " + ", ".join(f"{name} {n:,}" for name, n in summary.models.items())
        )
        if told := latencies(summary.evidence):
            say(told)
        equity = summary.evidence.equity
        worth = "not known" if equity is None else f"{equity:,.2f} USDT"
        say(f"{summary.seconds:.1f} s of trading; equity {worth}")
