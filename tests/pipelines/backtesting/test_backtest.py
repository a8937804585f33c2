import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from contracts.backtest import Backtest
from contracts.instruments import INSTRUMENTS
from contracts.settings import Settings
from pipelines.backtest import app, options_of
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import Folder
from pipelines.backtesting.making import is_there, make_backtest
from pipelines.backtesting.parameter_sets import applied, read_grid
from pipelines.backtesting.plan import Wanted, tasks_of
from pipelines.backtesting.scenario import SWITCHES
from tests.pipelines.backtesting.worlds import scenario, write_bars

QUIET = Console(quiet=True)
MINUTES = 24


@pytest.fixture(scope="module", autouse=True)
def one_version() -> Iterator[None]:
    """Somebody may edit and commit while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.backtesting.plan.code_hash", lambda: "tested")
        patch.setattr("pipelines.backtesting.plan.code_version", lambda: "tested")
        yield


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Wanted:
    folder = tmp_path_factory.mktemp("grid")
    grid = folder / "grid.yaml"
    grid.write_text("parameters:\n  limits.per_trade_share: [0.02, 0.05]\n")
    return Wanted(inputs=(str(write_bars(folder, MINUTES)),), grid=grid, changes=("roster.capital=100000",))


def make(
    wanted: Wanted, output: Path, workers: int = 1, runner: str = "FnApiRunner", more: tuple[str, ...] = ()
) -> Backtest:
    return make_backtest(wanted, str(output), options_of(runner, workers, list(more)), QUIET)


@pytest.fixture(scope="module")
def made(wanted: Wanted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("made")
    make(wanted, output)
    return output


def files(output: Path) -> dict[str, bytes]:
    kept = [output / "result.json", *output.glob("runs/*"), *output.glob("tables/*")]
    return {str(path.relative_to(output)): path.read_bytes() for path in kept}


def test_a_grid_is_a_run_each(made: Path) -> None:
    done = Backtest.from_json((made / "result.json").read_bytes())
    assert [run.run for run in done.runs] == ["main.set-1", "main.set-2"]
    assert [run.parameters for run in done.runs] == [
        {"limits.per_trade_share": "0.02"},
        {"limits.per_trade_share": "0.05"},
    ]
    assert done.trials == 2
    fills = pq.read_table(made / "tables" / "fills.parquet")
    assert fills.num_rows == sum(run.fills for run in done.runs) > 0
    assert pq.read_table(made / "tables" / "runs.parquet").num_rows == 2
    assert str(fills.schema.field("price").type) == "decimal128(38, 8)"


@pytest.mark.parametrize(("runner", "workers"), [("FnApiRunner", 2), ("BundleBasedDirectRunner", 1)])
def test_neither_the_runner_nor_its_workers_change_a_byte(
    wanted: Wanted, made: Path, tmp_path: Path, runner: str, workers: int
) -> None:
    make(wanted, tmp_path, workers, runner)
    assert files(tmp_path) == files(made)


def test_runs_in_threads_of_one_process_share_nothing(wanted: Wanted, tmp_path: Path) -> None:
    """Sets that trade by other rules, four at a time in one process, then in two processes: the bytes of one by one."""
    grid = tmp_path / "grid.yaml"
    grid.write_text(
        "sets:\n"
        "  - {name: lots, costs.levels: 10}\n"
        "  - {name: any, costs.minimum_sizes: false}\n"
        "  - {name: lots-again, costs.levels: 10}\n"
        "  - {name: any-again, costs.minimum_sizes: false}\n"
    )
    # With little money the smallest sizes bind in every order.
    sets = Wanted(inputs=wanted.inputs, grid=grid, changes=("roster.capital=10000",))
    make(sets, tmp_path / "one")
    threads = ("--direct_running_mode=multi_threading", "--direct_num_workers=4")
    make(sets, tmp_path / "threads", more=threads)
    make(sets, tmp_path / "processes", workers=2)
    one = files(tmp_path / "one")
    assert files(tmp_path / "threads") == one
    assert files(tmp_path / "processes") == one
    runs = Folder(str(tmp_path / "one"))
    lots, other = (runs.read_run(f"main.{name}") for name in ("lots", "any"))
    assert all(fill.quantity % INSTRUMENTS[fill.symbol].lot == 0 for fill in lots.fills)
    assert any(fill.quantity % INSTRUMENTS[fill.symbol].lot for fill in other.fills)


def test_what_is_finished_is_not_made_again(
    wanted: Wanted, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(made)
    (made / "runs" / "main.set-2.key").unlink()
    asked: list[str] = []
    plan = "pipelines.backtesting.making.MakeRuns"
    real = __import__("pipelines.backtesting.runs", fromlist=["MakeRuns"]).MakeRuns

    def noted(tasks: list, folder: Folder) -> object:
        asked.extend(task.name for task in tasks)
        return real(tasks, folder)

    monkeypatch.setattr(plan, noted)
    make(wanted, made)
    assert asked == ["main.set-2"]
    assert files(made) == before
    asked.clear()
    make(wanted, made)
    assert asked == []


def test_other_code_makes_the_runs_again(wanted: Wanted, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {path.name: path.read_bytes() for path in made.glob("runs/*.key")}
    monkeypatch.setattr("pipelines.backtesting.plan.code_hash", lambda: "another")
    planned = tasks_of(wanted, Settings())
    assert len(planned) == len(keys)
    assert not any(Folder(str(made)).is_finished(task.run, task.key) for task in planned)


def test_each_cost_can_be_switched_off(wanted: Wanted, tmp_path: Path) -> None:
    alone = Wanted(inputs=wanted.inputs, changes=wanted.changes, with_cost_cases=True)
    make(alone, tmp_path)
    result = Folder(str(tmp_path)).read_run("main.base")
    cases = {case.off: case for case in result.cost_cases}
    assert list(cases) == ["none", *SWITCHES, "all"]
    assert cases["none"].final_equity == result.final_equity
    assert cases["fees"].difference > 0
    assert cases["spread"].difference > 0
    assert cases["all"].difference > cases["fees"].difference


def test_more_desks_are_runs_beside_one_another(wanted: Wanted, tmp_path: Path) -> None:
    done = make(Wanted(inputs=wanted.inputs, desks=2, changes=wanted.changes), tmp_path)
    assert [run.run for run in done.runs] == ["main.base", "main-2.base"]
    assert done.runs[0].net == done.runs[1].net
    assert done.trials == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("just text", "needs `parameters`"),
        ("parameters: {limits.per_trade_share: 0.02}", "limits.per_trade_share needs a list of values"),
        ("sets: [{name: a}, {name: a}]", "two parameter sets are called a"),
        (
            "sets: [{name: a}, {name: }]",
            "the parameter set 2 has an empty name: give it one, or leave it out",
        ),
        ("parameters: {timing.order_ms: [1, 2, 1]}", "timing.order_ms has the value 1 twice"),
        ("parameters: [", "is not YAML"),
    ],
)
def test_a_wrong_grid_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(content)
    with pytest.raises(BacktestError, match=told):
        read_grid(path)


@pytest.mark.parametrize(
    ("parameter", "value", "told"),
    [
        ("limit.per_trade_share", 1, "limit.per_trade_share is no parameter: begin it with agents."),
        ("limits.per_trade", 1, "per_trade is not one of active_share"),
        ("agents.nobody.capital_weight", 1, "names no agent's field: agents are deepseek-v3"),
        ("limits.per_trade_share", 7, "limits.per_trade_share: Input should be less than or equal to 1"),
        ("timing.decision_ms", "soon", "timing.decision_ms: Input should be a valid integer"),
    ],
)
def test_a_wrong_parameter_is_told(parameter: str, value: object, told: str) -> None:
    with pytest.raises(BacktestError) as error:
        applied(scenario(), "wrong", {parameter: value})
    assert told in str(error.value)


def test_sets_that_change_nothing_keep_their_names(wanted: Wanted, tmp_path: Path) -> None:
    grid = tmp_path / "grid.yaml"
    grid.write_text("sets: [{name: a}, {name: b, costs.minimum_sizes: false}, {name: c}]\n")
    tasks = tasks_of(Wanted(inputs=wanted.inputs, grid=grid), Settings())
    assert [(task.run, task.scenario.name, task.scenario.parameters) for task in tasks] == [
        ("main.a", "a", {}),
        ("main.b", "b", {"costs.minimum_sizes": "False"}),
        ("main.c", "c", {}),
    ]


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ("[{name: a/../../b}]", "the run main.a/../../b cannot be called so: a name with a / is no file's"),
        (
            "[{name: a}, {name: a.fees}]",
            "two runs would be called main.a.fees: call a desk or a parameter set otherwise",
        ),
    ],
)
def test_runs_have_names_for_files_of_their_own(wanted: Wanted, tmp_path: Path, sets: str, told: str) -> None:
    grid = tmp_path / "grid.yaml"
    grid.write_text(f"sets: {sets}\n")
    with pytest.raises(BacktestError) as error:
        tasks_of(Wanted(inputs=wanted.inputs, grid=grid, with_cost_cases=True), Settings())
    assert str(error.value) == told


def test_sets_can_be_listed_by_name(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("sets:\n  - {name: slow, timing.decision_ms: 5000}\n  - {costs.fees: false}\n")
    assert read_grid(path) == [("slow", {"timing.decision_ms": 5000}), ("listed-2", {"costs.fees": False})]
    assert applied(scenario(), "slow", {"timing.decision_ms": 5000}).timing.decision_ms == 5_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--input", "nowhere.csv"], "there is no file nowhere.csv, and no data set of that name: known are"),
        (
            ["--input", "my[red]bars[/].csv"],
            "there is no file my[red]bars[/].csv, and no data set of that name",
        ),
        (["--from", "soon"], "--from soon is no time: write 2024-01-15"),
        (["--from", "2024-01-16", "--to", "2024-01-15"], "--to must be later than --from"),
        (["--from", "2025-01-01"], "the input reaches from 2024-01-15T00:01:00Z"),
        (["--roster", "nobody.yaml"], "there is no roster at nobody.yaml"),
        (["--grid", "none.yaml"], "there is no grid file none.yaml"),
        (["--set", "timing.decision_ms"], "--set timing.decision_ms needs a value"),
        (
            ["--grdi", "g.yaml"],
            "backtest: --grdi is no option, neither here nor of Beam: did you mean --grid?",
        ),
        (
            ["--cost-table"],
            "--cost-table is no option, neither here nor of Beam: did you mean --costs-table?",
        ),
        (["--qqqq", "bar"], "--qqqq is no option, neither here nor of Beam: --help lists what there is"),
        (["bar"], "bar is no option, neither here nor of Beam"),
        (
            ["--set", "limits.per_trade_share=[0.1"],
            "--set limits.per_trade_share=[0.1: the value is not YAML: while",
        ),
        (["--roster", "/"], "the roster in / cannot be read: Is a directory"),
        (
            ["--runner", "NoSuchRunner"],
            "--runner NoSuchRunner cannot be had: Unexpected pipeline runner: NoSuchRunner",
        ),
        (["--runner", "nowhere.Runner"], "--runner nowhere.Runner cannot be had: No module named 'nowhere'"),
        (["--seed", "-1"], "Invalid value for '--seed': Input should be greater than or equal to 0"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["--output", str(tmp_path / "out"), *arguments], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("{file}", "nothing can be written to --output {file}: [Errno 20] Not a directory"),
        ("{file}/below", "nothing can be written to --output {file}/below: [Errno 20] Not a directory"),
        ("nowhere://bucket", "nothing can be written to --output nowhere://bucket: Unable to get filesystem"),
    ],
)
def test_an_output_that_cannot_be_is_told(wanted: Wanted, tmp_path: Path, output: str, told: str) -> None:
    file = tmp_path / "file"
    file.write_text("")
    arguments = ["--output", output.format(file=file), "--input", wanted.inputs[0]]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "400"})
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert done.output.startswith("backtest: " + told.format(file=file))


def test_an_output_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(Folder, "make", lambda *_: ended.wait())
    with pytest.raises(BacktestError, match="it gave no answer in 0 seconds"):
        Folder("gs://bucket").prepare(seconds=0)
    ended.set()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"not JSON"])
def test_a_run_that_is_not_whole_is_made_again(wanted: Wanted, tmp_path: Path, content: bytes | None) -> None:
    alone = Wanted(inputs=wanted.inputs, start="2024-01-15T00:20")
    make(alone, tmp_path)
    before = files(tmp_path)
    run = tmp_path / "runs" / "main.base.json"
    run.unlink() if content is None else run.write_bytes(content)
    make(alone, tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"not JSON"])
def test_a_case_that_is_not_whole_is_not_there(wanted: Wanted, tmp_path: Path, content: bytes) -> None:
    task = tasks_of(Wanted(inputs=wanted.inputs, with_cost_cases=True), Settings())[1]
    folder = Folder(str(tmp_path))
    folder.prepare()
    folder.write(content, "cases", f"{task.name}.json")
    assert not is_there(folder, task)
    folder.write(orjson.dumps({"key": task.key}), "cases", f"{task.name}.json")
    assert is_there(folder, task)


def test_help_teaches() -> None:
    told = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "160"}).output
    for word in ("--input", "--grid", "--costs-table", "hourly-btc", "Examples", "limits.per_trade_share"):
        assert word in told
