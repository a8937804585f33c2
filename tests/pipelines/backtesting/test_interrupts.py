"""A backtest is interrupted while its runs are under way: it says what is kept, and no process of it goes on.

Every process of a backtest holds the writing end of the test's pipe, and tells there when it is in the midst of a run: the
test reads that all are, sends its signal, and reads to the pipe's end, which comes when the last of them has ended.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.backtesting.forked_runs import CAN_FORK
from tests.pipelines.backtesting.worlds import write_bars

PROGRAM = """
import os, sys, threading
from pipelines import backtest
from pipelines.backtesting import runs

telling, real = int(sys.argv.pop(1)), runs.run_scenario

def first_alone(spec, scenario, **how):
    if scenario.name == "set-1":
        return real(spec, scenario, **how)
    os.write(telling, b".")
    threading.Event().wait()

runs.run_scenario = first_alone
backtest.app()
"""


class Started:
    """A backtest of three runs, of which the first one ends by itself."""

    def __init__(self, folder: Path, workers: int, *more: str) -> None:
        grid = folder / "grid.yaml"
        grid.write_text("parameters:\n  limits.per_trade_share: [0.02, 0.03, 0.04]\n")
        self.output = folder / "out"
        self._reading, writing = os.pipe()
        arguments = ["--output", str(self.output), "--input", str(write_bars(folder, 20)), "--grid", str(grid),
                     "--workers", str(workers), *more]  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(writing), *arguments], pass_fds=[writing], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        os.close(writing)

    def wait_until_under_way(self, runs: int) -> None:
        told = b""
        while len(told) < runs and (more := os.read(self._reading, runs - len(told))):
            told += more
        assert told == b"." * runs

    def wait_until_all_ended(self) -> tuple[int, str]:
        """The exit code, and what was said."""
        assert os.read(self._reading, 1) == b""
        os.close(self._reading)
        said, errors = self.process.communicate()
        return self.process.returncode, said + errors


def to_process(number: int) -> Callable[[int], None]:
    return lambda process: os.kill(process, number)


def to_group(number: int) -> Callable[[int], None]:
    return lambda process: os.killpg(process, number)


def to_both(process: int) -> None:
    """As `timeout` does it."""
    os.kill(process, signal.SIGTERM)
    os.killpg(process, signal.SIGTERM)


@pytest.mark.skipif(not CAN_FORK, reason="nothing can be forked here")
@pytest.mark.parametrize(
    ("send", "code"),
    [
        (to_process(signal.SIGINT), 130),
        (to_group(signal.SIGINT), 130),
        (to_process(signal.SIGTERM), 143),
        (to_both, 143),
    ],
    ids=["int", "int-group", "term", "term-both"],
)
def test_interrupted_processes_end_and_what_is_finished_is_kept(
    tmp_path: Path, send: Callable[[int], None], code: int
) -> None:
    started = Started(tmp_path, 2)
    started.wait_until_under_way(2)
    send(started.process.pid)
    ended, said = started.wait_until_all_ended()
    assert said.split("\n") == [
        f"interrupted: 1 of 3 runs are kept in {started.output}; the same command goes on from there",
        "",
    ]
    assert ended == code
    assert sorted(path.name for path in (started.output / "runs").iterdir()) == [
        "main.set-1.json",
        "main.set-1.key",
    ]


@pytest.mark.skipif(not CAN_FORK, reason="nothing can be forked here")
def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    started = Started(tmp_path, 2)
    started.wait_until_under_way(2)
    started.process.kill()
    ended, _ = started.wait_until_all_ended()
    assert ended == -signal.SIGKILL


@pytest.mark.parametrize(
    ("runner", "number", "code"),
    [("FnApiRunner", signal.SIGINT, 130), ("BundleBasedDirectRunner", signal.SIGTERM, 143)],
)
def test_a_single_process_and_other_runners_end_in_a_sentence(
    tmp_path: Path, runner: str, number: int, code: int
) -> None:
    started = Started(tmp_path, 1, "--runner", runner)
    started.wait_until_under_way(1)
    started.process.send_signal(number)
    ended, said = started.wait_until_all_ended()
    assert said.startswith("interrupted: ")
    assert said.endswith(f" of 3 runs are kept in {started.output}; the same command goes on from there\n")
    assert said.count("\n") == 1
    assert ended == code
