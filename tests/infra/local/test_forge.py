"""The forge over modules of a few lines; waiting is on files, on reports and on the ends of processes."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import psutil
import pytest

from infra.local.forge.client import CAN_FORK, Forge
from infra.local.forge.imports import imported_ahead
from infra.local.part import Part, module
from infra.local.process import Process
from infra.local.supervisor import PartDiedError, Supervisor

PATIENCE = 30.0

FOREVER = "import signal, sys; print('here', flush=True); signal.pause()"

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="parts are forked on Linux alone")


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder whose modules the forge can import."""
    folder = tmp_path / "modules"
    folder.mkdir()
    return folder


@pytest.fixture
def forge(tmp_path: Path, modules: Path) -> Iterator[Forge]:
    with opened(tmp_path, modules) as running:
        yield running


def opened(folder: Path, modules: Path, *ahead: str) -> Forge:
    path = os.pathsep.join([str(modules), *filter(None, sys.path)])
    return Forge(folder / "forge.log", ahead, {"PYTHONPATH": path, "SAPPHIRE_TEST": "the forge's"})


def write(folder: Path, name: str, code: str) -> None:
    (folder / f"{name}.py").write_text(textwrap.dedent(code))


def gate(folder: Path, modules: Path, name: str) -> Path:
    """A module whose import waits until the returned pipe is opened."""
    os.mkfifo(folder / name)
    write(modules, name, f"open({str(folder / name)!r}).close()")
    return folder / name


def started(forge: Forge, folder: Path, name: str, *arguments: str, **options: object) -> Process:
    part = Part(name, module(name, *arguments), forged=True, **options)  # type: ignore[arg-type]
    return forge.start(part, folder / f"{name}.log")


def wait_for(condition: Callable[[], object]) -> None:
    """Give other processes the processor until the condition holds; the suite's timeout is the bound."""
    while not condition():
        os.sched_yield()


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def running(forge: Forge, folder: Path, modules: Path, name: str = "lasting") -> Process:
    """A part that runs until it is ended, and does so already."""
    write(modules, name, FOREVER)
    process = started(forge, folder, name)
    wait_for(lambda: process.last_lines() == ["here"])
    return process


def test_a_part_runs_as_python_m_would(forge: Forge, tmp_path: Path, modules: Path) -> None:
    """Its name, arguments, environment, standard streams, process group, and what it does at its exit."""
    write(
        modules,
        "part",
        """
        import atexit, os, sys

        atexit.register(print, "at exit")
        if __name__ == "__main__":
            print(sys.modules["__main__"].__dict__ is globals(), os.path.basename(sys.argv[0]), sys.argv[1:])
            print(os.environ["SAPPHIRE_TEST"], "PYTHONPATH" in os.environ)
            print(repr(sys.stdin.read()), os.getpgid(0) == os.getpid(), os.path.exists("/proc/self/fd/3"))
            sys.exit("to stderr")
        """,
    )
    part = started(forge, tmp_path, "part", "a", "--b", env={"SAPPHIRE_TEST": "its own"})
    assert part.wait(PATIENCE)
    assert part.exit_code == 1
    assert sorted(part.last_lines()) == sorted(
        [
            "True part.py ['a', '--b']",
            "its own False",
            "'' True False",
            "to stderr",
            "at exit",
        ]
    )


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("pass", 0), ("import sys; sys.exit(3)", 3), ("raise OSError", 1), ("import os; os.abort()", -6)],
)
def test_exit_codes_are_reported(
    forge: Forge, tmp_path: Path, modules: Path, code: str, exit_code: int
) -> None:
    write(modules, "part", code)
    part = started(forge, tmp_path, "part")
    assert part.wait(PATIENCE)
    assert part.exit_code == exit_code


def test_a_module_that_is_not_there_is_told_in_the_parts_log(forge: Forge, tmp_path: Path) -> None:
    part = started(forge, tmp_path, "nowhere")
    assert part.wait(PATIENCE)
    assert part.exit_code == 1
    assert "No module named nowhere" in part.last_lines()[-1]


def test_imports_are_shared_and_the_module_is_not(tmp_path: Path, modules: Path) -> None:
    write(modules, "heavy", "import os; PID = os.getpid()")
    write(
        modules,
        "light",
        "import os, heavy; print(heavy.PID == os.getppid(), __name__, 'light' in __import__('sys').modules)",
    )
    with opened(tmp_path, modules, "light", "missing") as forge:
        parts = [started(forge, tmp_path, "light") for _ in range(2)]
        assert [part.wait(PATIENCE) for part in parts] == [True, True]
        assert parts[0].last_lines() == ["True __main__ False"]


def test_a_part_does_not_wait_for_the_imports_of_others(tmp_path: Path, modules: Path) -> None:
    ordered, over = gate(tmp_path, modules, "ordered"), gate(tmp_path, modules, "over")
    write(modules, "first", "import ordered")
    write(modules, "second", "import over")
    with opened(tmp_path, modules, "first", "second") as forge:
        second = started(forge, tmp_path, "second")
        first = started(forge, tmp_path, "first")
        ordered.open("w").close()
        assert first.wait(PATIENCE)
        assert second.pid is None
        over.open("w").close()
        assert second.wait(PATIENCE)
        assert (first.exit_code, second.exit_code) == (0, 0)


def test_what_a_module_imports_at_its_top(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        modules,
        "several",
        "import xml.dom\nimport nowhere_at_all\nfrom os import path, sep\ndef later(): import wave",
    )
    monkeypatch.syspath_prepend(str(modules))
    assert list(imported_ahead("several")) == ["xml.dom", "os.path", "os.sep"]
    assert "several" not in sys.modules
    assert list(imported_ahead("nowhere_at_all")) == []


def test_a_part_can_be_asked_to_end(forge: Forge, tmp_path: Path, modules: Path) -> None:
    process = running(forge, tmp_path, modules)
    process.signal(SIGTERM)
    assert process.wait(PATIENCE)
    assert process.exit_code == -SIGTERM


def test_closed_orders_are_never_forked(tmp_path: Path, modules: Path) -> None:
    over = gate(tmp_path, modules, "over")
    write(modules, "late", "import over; print('ran')")
    with opened(tmp_path, modules, "late") as forge:
        late = started(forge, tmp_path, "late")
        forge.close()
        over.open("w").close()
        assert late.wait(PATIENCE)
        assert (late.pid, late.last_lines()) == (None, [])
        assert forge.process.wait(PATIENCE)
        assert forge.process.exit_code == 0


def test_parts_end_with_the_forge(forge: Forge, tmp_path: Path, modules: Path) -> None:
    process = running(forge, tmp_path, modules)
    assert process.pid
    forge.process.signal(SIGKILL)
    assert process.wait(PATIENCE)
    wait_for(lambda: not is_alive(process.pid or 0))


def test_the_forge_ends_with_its_maker(tmp_path: Path, modules: Path) -> None:
    write(modules, "lasting", FOREVER)
    code = f"""
        import sys
        from pathlib import Path
        from infra.local.forge.client import Forge
        from infra.local.part import Part, module

        forge = Forge(Path({str(tmp_path / "forge.log")!r}), [], {{}})
        log = Path({str(tmp_path / "lasting.log")!r})
        process = forge.start(Part("lasting", module("lasting"), forged=True), log)
        while not log.read_text():
            pass
        print(process.pid, forge.process.pid, flush=True)
        sys.stdin.read()
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(modules), *filter(None, sys.path)])}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        pids = [int(pid) for pid in maker.stdout.readline().split()]
        assert [is_alive(pid) for pid in pids] == [True, True]
        maker.kill()
    wait_for(lambda: not any(map(is_alive, pids)))


def test_a_supervisor_sees_forged_parts_like_others(tmp_path: Path, modules: Path) -> None:
    write(modules, "task", "print('done')")
    write(modules, "lasting", FOREVER)
    log = tmp_path / "logs" / "lasting.log"
    parts = [
        Part("task", module("task"), finishes=True, forged=True),
        Part(
            "lasting",
            module("lasting"),
            ready=lambda: "here" in log.read_text(),
            after=("task",),
            forged=True,
        ),
        Part("spawned", (sys.executable, "-c", FOREVER), after=("lasting",)),
    ]
    forge = opened(tmp_path, modules)
    with Supervisor(tmp_path / "logs", PATIENCE, forge) as supervisor:
        supervisor.start(parts, PATIENCE)
        pids = {process.part.name: process.pid or 0 for process in supervisor.processes()}
        supervisor.check()
        assert psutil.Process(pids["lasting"]).ppid() == forge.process.pid
        os.kill(pids["lasting"], SIGKILL)
        wait_for(lambda: supervisor.has_ended("lasting"))
        with pytest.raises(PartDiedError, match="lasting was ended by SIGKILL"):
            supervisor.check()
    assert supervisor.processes() == []
    assert forge.process.exit_code is not None
    assert [is_alive(pid) for pid in pids.values()] == [False, False, False]


def test_a_forge_that_dies_is_named(tmp_path: Path, modules: Path) -> None:
    forge = opened(tmp_path, modules)
    with Supervisor(tmp_path / "logs", PATIENCE, forge) as supervisor:
        forge.process.signal(SIGKILL)
        forge.process.wait(PATIENCE)
        with pytest.raises(PartDiedError, match="forge was ended by SIGKILL"):
            supervisor.check()
