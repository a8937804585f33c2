import os
from pathlib import Path

import pytest

from pipelines.backtesting.data import open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import Folder
from pipelines.backtesting.forked_runs import CAN_FORK, ForkedRuns
from pipelines.backtesting.runs import Done, Task
from tests.pipelines.backtesting.worlds import scenario, spec_of, write_bars

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="nothing can be forked here")


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    spec = spec_of(write_bars(tmp_path, 3))
    return [Task(f"main.{number}", "", spec, scenario(), 1, 0, "tested") for number in range(4)]


def _tell_process(task: Task, folder: Folder) -> Done:
    folder.write(f"{os.getpid()} {open_data.cache_info().misses}".encode(), task.name)
    return Done(task.name)


def _die(task: Task, folder: Folder) -> Done:
    os._exit(9)


def test_runs_are_made_in_other_processes_that_read_nothing_again(tasks: list[Task], tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    open_data(tasks[0].spec)
    read = open_data.cache_info().misses
    with ForkedRuns(tasks, folder, 2, _tell_process) as runs:
        runs.wait_until_finish()
    told = [(folder.read(task.name) or b"").decode().split() for task in tasks]
    assert str(os.getpid()) not in {process for process, _ in told}
    assert {misses for _, misses in told} == {str(read)}


def test_a_process_that_dies_is_told(tasks: list[Task], tmp_path: Path) -> None:
    with (
        pytest.raises(BacktestError, match="ended from outside"),
        ForkedRuns(tasks, Folder(str(tmp_path)), 2, _die) as runs,
    ):
        runs.wait_until_finish()
