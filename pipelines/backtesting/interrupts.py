"""Being interrupted: Ctrl-C and SIGTERM end a backtest at once, and what is finished stays."""

import atexit
import logging
import os
import signal
import sys
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts(AbstractContextManager["Interrupts"]):
    """While it is entered, the first SIGINT or SIGTERM raises `KeyboardInterrupt` in the main thread; later ones do nothing.

    A terminal, `timeout` or a supervisor may send several, to the process and to its group: the first one is enough, and
    the others must not disturb what it began.
    """

    def __init__(self) -> None:
        self.number = signal.SIGINT
        """The signal that came."""
        self._usual: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        self._usual = {number: signal.signal(number, self._interrupt) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._usual.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> NoReturn:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        self.number = signal.Signals(number)
        logging.disable()  # what a runner says of it is a traceback
        # Beam raises an exception that has arguments as one of the same kind, any other as a RuntimeError.
        raise KeyboardInterrupt("interrupted")

    def end(self) -> NoReturn:
        """End the process, with the exit code of its signal, without waiting for threads in which a runner still works."""
        atexit._run_exitfuncs()  # a runner's own processes are ended there
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(128 + self.number)
