"""The runs of a backtest in several processes of this machine, forked from one that has everything in memory.

Beam's own local workers are started anew: each imports all there is, reads the data and follows the market again, which
takes longer than many a run. A fork shares what its parent has. Each process takes the next run when it has made one.

The processes live no longer than their parent wants them to. It alone holds the writing end of a pipe, and they end when
that is closed: by the parent when it is interrupted, by the system when the parent is killed.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from types import TracebackType

from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import Folder
from pipelines.backtesting.market_log import market_news
from pipelines.backtesting.runs import Done, Task, make_and_tell
from pipelines.backtesting.tape import tape_of

CAN_FORK = sys.platform == "linux"
"""Elsewhere libraries do not expect it: macOS ends a fork of a process that has used some of its frameworks."""


class ForkedRuns(AbstractContextManager["ForkedRuns"]):
    """Makes every task in one of `processes` processes, which are forked on entering: enter before there are threads."""

    def __init__(
        self,
        tasks: Sequence[Task],
        folder: Folder,
        processes: int,
        make: Callable[[Task, Folder], Done] = make_and_tell,
    ) -> None:
        self._tasks, self._folder, self._make = tasks, folder, make
        self._reading, self._writing = os.pipe()
        self._pool = ProcessPoolExecutor(
            min(processes, len(tasks)),
            mp_context=multiprocessing.get_context("fork"),
            initializer=_live_while_held,
            initargs=(self._reading, self._writing),
        )
        self._under_way: list[Future[Done]] = []

    def __enter__(self) -> "ForkedRuns":
        first = self._tasks[0]
        tape_of(first.spec)
        market_news(first.spec, first.scenario.roster.desk, first.scenario.market)
        self._under_way = [self._pool.submit(self._make, task, self._folder) for task in self._tasks]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            os.close(self._writing)  # whatever they are making is not wanted any more
        self._pool.shutdown(cancel_futures=True)
        if error is None:
            os.close(self._writing)
        os.close(self._reading)

    def wait_until_finish(self) -> None:
        """Wait for all of them; raises `BacktestError` when a process died."""
        try:
            for run in self._under_way:
                run.result()
        except BrokenProcessPool:
            raise BacktestError(
                "a process that made runs was ended from outside, maybe for want of memory; "
                "runs that are finished are kept: start again, with fewer --workers"
            ) from None


def _live_while_held(reading: int, writing: int) -> None:
    """Make this process end as soon as nobody holds the writing end of the pipe, and let its parent deal with Ctrl-C."""
    os.close(writing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_at_the_end_of, args=(reading,), name="parent", daemon=True).start()


def _end_at_the_end_of(pipe: int) -> None:
    os.read(pipe, 1)
    os._exit(1)
