"""The supervisor over parts that are a line of Python each; waiting is on files and on the ends of processes."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.part import Part
from infra.local.supervisor import NotReadyError, PartDiedError, Supervisor

PATIENCE = 30.0
FOREVER = "import signal, pathlib, sys; pathlib.Path({mark!r}).touch(); signal.pause()"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", grace_seconds=PATIENCE) as running:
        yield running
    assert running.processes() == []


def python(name: str, code: str, **options: object) -> Part:
    return Part(name, (sys.executable, "-c", textwrap.dedent(code)), **options)  # type: ignore[arg-type]


def lasting(name: str, folder: Path, **options: object) -> Part:
    """Runs until it is ended; ready when it has made its mark."""
    mark = folder / name
    return python(name, FOREVER.format(mark=str(mark)), ready=mark.exists, **options)


def pids(supervisor: Supervisor) -> dict[str, int]:
    return {process.part.name: process.pid for process in supervisor.processes()}


def wait_for(condition: Callable[[], bool]) -> None:
    """Give other processes the processor until the condition holds; the suite's timeout is the bound."""
    while not condition():
        os.sched_yield()


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_parts_start_when_what_they_need_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    told: list[str] = []
    parts = [lasting("third", tmp_path, after=("second",)), lasting("second", tmp_path, after=("first",))]
    supervisor.start([*parts, lasting("first", tmp_path)], PATIENCE, told.append)
    assert told == ["first", "second", "third"]
    assert supervisor.ready == {"first", "second", "third"}


def test_parts_may_need_what_was_started_before(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([lasting("first", tmp_path)], PATIENCE)
    supervisor.start([lasting("second", tmp_path, after=("first",))], PATIENCE)
    assert supervisor.ready == {"first", "second"}


def test_a_task_is_ready_when_it_ended_well(supervisor: Supervisor, tmp_path: Path) -> None:
    made = tmp_path / "made"
    task = python("task", f"import pathlib; pathlib.Path({str(made)!r}).touch()", finishes=True)
    after = python(
        "after", f"import os; assert os.path.exists({str(made)!r})", after=("task",), finishes=True
    )
    supervisor.start([after, task], PATIENCE)
    supervisor.check()
    assert made.exists()


def test_each_part_gets_its_environment_and_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import os; print(os.environ['WHO'])"
    supervisor.start(
        [python(who, code, env={"WHO": f"I am {who}"}, finishes=True) for who in ("a", "b")], PATIENCE
    )
    assert [(tmp_path / "logs" / f"{who}.log").read_text() for who in ("a", "b")] == ["I am a\n", "I am b\n"]


def test_a_part_that_dies_while_starting_is_named_with_its_last_lines(supervisor: Supervisor) -> None:
    broken = python("broken", "import sys; print('before'); sys.exit('no such desk')", ready=lambda: False)
    with pytest.raises(PartDiedError, match="broken ended with exit code 1") as died:
        supervisor.start([broken], PATIENCE)
    assert sorted(died.value.lines) == ["before", "no such desk"]


def test_a_part_that_dies_later_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([lasting("victim", tmp_path), lasting("other", tmp_path)], PATIENCE)
    supervisor.check()
    victim = supervisor.processes()[0]
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait(PATIENCE)
    with pytest.raises(PartDiedError, match="victim was ended by SIGKILL"):
        supervisor.check()


def test_a_service_that_ends_with_0_has_died_too(supervisor: Supervisor) -> None:
    supervisor.start([python("short", "pass")], PATIENCE)
    supervisor.processes()[0].wait(PATIENCE)
    with pytest.raises(PartDiedError, match="short ended with exit code 0"):
        supervisor.check()


def test_a_part_that_may_end_is_no_failure(supervisor: Supervisor) -> None:
    supervisor.start([python("replay", "pass", may_end=True)], PATIENCE)
    supervisor.processes()[0].wait(PATIENCE)
    supervisor.check()
    assert supervisor.has_ended("replay")


def test_what_does_not_get_ready_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    slow = python("slow", "import signal; signal.pause()", ready=lambda: False)
    with pytest.raises(NotReadyError, match="not ready after 0 s: slow"):
        supervisor.start([slow], timeout_seconds=0.0)


def test_stop_asks_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    """Each part writes its name when it is asked to end, before it ends."""
    ends = tmp_path / "ends"

    def polite(name: str, *after: str) -> Part:
        mark = tmp_path / name
        code = f"""
            import pathlib, signal, sys

            def end(number, frame):
                with open({str(ends)!r}, "a") as file:
                    file.write("{name}\\n")
                sys.exit(0)

            signal.signal(signal.SIGTERM, end)
            pathlib.Path({str(mark)!r}).touch()
            signal.pause()
        """
        return python(name, code, ready=mark.exists, after=after)

    supervisor.start([polite("redis"), polite("job", "redis"), polite("bot", "job")], PATIENCE)
    supervisor.stop({"bot"})
    assert supervisor.has_ended("bot")
    supervisor.stop()
    assert ends.read_text().split() == ["bot", "job", "redis"]


def test_what_does_not_want_to_end_is_made_to(tmp_path: Path) -> None:
    mark = tmp_path / "stubborn"
    code = f"""
        import pathlib, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(mark)!r}).touch()
        while True:
            signal.pause()
    """
    with Supervisor(tmp_path / "logs", grace_seconds=0.1) as supervisor:
        supervisor.start([python("stubborn", code, ready=mark.exists)], PATIENCE)
        (pid,) = pids(supervisor).values()
    assert not is_alive(pid)


def test_what_a_part_started_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = f"""
        import pathlib, signal, subprocess, sys
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        path = pathlib.Path({str(child)!r})
        path.with_suffix(".new").write_text(str(process.pid))
        path.with_suffix(".new").rename(path)
        signal.pause()
    """
    supervisor.start([python("parent", code, ready=child.exists)], PATIENCE)
    supervisor.stop()
    wait_for(lambda: not is_alive(int(child.read_text())))


def test_kill_ends_everything_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([lasting("a", tmp_path), lasting("b", tmp_path)], PATIENCE)
    running = pids(supervisor)
    supervisor.kill()
    assert [is_alive(pid) for pid in running.values()] == [False, False]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel ties parts to the run on Linux alone"
)
def test_parts_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
        import sys
        from pathlib import Path
        from infra.local.part import Part
        from infra.local.supervisor import Supervisor

        supervisor = Supervisor(Path({str(tmp_path / "logs")!r}))
        mark = Path({str(tmp_path / "mark")!r})
        part = Part("part", (sys.executable, "-c", {FOREVER.format(mark=str(tmp_path / "mark"))!r}), ready=mark.exists)
        supervisor.start([part], {PATIENCE})
        print(supervisor.processes()[0].pid, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_for(lambda: not is_alive(pid))
