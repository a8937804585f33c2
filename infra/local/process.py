"""One started part: its process group, its log, and an end that leaves nothing behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from infra.local.lifeline import tied_to
from infra.local.part import Part

_TAIL_BYTES = 16_384


class Child(Protocol):
    """A process as `subprocess.Popen` has it; one that is still to be forked has no `pid` yet."""

    @property
    def pid(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int: ...


def spawned(
    command: Sequence[str], env: Mapping[str, str], log: Path, stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """Start a command in this process's environment and `env`, in a process group of its own.

    Must be called on the thread that lives as long as the run: on Linux the kernel ends the process with that
    thread.
    """
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor
            preexec_fn=tied_to(os.getpid()),
        )


class Process:
    """A running part, which leads a process group of its own."""

    def __init__(self, part: Part, log: Path, child: Child) -> None:
        self.part = part
        self.log = log
        self._child = child

    @property
    def pid(self) -> int | None:
        """The process id, which is its group's too; None until it is forked."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with (negative: the signal), or None while it runs."""
        return self._child.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, also when its leader has ended already."""
        if (pid := self.pid) is None:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came in time."""
        try:
            self._child.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]
