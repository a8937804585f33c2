"""The frame of `make bench`: what it writes, and that one section in trouble spares the others."""

from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner

from tests.benchmarks import __main__ as frame
from tests.benchmarks.figure import CannotRun, Figure, Figures, Section

app = typer.Typer()
app.command()(frame.main)


def good() -> Figures:
    return {"verdict": Figure(0.5, "us", beside={"peer": 2.0})}


def lacking() -> Figures:
    raise CannotRun("there is no Redis")


def lacking_a_part() -> Figures:
    raise CannotRun("there is no history", good())


def broken() -> Figures:
    raise ValueError("boom")


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> dict[str, Section]:
    table: dict[str, Section] = {}
    monkeypatch.setattr(frame, "SECTIONS", table)
    monkeypatch.setattr(frame, "load", table.__getitem__)
    return table


def test_figures_are_written_with_their_peers(sections: dict[str, Section], tmp_path: Path) -> None:
    sections.update(lacking=lacking, good=good)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["--out", str(out)])
    assert result.exit_code == 0
    assert "lacking cannot run: there is no Redis" in result.output
    assert orjson.loads(out.read_bytes()) == {
        "good": {"verdict": {"value": 0.5, "unit": "us", "beside": {"peer": 2.0}}}
    }


def test_what_a_section_can_do_without_is_told(sections: dict[str, Section], tmp_path: Path) -> None:
    sections.update(lacking=lacking_a_part)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["--out", str(out)])
    assert result.exit_code == 0
    assert "lacking cannot run whole: there is no history" in result.output
    assert list(orjson.loads(out.read_bytes())["lacking"]) == ["verdict"]


def test_a_failing_section_is_named_and_the_rest_go_on(sections: dict[str, Section], tmp_path: Path) -> None:
    sections.update(broken=broken, good=good)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["--out", str(out)])
    assert result.exit_code == 1
    assert "broken failed: ValueError: boom" in result.output
    assert list(orjson.loads(out.read_bytes())) == ["good"]


def test_section_picks_one(sections: dict[str, Section]) -> None:
    sections.update(broken=broken, good=good)
    assert CliRunner().invoke(app, ["--section", "good"]).exit_code == 0
    assert CliRunner().invoke(app, ["--section", "bad"]).exit_code == 2


def test_the_table_shows_ours_as_a_multiple_of_the_peers() -> None:
    table = frame.as_table("throttle", good())
    assert list(table.columns[3].cells) == ["", "0.25x"]
