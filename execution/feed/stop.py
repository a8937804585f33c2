"""When to end: a signal, or the time that was given."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Ends a replay or a feed: by a signal, or when its time is over."""

    def __init__(self, seconds: float | None = None) -> None:
        self._asked = threading.Event()
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def ask(self) -> None:
        """End soon; safe in a signal handler."""
        self._asked.set()

    def sleep(self, seconds: float) -> bool:
        """Sleep, less when asked to end or when the time is over; whether to go on."""
        if self._deadline is not None:
            seconds = min(seconds, self._deadline - time.monotonic())
        if seconds > 0:
            self._asked.wait(seconds)
        return self.goes_on()

    def goes_on(self) -> bool:
        """Whether nobody asked to end and there is time left."""
        return not self._asked.is_set() and (self._deadline is None or time.monotonic() < self._deadline)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask to end."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.ask()

        previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
