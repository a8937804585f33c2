"""Lets the paper venue's time go on while no market data comes."""

import threading
from collections.abc import Callable
from datetime import datetime

from contracts.time import Clock

_TICK_SECONDS = 0.05


class PaperTime:
    """Tells the desk's time to `advance`, twenty times a second, on a thread of its own."""

    def __init__(self, clock: Clock, advance: Callable[[datetime], None]) -> None:
        self._clock = clock
        self._advance = advance
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="paper-time", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            try:
                now = self._clock.now()
            except FileNotFoundError:
                # The replay clock's file comes with the replayer.
                continue
            self._advance(now)
