"""Rows about the desk's own running."""

from typing import ClassVar

from contracts.model import Name
from contracts.refusals import DeadLetter
from contracts.rows.row import JsonText, Row


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
