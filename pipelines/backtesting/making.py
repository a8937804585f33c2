"""Making a backtest: every run that is not there yet, then its tables and its summary."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import apache_beam as beam
import orjson
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import DirectPipelineResult
from rich.console import Console

from contracts.backtest import Backtest, CostCase
from contracts.settings import Settings
from pipelines.backtesting.errors import BacktestError, Interrupted
from pipelines.backtesting.files import Folder
from pipelines.backtesting.forked_runs import ForkedRuns
from pipelines.backtesting.plan import Wanted, tasks_of
from pipelines.backtesting.runs import MakeRuns, Task
from pipelines.backtesting.tables import write_tables
from pipelines.backtesting.watching import Watch

LOCAL_RUNNER = "FnApiRunner"
"""Beam's runner for one machine."""

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Nearly all that a run makes is freed as soon as it is let go; looking for the rest every 700 objects takes 5 % of it."""


def make_backtest(wanted: Wanted, output: str, options: PipelineOptions, say: Console) -> Backtest:
    """Make every run that is not there yet, then the tables and result.json; raises `BacktestError` and `Interrupted`."""
    tasks = tasks_of(wanted, Settings())
    folder = Folder(output)
    folder.prepare()
    left = [task for task in tasks if not is_there(folder, task)]
    if len(left) < len(tasks):
        say.print(f"{len(tasks) - len(left)} of {len(tasks)} runs are there already", highlight=False)
    if left:
        try:
            _make(left, folder, options, say)
        except KeyboardInterrupt:
            kept = sum(is_there(folder, task) for task in tasks)
            raise Interrupted(
                f"{kept} of {len(tasks)} runs are kept in {output}; the same command goes on from there"
            ) from None
    runs = [task for task in tasks if not task.off]
    for task in runs:
        _add_cases(folder, task, [other for other in tasks if other.off and other.run == task.run])
    summaries = write_tables(folder, (folder.read_run(task.run) for task in runs))
    first = folder.read_run(runs[0].run)
    whole = Backtest(
        code_version=first.code_version,
        data=first.data,
        answers_sha256=runs[0].scenario.answers_sha256,
        from_micros=first.from_micros,
        to_micros=first.to_micros,
        trials=first.trials,
        seed=wanted.seed,
        runs=tuple(summaries),
    )
    folder.write(whole.to_json() + b"\n", "result.json")
    return whole


def _make(tasks: list[Task], folder: Folder, options: PipelineOptions, say: Console) -> None:
    FileSystems.delete([folder.path("progress")])
    folder.make("progress")
    with few_collections():
        _run(tasks, folder, options, say)
    errors: dict[str, str] = {}
    for task in tasks:
        done = folder.read("progress", f"{task.name}.done")
        error = orjson.loads(done)["error"] if done else "it was not made"
        if error:
            errors.setdefault(error, task.name)
    if errors:
        raise BacktestError("; ".join(f"{name}: {error}" for error, name in errors.items()))


def _run(tasks: list[Task], folder: Folder, options: PipelineOptions, say: Console) -> None:
    if (workers := local_workers(options)) > 1 and len(tasks) > 1:
        with ForkedRuns(tasks, folder, workers) as runs, Watch(tasks, folder, say):
            runs.wait_until_finish()
        return
    direct = options.view_as(DirectOptions)
    if direct.direct_running_mode == "in_memory":
        direct.direct_num_workers = 1  # Beam has no more of them in one process
    with Watch(tasks, folder, say):
        pipeline = beam.Pipeline(options=options)
        _ = pipeline | "Make runs" >> MakeRuns(tasks, folder)
        running = pipeline.run()
        try:
            running.wait_until_finish()
        except KeyboardInterrupt:
            if not isinstance(
                running, DirectPipelineResult
            ):  # which waits for what is under way in this process
                with suppress(Exception):  # not every runner can
                    running.cancel()
            raise


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for garbage in cycles less often, and never in what was imported and read: that stays, and forks share it."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def local_workers(options: PipelineOptions) -> int:
    """How many processes of this machine are to be forked; 1 where Beam's runner sees to its workers by itself."""
    direct, runner = options.view_as(DirectOptions), options.view_as(StandardOptions).runner
    is_forked = runner == LOCAL_RUNNER and direct.direct_running_mode == "in_memory"
    return int(direct.direct_num_workers) if is_forked else 1


def is_there(folder: Folder, task: Task) -> bool:
    """Whether a run, or its case without a cost, is in the folder, whole and made of the same."""
    if not task.off:
        return folder.is_finished(task.run, task.key)
    content = folder.read("cases", f"{task.name}.json")
    try:
        return content is not None and bool(orjson.loads(content)["key"] == task.key)
    except (ValueError, LookupError, TypeError):  # it was cut off, or is something else
        return False


def _add_cases(folder: Folder, task: Task, cases: list[Task]) -> None:
    """Put the table of costs into a run."""
    if not cases:
        return
    result = folder.read_run(task.run)
    table = [
        CostCase(off="none", final_equity=result.final_equity, fills=len(result.fills), difference=Decimal(0))
    ]
    for case in cases:
        told = orjson.loads(folder.read("cases", f"{case.name}.json") or b"{}")
        equity = Decimal(told["final_equity"])
        difference = equity - result.final_equity
        table.append(CostCase(off=case.off, final_equity=equity, fills=told["fills"], difference=difference))
    folder.write_run(result.model_copy(update={"cost_cases": tuple(table)}), task.key)
