"""An OpenAI-style server as a child process: started, waited for, watched, stopped gracefully."""

import collections
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

import httpx

from agents.serving.backend import CannotServe, ModelFailed

HOST = "127.0.0.1"
_LOOK_EVERY_SECONDS = 0.1
_LINES_KEPT = 20


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


class ChildServer:
    """A server that runs as long as this object is not stopped; its log passes through to ours."""

    def __init__(self, command: Sequence[str], port: int, stop_seconds: float) -> None:
        self._command = tuple(command)
        self._stop_seconds = stop_seconds
        self._process: subprocess.Popen[str] | None = None
        self._lines: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
        self._reader: threading.Thread | None = None
        self._stopping = threading.Event()
        self._http = httpx.Client(base_url=f"http://{HOST}:{port}", timeout=None)  # noqa: S113 (each call has its own)

    def start(self, within_seconds: float) -> None:
        """Start it and wait until its /health says 200; raises `CannotServe` with what it said last."""
        if self._process is not None:
            raise CannotServe(f"{self._command[0]} was started already")
        program = shutil.which(self._command[0])
        if program is None:
            raise CannotServe(f"there is no program {self._command[0]} here")
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [program, *self._command[1:]],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            raise CannotServe(f"{program} cannot be run: {error.strerror}") from None
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        ends = time.monotonic() + within_seconds
        while not self._is_healthy():
            if self._stopping.wait(_LOOK_EVERY_SECONDS):
                raise CannotServe("told to stop before the model had loaded")
            if (told := self.ended) is not None:
                raise CannotServe(told)
            if time.monotonic() > ends:
                self.stop()
                raise CannotServe(
                    f"{self._command[0]} was not ready within {within_seconds:g} s{self._last()}"
                )

    @property
    def ended(self) -> str | None:
        """How it ended, though nobody told it to; None while it runs."""
        if self._process is None or self._stopping.is_set() or self._process.poll() is None:
            return None
        if self._reader is not None:
            self._reader.join(1.0)
        return f"{self._command[0]} ended with code {self._process.returncode}{self._last()}"

    def post(self, route: str, body: dict[str, Any], seconds: float) -> httpx.Response:
        """Its answer, whatever the status; raises `ModelFailed` when there is none within `seconds`."""
        try:
            return self._http.post(route, json=body, timeout=seconds)
        except httpx.TimeoutException:
            raise ModelFailed(f"no answer within {seconds:g} s") from None
        except httpx.HTTPError as error:
            raise ModelFailed(self.ended or f"the model's server does not answer: {error}") from None

    def stop(self) -> None:
        """Ask it to end, and end it when it has not after `stop_seconds`; twice is as good as once."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(self._stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._reader is not None:
            self._reader.join()
        self._http.close()

    def _is_healthy(self) -> bool:
        try:
            return self._http.get("/health", timeout=2.0).status_code == httpx.codes.OK
        except (httpx.HTTPError, RuntimeError):  # RuntimeError: closed meanwhile
            return False

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None  # noqa: S101  # it was started with a pipe
        with process.stdout:
            for line in process.stdout:
                self._lines.append(line.rstrip())
                os.write(2, line.encode())

    def _last(self) -> str:
        said = [line for line in self._lines if line.strip()]
        return f"; it said last: {said[-1][:300]}" if said else ""
