"""One started part: its process group, its log, and an end that leaves nothing behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.part import Part

_PR_SET_PDEATHSIG = 1
_TAIL_BYTES = 16_384


def _tied_to(parent: int) -> Callable[[], None] | None:
    """What a child does between fork and exec so that the kernel ends it with its parent (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return tie


class Process:
    """A running part; it leads a process group of its own: the terminal's Ctrl-C is for the supervisor.

    Must be made on the thread that lives as long as the run: on Linux the kernel ends the process with that
    thread.
    """

    def __init__(self, part: Part, log: Path) -> None:
        self.part = part
        self.log = log
        self.began = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                part.command,
                env={**os.environ, **part.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_tied_to(os.getpid()),
            )

    @property
    def pid(self) -> int:
        """The process id, which is its group's too."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with (negative: the signal), or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, also when its leader has ended already."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came in time."""
        try:
            self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_lines(self, count: int = 15) -> list[str]:
        """The end of its log."""
        with self.log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            return log.read().decode("utf-8", "replace").splitlines()[-count:]
