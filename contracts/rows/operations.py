"""Rows about the desk's own running."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.model import Name
from contracts.refusals import DeadLetter
from contracts.rows.row import DeskRow, JsonText, Row
from contracts.time import UtcTime


class DeadLetterRow(Row):
    """Something that was refused."""

    table: ClassVar[str] = "dead_letters"
    about: ClassVar[str] = "everything that was refused, where and why"
    clustering: ClassVar[tuple[str, ...]] = ("job", "reason")
    expiration_days: ClassVar[int] = 90

    job: Name
    stage: Name
    reason: Name
    error: str
    size: int
    payload: str
    attributes: JsonText

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterRow":
        """The row for a dead letter."""
        return cls(row_id=letter.dead_letter_id, **letter.model_dump(exclude={"dead_letter_id"}))


class CoreStateRow(DeskRow):
    """The state of a desk's core in a job, from which the job can be started anew."""

    table: ClassVar[str] = "core_states"
    about: ClassVar[str] = (
        "what the coordination and trading jobs knew of a desk, now and then, to start anew from"
    )
    clustering: ClassVar[tuple[str, ...]] = ("desk", "core")
    expiration_days: ClassVar[int] = 30

    core: Name
    told_at: Annotated[UtcTime, Field(description="wall clock at its telling; the newest counts")]
    state: JsonText
