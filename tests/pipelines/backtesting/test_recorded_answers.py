"""Recorded answers: they are used for what they were recorded for, and are a part of what names a run."""

import hashlib
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from agents.endpoints.asking import CallFailed
from contracts.decisions import CallStatus
from contracts.settings import Settings
from pipelines.backtest import options_of
from pipelines.backtesting.connections import connection_of
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.files import Folder
from pipelines.backtesting.making import make_backtest
from pipelines.backtesting.plan import Wanted, tasks_of
from tests.pipelines.backtesting.worlds import scenario, write_bars

MINUTES = 24

MODELS = ("momentum", "mean_reversion", "sentiment_neutral", "volatility", "allocation")
"""The rules of the roster's endpoints, by the names that recordings of a local stack have."""


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_bars(tmp_path_factory.mktemp("bars"), MINUTES))


def write_answers(folder: Path, models: tuple[str, ...] = MODELS, prompt: str = "0" * 16) -> Path:
    path = folder / "answers.jsonl"
    path.write_bytes(
        b"".join(
            orjson.dumps({"model": model, "prompt": prompt, "prediction": {}}) + b"\n" for model in models
        )
    )
    return path


def test_recorded_agents_answer_what_they_were_asked_alone(bars: str, tmp_path: Path) -> None:
    outside = Wanted(inputs=(bars,), answers=write_answers(tmp_path))
    with pytest.raises(BacktestError, match="were not asked this when they were recorded"):
        make_backtest(outside, str(tmp_path / "out"), options_of("FnApiRunner", 1, []), Console(quiet=True))


def test_recorded_agents_that_were_not_recorded_stop_it(bars: str, tmp_path: Path) -> None:
    answers = write_answers(tmp_path, ("momentum", "volatility"))
    with pytest.raises(BacktestError) as error:
        tasks_of(Wanted(inputs=(bars,), answers=answers), Settings())
    assert str(error.value) == (
        f"nothing is recorded in {answers} of qwen-7b, fingpt-alpha, profit-maximizer; recorded are momentum, "
        "volatility: record the missing ones too, or give them no capital (--set agents.<agent>.capital_weight=0)"
    )
    without = tuple(
        f"agents.{agent}.capital_weight=0" for agent in ("qwen-7b", "fingpt-alpha", "profit-maximizer")
    )
    [task] = tasks_of(Wanted(inputs=(bars,), answers=answers, changes=without), Settings())
    connection = connection_of(task.scenario.roster, task.scenario.answers)
    [told] = connection.connect().begin("qwen-momentum-endpoint", [{}]).reply().predictions
    assert isinstance(told, CallFailed)
    assert (told.status, told.error) == (
        CallStatus.REFUSED,
        "nothing is recorded of the endpoint qwen-momentum-endpoint",
    )
    asked = connection_of(scenario().roster, str(answers)).connect()
    with pytest.raises(
        BacktestError, match=r"nothing is recorded in .* of the endpoint qwen-momentum-endpoint"
    ):
        asked.begin("qwen-momentum-endpoint", [{}])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds no recorded answers: record them with --record"),
        ("garbage\n", "line 1 is not a recorded answer"),
    ],
)
def test_a_file_without_answers_is_told(bars: str, tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "answers.jsonl").write_text(content)
    with pytest.raises(BacktestError, match=told):
        tasks_of(Wanted(inputs=(bars,), answers=tmp_path / "answers.jsonl"), Settings())


def test_missing_answers_are_told(bars: str, tmp_path: Path) -> None:
    with pytest.raises(BacktestError, match=r"none\.jsonl cannot be read: No such file"):
        tasks_of(Wanted(inputs=(bars,), answers=tmp_path / "none.jsonl"), Settings())


def test_other_answers_are_another_run(bars: str, tmp_path: Path) -> None:
    asked = Wanted(inputs=(bars,), answers=write_answers(tmp_path))
    [before] = tasks_of(asked, Settings())
    assert before.key == tasks_of(asked, Settings())[0].key
    content = write_answers(tmp_path, prompt="1" * 16).read_bytes()
    [after] = tasks_of(asked, Settings())
    assert after.key != before.key
    assert after.scenario.settings()["agents.answers_sha256"] == hashlib.sha256(content).hexdigest()


def test_the_result_names_its_answers(bars: str, tmp_path: Path) -> None:
    nobody = tuple(
        f"agents.{p.agent}.capital_weight=0" for p in scenario().roster.agents if p.is_model_backed
    )
    answers = write_answers(tmp_path, ("nobody",))
    asked = Wanted(inputs=(bars,), answers=answers, changes=nobody)
    done = make_backtest(asked, str(tmp_path / "out"), options_of("FnApiRunner", 1, []), Console(quiet=True))
    told = hashlib.sha256(answers.read_bytes()).hexdigest()
    assert done.answers_sha256 == told
    assert Folder(str(tmp_path / "out")).read_run("main.base").settings["agents.answers_sha256"] == told
