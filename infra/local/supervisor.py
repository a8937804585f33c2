"""The supervisor: starts the parts side by side, watches them, and ends them so that nothing stays behind.

T0  start(parts): every part that waits for nothing is started
T1  a part is ready: what waited for it is started at once, whatever else is still on its way
T2  all are ready: start returns
T3  check() from time to time: a part that died is named, with its last lines
T4  stop(): SIGTERM level by level, the last started first; SIGKILL after the grace; the groups are swept; the
    forge, which nothing can be forked from any more, ends last
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from types import TracebackType
from typing import Self

from infra.local.errors import StackError
from infra.local.forge.client import Forge
from infra.local.part import Part, levels
from infra.local.process import Process, spawned

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0


class PartDiedError(StackError):
    """A part ended that should have run on; `lines` are the last of its log."""

    def __init__(self, process: Process) -> None:
        self.name = process.part.name
        self.lines = process.last_lines()
        self.log = process.log
        super().__init__(f"{self.name} {_how(process.exit_code)}; its log is {process.log}")


class NotReadyError(StackError):
    """Parts did not become ready in time."""


def _how(exit_code: int | None) -> str:
    if exit_code is None:
        return "did not end"
    if exit_code < 0:
        return f"was ended by {Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"


class Supervisor:
    """Runs parts as processes with logs `<name>.log` in `logs`; as a context manager it stops them all.

    With a `forge` the forged parts are forked from there, and it ends with them.
    """

    def __init__(self, logs: Path, grace_seconds: float = GRACE_SECONDS, forge: Forge | None = None) -> None:
        self._logs = logs
        self._forge = forge
        self._grace = grace_seconds
        self._running: dict[str, Process] = {}
        self._ready: set[str] = set()
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def ready(self) -> frozenset[str]:
        """The names of the parts that are ready, or done."""
        return frozenset(self._ready)

    def start(
        self,
        parts: Sequence[Part],
        timeout_seconds: float,
        told: Callable[[str], None] = lambda name: None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Start parts and return when all are ready.

        `told` hears the name of each part that became ready, `tick` is called at every look. Parts may name
        others that were started before. Raises `PartDiedError` or `NotReadyError`; what runs already goes on
        until `stop`.
        """
        waiting = [part for level in levels(_without(parts, self._ready)) for part in level]
        originals = {part.name: part for part in parts}
        starting: list[Process] = []
        deadline = time.monotonic() + timeout_seconds
        while waiting or starting:
            for part in [part for part in waiting if self._ready.issuperset(originals[part.name].after)]:
                waiting.remove(part)
                self._running[part.name] = self._launched(originals[part.name])
                starting.append(self._running[part.name])
            self.check()
            for process in [process for process in starting if self._is_ready(process)]:
                starting.remove(process)
                self._ready.add(process.part.name)
                told(process.part.name)
            tick()
            if (waiting or starting) and time.monotonic() > deadline:
                late = ", ".join(process.part.name for process in starting)
                raise NotReadyError(
                    f"not ready after {timeout_seconds:.0f} s: {late}; the logs are in {self._logs}"
                )
            time.sleep(POLL_SECONDS)

    def _launched(self, part: Part) -> Process:
        log = self._logs / f"{part.name}.log"
        if part.forged and self._forge:
            return self._forge.start(part, log)
        return Process(part, log, spawned(part.command, part.env, log))

    def _is_ready(self, process: Process) -> bool:
        return process.exit_code == 0 if process.part.finishes else process.part.ready()

    def check(self) -> None:
        """Raise `PartDiedError` when a part ended that should not have."""
        if self._forge and self._forge.process.exit_code is not None:
            raise PartDiedError(self._forge.process)
        for process in self._running.values():
            code = process.exit_code
            if code is not None and not (code == 0 and (process.part.finishes or process.part.may_end)):
                raise PartDiedError(process)

    def has_ended(self, name: str) -> bool:
        """Whether the part is not, or no longer, running."""
        return name not in self._running or self._running[name].exit_code is not None

    def processes(self) -> list[Process]:
        """What was started and not stopped, in the order of starting."""
        return list(self._running.values())

    def stop(self, names: Collection[str] | None = None) -> None:
        """End the named parts, or all: by level, the last first, asked before they are made to."""
        if self._forge and names is None:
            self._forge.close()
        chosen = [part.part for name, part in self._running.items() if names is None or name in names]
        for level in reversed(levels(_among(chosen))):
            self._end([self._running[part.name] for part in level])
        if self._forge and names is None:
            self._forge.end()

    def _end(self, processes: Sequence[Process]) -> None:
        for process in processes:
            if process.exit_code is None:
                process.signal(SIGTERM)
        deadline = time.monotonic() + self._grace
        for process in processes:
            process.wait(deadline - time.monotonic())
        self._sweep(processes)

    def kill(self) -> None:
        """End everything at once."""
        if self._forge:
            self._forge.end()
        self._sweep(self.processes())

    def _sweep(self, processes: Sequence[Process]) -> None:
        for process in processes:
            process.signal(SIGKILL)  # the group: also what a part started and left
        for process in processes:
            process.wait(self._grace)
            self._running.pop(process.part.name, None)
            self._ready.discard(process.part.name)


def _without(parts: Sequence[Part], there: Collection[str]) -> list[Part]:
    """The parts with the needs that are met already taken out, for `levels`."""
    return [_needing(part, [name for name in part.after if name not in there]) for part in parts]


def _among(parts: Sequence[Part]) -> list[Part]:
    """The parts with only those needs that are among them, for `levels`."""
    names = {part.name for part in parts}
    return [_needing(part, [name for name in part.after if name in names]) for part in parts]


def _needing(part: Part, names: Sequence[str]) -> Part:
    return replace(part, after=tuple(names))
