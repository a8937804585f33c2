"""The supervisor's side of the forge: starts it, orders parts, and has each as a child that one can wait for."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from types import TracebackType
from typing import Self

from infra.local.forge.order import Order, Report
from infra.local.part import Part, module
from infra.local.process import Process, spawned

CAN_FORK = sys.platform.startswith("linux")
"""Elsewhere system libraries do not bear a fork, and the parts are spawned."""

_CHUNK = 65_536


class ForgedChild:
    """A part that was ordered from the forge, as `subprocess.Popen` would have it."""

    def __init__(self, forge: "Forge", number: int) -> None:
        self._forge = forge
        self._number = number

    @property
    def pid(self) -> int | None:
        """The process id; None as long as it is not forked."""
        self._forge.listen(0)
        return self._forge.pids.get(self._number)

    def poll(self) -> int | None:
        """What it ended with, or None."""
        self._forge.listen(0)
        return self._forge.exit_codes.get(self._number)

    def wait(self, timeout: float) -> int:
        """What it ended with; raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(f"order {self._number}", timeout)
            self._forge.listen(left)
        return code


class Forge:
    """A running forge with its log; as a context manager it is ended, and with it whatever it forked.

    `modules` are those of the parts to come, in the order in which they are wanted; `env` what the libraries
    read when they are imported. Parts whose modules are not among them are forked when all imports are done.
    """

    def __init__(self, log: Path, modules: Sequence[str], env: Mapping[str, str]) -> None:
        self.pids: dict[int, int] = {}
        self.exit_codes: dict[int, int] = {}
        self._ordered = 0
        self._unread = b""
        self._is_open = True
        self._channel, theirs = socket.socketpair()
        part = Part("forge", module("infra.local.forge", *modules))
        with theirs:
            self.process = Process(part, log, spawned(part.command, env, log, stdin=theirs.fileno()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self, part: Part, log: Path) -> Process:
        """Order a part whose command is `module(...)`; it is forked as soon as its imports are there."""
        _, _, name, *arguments = part.command
        self._ordered += 1
        log.touch()
        order = Order(self._ordered, part.name, name, arguments, {**os.environ, **part.env}, str(log))
        if self._is_open:
            try:
                self._channel.sendall(order.line())
            except OSError:
                self._lose()
        return Process(part, log, ForgedChild(self, order.number))

    def listen(self, seconds: float) -> None:
        """Take in what the forge has told, waiting at most so long for it to tell something."""
        while self._is_open and select.select([self._channel], [], [], seconds)[0]:
            seconds = 0
            try:
                chunk = self._channel.recv(_CHUNK)
            except ConnectionError:
                chunk = b""
            if not chunk:
                self._lose()
                return
            *lines, self._unread = (self._unread + chunk).split(b"\n")
            for report in map(Report.read, lines):
                if report.pid is not None:
                    self.pids[report.number] = report.pid
                if report.exit_code is not None:
                    self.exit_codes[report.number] = report.exit_code

    def close(self) -> None:
        """No more orders: what is not forked yet never is."""
        if self._is_open:
            with suppress(OSError):
                self._channel.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """End the forge at once; the kernel ends with it what it forked."""
        if self.process.exit_code is None:
            self.process.signal(SIGKILL)
            self.process.wait(float("inf"))
        self._lose()
        self._channel.close()

    def _lose(self) -> None:
        """The forge is no more, and so nothing that it forked."""
        self._is_open = False
        for number in range(1, self._ordered + 1):
            self.exit_codes.setdefault(number, -SIGKILL)
