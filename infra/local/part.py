"""A part of the stack: one process, what it needs first, and how one sees that it is ready."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.local.errors import StackError
from infra.local.probes import Probe, always


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack.

    `after` names the parts that must be ready (or done) before it starts. A part that `finishes` is a task:
    it is ready once it ended with 0, and its end is no failure. A part that `may_end` runs on but is allowed
    to end with 0, as a replayer does when the recording is over. Anything else that ends has died. A part that
    is `forged` is one of our own modules, and may be forked from the forge instead of started from nothing.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Probe = always
    after: tuple[str, ...] = ()
    finishes: bool = False
    may_end: bool = False
    forged: bool = False


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a Python module in this very interpreter."""
    return (sys.executable, "-m", name, *arguments)


def levels(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts by how much must be there before them; raises `StackError` for a need that nothing meets."""
    remaining = {part.name: part for part in parts}
    placed: set[str] = set()
    ordered: list[list[Part]] = []
    while remaining:
        level = [part for part in remaining.values() if placed.issuperset(part.after)]
        if not level:
            raise StackError(
                f"these parts wait for one another, or for a part that is not there: {', '.join(remaining)}"
            )
        for part in level:
            del remaining[part.name]
        placed.update(part.name for part in level)
        ordered.append(level)
    return ordered
