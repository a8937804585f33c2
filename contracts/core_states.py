"""What is known of a job's core from outside: who tells its state, and which telling counts."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from contracts.ids import derived_id
from contracts.rows.operations import CoreStateRow
from contracts.time import from_micros


class Teller(StrEnum):
    """Who puts a core's state into the live view."""

    JOB = "job"
    """The launcher of a local job, every second and when it stops."""

    EXPORT = "export"
    """The export job, from the rows that any job writes of it now and then."""


def field_of(core: str, teller: Teller) -> str:
    """The field of LiveView.core_states in which `teller` tells of `core`."""
    return f"{core}/{teller}"


def core_state(
    core: str, desk: str, position: int, event_micros: int, state: bytes, told_at: datetime
) -> CoreStateRow:
    """The row for a core's `state` (JSON) after the entry at `position` of the desk's log."""
    event_time = from_micros(event_micros)
    return CoreStateRow(
        row_id=derived_id(event_time, core, desk, str(position), told_at.isoformat()),
        event_time=event_time,
        desk=desk,
        position=position,
        core=core,
        told_at=told_at,
        state=state.decode(),
    )


def newest(told: Iterable[CoreStateRow], core: str) -> CoreStateRow | None:
    """The last telling of a core's state; None when nobody has told."""
    return max((row for row in told if row.core == core), key=lambda row: row.told_at, default=None)
