"""The sections of `make bench`, in their order: one module each, with a function `measure`."""

from importlib import import_module

from tests.benchmarks.figure import CannotRun, Section

SECTIONS = {
    "beam": "tests.benchmarks.beam",
    "throttle": "tests.benchmarks.throttle",
    "coordination": "tests.benchmarks.coordination",
    "market": "tests.benchmarks.market",
    "stack": "tests.benchmarks.stack",
    "execution": "tests.benchmarks.execution",
    "backtest": "tests.benchmarks.backtest",
    "agents": "tests.benchmarks.agents",
}


def load(name: str) -> Section:
    """Import a section only when it is to run, so that what one lacks does not stop another.

    Raises:
        CannotRun: a library that the section needs is not installed.
    """
    try:
        section: Section = import_module(SECTIONS[name]).measure
    except ModuleNotFoundError as missing:
        raise CannotRun(f"the module {missing.name} is not installed; run `make setup`") from missing
    return section
