"""How a run ends when it is interrupted, with parts that are a few lines of Python each."""

import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from contracts.settings import Settings
from infra.local import run as module
from infra.local.accounting import Balance
from infra.local.evidence import Evidence, SubscriptionCounts
from infra.local.part import Part
from infra.local.ports import Ports
from infra.local.run import INTERRUPTED, Request, run
from infra.local.stack import REPLAY, Plan
from infra.local.state import StateFolder
from infra.local.summary import Summary

LASTING = """
import os, pathlib, signal, sys

def end(number, frame):
    pathlib.Path(sys.argv[1]).with_suffix(".asked").touch()
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).with_suffix(".new").write_text(str(os.getpid()))
pathlib.Path(sys.argv[1]).with_suffix(".new").rename(sys.argv[1])
signal.pause()
"""


class Interrupted:
    """A witness whose first look is when Ctrl-C is pressed."""

    def __init__(self, *arguments: object) -> None:
        pass

    def look(self) -> Evidence:
        raise KeyboardInterrupt


class Desk:
    """A desk of two parts; `run` gives its exit code, and `asked` who was asked to end rather than killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.screen = StringIO()

    def part(self, name: str) -> Part:
        mark = self.folder / name
        return Part(name, (sys.executable, "-c", LASTING, str(mark)), ready=mark.exists)

    def run(self) -> int:
        request = Request(
            state=StateFolder(self.folder / "state"),
            ports=Ports.chosen((), any_free=True),
            roster=Settings().roster,
            project="sapphire-test",
            dataset="sapphire",
            jobs=(),
            speed=1.0,
            summary=self.folder / "s.json",
        )
        return run(request, None, Console(file=self.screen, width=200))

    @property
    def asked(self) -> set[str]:
        return {path.stem for path in self.folder.glob("*.asked")}

    def is_gone(self) -> bool:
        """Whether both parts were there, and neither is now."""
        return not any(psutil.pid_exists(int((self.folder / name).read_text())) for name in ("job", REPLAY))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path)
    monkeypatch.setattr(module, "Witness", Interrupted)
    monkeypatch.setattr(module, "desk_parts", lambda plan: [made.part("job")])
    monkeypatch.setattr(module, "replay_part", lambda plan: made.part(REPLAY))
    yield made
    assert made.is_gone()


def test_ctrl_c_drains_and_sums_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_up(plan: Plan, witness: object, seconds: float, tick: object) -> Summary:
        assert desk.asked == {REPLAY}, "nothing comes in any more, and the rest still works"
        return Summary(seconds, Evidence(), {}, {"market": Balance(1, 1)})

    monkeypatch.setattr(module, "draw_up", draw_up)
    assert desk.run() == 0
    assert "Ctrl-C again ends it at once" in desk.screen.getvalue()
    assert (desk.folder / "s.json").exists()
    assert desk.asked == {REPLAY, "job"}


def test_a_second_ctrl_c_kills_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_up(*arguments: object) -> Summary:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "draw_up", draw_up)
    assert desk.run() == INTERRUPTED
    assert not (desk.folder / "s.json").exists()
    assert desk.asked == {REPLAY}, "the job was not asked, but killed"


def test_ctrl_c_while_starting_ends_what_was_started(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def replay(plan: Plan) -> Part:
        def ready() -> bool:
            if (desk.folder / REPLAY).exists():
                raise KeyboardInterrupt
            return False

        part = desk.part(REPLAY)
        return Part(part.name, part.command, ready=ready)

    monkeypatch.setattr(module, "replay_part", replay)
    assert desk.run() == INTERRUPTED
    assert desk.asked == {REPLAY, "job"}


def test_the_bots_may_answer_the_end_of_a_recording(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    class Followed:
        """A witness who sees a bot at work with the last bars: two, one, none."""

        def __init__(self, *arguments: object) -> None:
            pass

        def look(self) -> Evidence:
            looks.append(max(0, 2 - len(looks)))
            counts = SubscriptionCounts(received=9, acked=9 - looks[-1], backlog=looks[-1])
            return Evidence(subscriptions={"market-data-freqtrade-hft": counts})

    def over(plan: Plan) -> Part:
        return Part(REPLAY, (sys.executable, "-c", ""), may_end=True)

    def draw_up(*arguments: object) -> Summary:
        assert looks == [2, 1, 0], "it waited as long as there was something, and no longer"
        return Summary(0.0, Evidence(), {}, {"market": Balance(1, 1)})

    monkeypatch.setattr(module, "Witness", Followed)
    monkeypatch.setattr(module, "replay_part", over)
    monkeypatch.setattr(module, "draw_up", draw_up)
    (desk.folder / REPLAY).write_text(str(2**31 - 1))  # for the fixture, which sees to it that it is gone
    assert desk.run() == 0
