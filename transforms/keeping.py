"""Keeping: the cores that a process has at hand, and what is told of their states."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from contracts.core_states import core_state
from contracts.rows.operations import CoreStateRow
from transforms.core import Core
from transforms.process_wide import once_a_process

TELL_EVERY_SECONDS = 10.0
"""How often a stream's job writes a core's state as a row."""


class Kept(NamedTuple):
    """A core beside the state that it gave, after the entry at `position`."""

    state: bytes
    core: Core
    position: int
    latest_micros: int

    def row(self, core: str, desk: str, told_at: datetime) -> CoreStateRow:
        """The state as a row."""
        return core_state(core, desk, self.position, self.latest_micros, self.state, told_at)


class KeptCores:
    """The cores of one job in this process, by key.

    Restoring a core costs more than comparing its bytes: the one just used is kept beside the state it gave.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._told_at: dict[str, float] = {}

    @classmethod
    def of(cls, job: str) -> "KeptCores":
        """Those of a job, for as long as the process lives."""
        return once_a_process(("cores", job), cls)

    def take(self, key: str, state: bytes | None) -> Core | None:
        """The key's core, when it is in that state; it is then no longer kept."""
        kept = self._kept.pop(key, None)
        return kept.core if kept is not None and kept.state == state else None

    def keep(self, key: str, kept: Kept) -> None:
        """Keep the core until it is used next."""
        self._kept[key] = kept

    def row_if_due(self, core: str, key: str, now: float) -> CoreStateRow | None:
        """The key's state as a row, when the last one is long enough ago (`now`: wall clock, seconds)."""
        if now - self._told_at.get(key, 0.0) < TELL_EVERY_SECONDS:
            return None
        self._told_at[key] = now
        return self._kept[key].row(core, key, datetime.fromtimestamp(now, UTC))

    def rows(self, core: str, now: Callable[[], datetime]) -> list[CoreStateRow]:
        """The states of all keys that are not being worked on at this moment."""
        return [kept.row(core, key, now()) for key, kept in list(self._kept.items())]
