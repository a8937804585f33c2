"""The runs of a backtest as a Beam pipeline: each desk with each parameter set is a key, wherever it is run."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import orjson
from apache_beam.pvalue import PBegin, PCollection

from pipelines.backtesting.data import DataSpec
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import Folder
from pipelines.backtesting.run import run_scenario
from pipelines.backtesting.scenario import Scenario


class Task(NamedTuple):
    """One run to be made: of a scenario, or of the same without the cost `off`."""

    run: str
    key: str
    spec: DataSpec
    scenario: Scenario
    trials: int
    seed: int
    code: str
    off: str = ""

    @property
    def name(self) -> str:
        """Unique among the tasks of a backtest."""
        return f"{self.run}.{self.off}" if self.off else self.run


class Done(NamedTuple):
    """What became of a task; an error is one sentence for the user."""

    name: str
    error: str = ""


def make_run(task: Task, folder: Folder, progress: Callable[[int], None]) -> Done:
    """Make a run and keep its files; what the user can mend is told and not raised."""
    try:
        if task.off:
            scenario = task.scenario.without(task.off)
            result = run_scenario(task.spec, scenario, code=task.code, progress=progress)
            case = {"off": task.off, "final_equity": str(result.final_equity), "fills": len(result.fills)}
            folder.write(orjson.dumps(case | {"key": task.key}), "cases", f"{task.name}.json")
        else:
            result = run_scenario(
                task.spec,
                task.scenario,
                trials=task.trials,
                seed=task.seed,
                code=task.code,
                progress=progress,
            )
            folder.write_run(result, task.key)
    except BacktestError as error:
        return Done(task.name, str(error))
    return Done(task.name)


def make_and_tell(task: Task, folder: Folder) -> Done:
    """Make a run, and tell by files how far it is and what became of it."""

    def tell(micros: int) -> None:
        folder.write(str(micros).encode(), "progress", task.name)

    done = make_run(task, folder, tell)
    folder.write(orjson.dumps({"error": done.error}), "progress", f"{done.name}.done")
    return done


class _Make(beam.DoFn):
    """Makes the runs of a key."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def process(self, element: tuple[str, Task]) -> Iterator[tuple[str, str]]:
        _, task = element
        done = make_and_tell(task, self._folder)
        yield done.name, done.error


class MakeRuns(beam.PTransform):
    """Every task made, on whatever worker has time; comes out as (name, error)."""

    def __init__(self, tasks: list[Task], folder: Folder) -> None:
        super().__init__()
        self._tasks = tasks
        self._folder = folder

    def expand(self, start: PBegin) -> PCollection:
        """One element a run, keyed by its name; nothing is fused with their making."""
        keyed = [(task.name, task) for task in self._tasks]
        return (
            start
            | "Name the runs" >> beam.Create(keyed, reshuffle=False).with_output_types(tuple[str, Any])
            | "Spread them" >> beam.Reshuffle()
            | "Make them" >> beam.ParDo(_Make(self._folder)).with_output_types(tuple[str, str])
        )
