"""Turns: how many answers are made at once, how many wait, and when another is turned away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agents.serving.backend import Busy

RETRY_AFTER_SECONDS = 1


class Turns:
    """At most `parallel` are inside while `queue` wait, each for `seconds` at most; `parallel` None admits everyone."""

    def __init__(self, parallel: int | None, queue: int, seconds: float) -> None:
        self._places = None if parallel is None else threading.BoundedSemaphore(parallel)
        self._most_waiting = queue
        self._seconds = seconds
        self._lock = threading.Lock()
        self.running = 0
        self.waiting = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Be inside; raises `Busy` when the queue is full, or when no turn came in time."""
        if self._places is not None:
            self._wait(self._places)
        with self._lock:
            self.running += 1
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1
            if self._places is not None:
                self._places.release()

    def _wait(self, places: threading.BoundedSemaphore) -> None:
        if places.acquire(blocking=False):
            return
        with self._lock:
            if self.waiting >= self._most_waiting:
                raise Busy(f"{self.running} answers are being made and {self.waiting} wait: ask again later")
            self.waiting += 1
        try:
            if not places.acquire(timeout=self._seconds):
                raise Busy(f"no turn came within {self._seconds:g} s: ask again later")
        finally:
            with self._lock:
                self.waiting -= 1
