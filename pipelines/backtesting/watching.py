"""What a backtest looks like on the screen while it runs, and in the end."""

import threading
from decimal import Decimal
from types import TracebackType

from apache_beam.io.filesystems import FileSystems
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contracts.backtest import Backtest, RunSummary
from contracts.time import from_micros
from pipelines.backtesting.data import open_data
from pipelines.backtesting.files import Folder
from pipelines.backtesting.runs import Task
from transforms.reporting.verdict import percent

_EVERY_SECONDS = 0.5
_MOST_LINES = 20


class Watch:
    """A progress bar over the runs, fed by the files that they leave: it works with any number of processes."""

    def __init__(self, tasks: list[Task], folder: Folder, say: Console) -> None:
        self._tasks, self._folder = tasks, folder
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"),
            TextColumn("{task.fields[reached]}"), TimeElapsedColumn(), console=say, disable=not say.is_terminal,
        )  # fmt: skip
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def __enter__(self) -> None:
        data = open_data(self._tasks[0].spec)
        self._first = min(identity.first_micros for identity in data.identities)
        self._bar.start()
        self._line = self._bar.add_task("backtest", total=len(self._tasks), reached="")
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._bar.stop()

    def _follow(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._look()
        self._look()

    def _look(self) -> None:
        names = {
            file.path.rsplit("/", 1)[-1]
            for found in FileSystems.match([self._folder.path("progress", "*")])
            for file in found.metadata_list
        }
        done = sum(1 for task in self._tasks if f"{task.name}.done" in names)
        under_way = [
            task.name for task in self._tasks if task.name in names and f"{task.name}.done" not in names
        ]
        reached = ""
        if under_way and (told := self._folder.read("progress", under_way[0])):
            reached = f"{under_way[0]} is at {from_micros(int(told)):%Y-%m-%d %H:%M}"
        self._bar.update(self._line, completed=done, reached=reached)


def as_table(done: Backtest) -> Table:
    """The runs, the best first: of many only the first."""
    table = Table("run", "net", "of capital", "fees", "orders", "fills", "round trips", "changed")
    for column in range(1, 7):
        table.columns[column].justify = "right"
    best = sorted(done.runs, key=lambda run: run.net, reverse=True)
    for run in best[:_MOST_LINES]:
        changed = ", ".join(f"{name} {value}" for name, value in run.parameters.items())
        table.add_row(
            run.run, _amount(run.net), _signed(_share(run)), f"{run.fees:,.2f}", str(run.orders), str(run.fills),
            str(run.round_trips), Text(changed),
        )  # fmt: skip
    if len(best) > _MOST_LINES:
        table.caption = f"the best {_MOST_LINES} of {len(best)}; all are in result.json"
    return table


def _amount(net: Decimal) -> str:
    """To two places, or to as many as it takes for a loss to be one, and a gain: -0.0004."""
    places = max(2, -net.adjusted()) if net else 2
    return f"{net or 0:,.{places}f}"


def _signed(share: float) -> str:
    return ("+" if share > 0 else "") + percent(share)


def _share(run: RunSummary) -> float:
    return float(run.net / (run.final_equity - run.net))
