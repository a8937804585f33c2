"""The plan of a backtest: from what the user asked for to the tasks that are to be made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from contracts.risk.limits import Limits
from contracts.risk.limits_file import LimitsError, read_limits
from contracts.roster import Roster, RosterError, read_roster
from contracts.settings import Settings
from contracts.time import to_micros
from execution.feed.datasets import DATASETS, DatasetError, get
from pipelines.backtesting.code_identity import code_hash, code_version
from pipelines.backtesting.connections import answers_hash, check_answers
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import key_of
from pipelines.backtesting.parameter_sets import Changes, applied, read_grid
from pipelines.backtesting.runs import Task
from pipelines.backtesting.scenario import SWITCHES, Scenario


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for, as told on the command line."""

    inputs: tuple[str, ...] = ()
    roster: Path | None = None
    limits: Path | None = None
    start: str | None = None
    end: str | None = None
    grid: Path | None = None
    desks: int = 1
    changes: tuple[str, ...] = ()
    answers: Path | None = None
    note_flaws: bool = False
    seed: int = 0
    with_cost_cases: bool = False


def tasks_of(wanted: Wanted, settings: Settings) -> list[Task]:
    """Every run that is to be made, in their order; raises `BacktestError`."""
    spec = data_spec(wanted)
    roster = _roster(wanted.roster or settings.roster)
    base = Scenario(
        roster=roster,
        limits=_limits(wanted.limits or settings.limits),
        answers=str(wanted.answers) if wanted.answers else "",
        answers_sha256=answers_hash(wanted.answers) if wanted.answers else "",
    )
    if wanted.changes:
        changed = applied(base, "base", _told(wanted.changes))
        base = changed.model_copy(update={"parameters": {}})
    sets: list[tuple[str, Changes]] = read_grid(wanted.grid) if wanted.grid else [("base", {})]
    scenarios = [applied(base, name, changes) for name, changes in sets]
    if wanted.answers:
        symbols = open_data(spec).symbols
        for scenario in scenarios:
            check_answers(scenario.answers, scenario.roster, symbols)
    tasks, code, sources = [], code_version(), code_hash()
    for desk in _desks(roster, wanted.desks):
        for scenario in scenarios:
            of_desk = scenario.on_desk(desk)
            key = key_of(spec, of_desk, len(scenarios), wanted.seed, sources)
            name = f"{desk}.{scenario.name}"
            task = Task(name, key, spec, of_desk, len(scenarios), wanted.seed, code)
            tasks.append(task)
            if wanted.with_cost_cases:
                tasks += [task._replace(off=off) for off in (*SWITCHES, "all")]
    _check_names(tasks)
    return tasks


def _check_names(tasks: Sequence[Task]) -> None:
    """Names become files': each has to be one, and another than all before it."""
    seen: set[str] = set()
    for task in tasks:
        if "/" in task.name:
            raise BacktestError(f"the run {task.name} cannot be called so: a name with a / is no file's")
        if task.name in seen:
            raise BacktestError(
                f"two runs would be called {task.name}: call a desk or a parameter set otherwise"
            )
        seen.add(task.name)


def data_spec(wanted: Wanted) -> DataSpec:
    """The data that is asked for: files and folders as they are, named data sets fetched when they are not there."""
    start, end = _moment("--from", wanted.start), _moment("--to", wanted.end)
    if start is not None and end is not None and end <= start:
        raise BacktestError("--to must be later than --from")
    spec = DataSpec(from_micros=start, to_micros=end, note_flaws=wanted.note_flaws)
    if not wanted.inputs:
        return spec
    paths, names = [], []
    for told in wanted.inputs:
        if told in DATASETS:
            paths.append(str(_fetched(told)))
            names.append(told)
            spec = replace(spec, note_flaws=True)  # theirs are known
        elif Path(told).exists():
            paths.append(told)
            names.append(Path(told).name)
        else:
            raise BacktestError(
                f"there is no file {told}, and no data set of that name: known are {', '.join(sorted(DATASETS))}"
            )
    return replace(spec, paths=tuple(paths), names=tuple(names))


def _fetched(name: str) -> Path:
    dataset = DATASETS[name]
    if dataset.is_there():
        return dataset.folder()
    try:
        return get(dataset)
    except DatasetError as error:
        raise BacktestError(str(error).rstrip(".")) from None


def _moment(option: str, told: str | None) -> int | None:
    if told is None:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise BacktestError(f"{option} {told} is no time: write 2024-01-15 or 2024-01-15T06:00:00Z") from None
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _roster(path: Path) -> Roster:
    try:
        return read_roster(path)
    except RosterError as error:
        raise BacktestError(str(error)) from None


def _limits(path: Path) -> Limits:
    try:
        return read_limits(path)
    except LimitsError as error:
        raise BacktestError(str(error)) from None


def _desks(roster: Roster, count: int) -> list[str]:
    """The roster's own desk, and more of the same beside it."""
    return [roster.desk, *(f"{roster.desk}-{number}" for number in range(2, count + 1))]


def _told(changes: Sequence[str]) -> Changes:
    """`name=value` as told on the command line; a value is YAML."""
    found = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise BacktestError(f"--set {change} needs a value: --set limits.per_trade_share=0.02")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BacktestError(
                f"--set {change}: the value is not YAML: {' '.join(str(error).split())}"
            ) from None
    return found
