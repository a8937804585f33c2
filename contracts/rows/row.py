"""What all rows share, and how a row model says what its table looks like."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.model import Contract, Name
from contracts.time import UtcTime

JsonText = Annotated[str, "JSON"]
"""JSON as text: a column of BigQuery's type JSON."""


class Row(Contract):
    """One row of a table that is partitioned by the day of `event_time`.

    `row_id` follows from the log, so that a row written twice can be told as one (it is the insert id). The class
    variables say the table's name, what it is clustered by, and after how many days a partition expires.
    """

    table: ClassVar[str]
    about: ClassVar[str]
    clustering: ClassVar[tuple[str, ...]]
    expiration_days: ClassVar[int] = 400

    row_id: Name
    event_time: Annotated[
        UtcTime, Field(description="when it happened; the table is partitioned by its day (UTC)")
    ]


class DeskRow(Row):
    """A row that follows from an entry of a desk's log: `position` is the entry's place in the log of its key."""

    desk: Name
    position: Annotated[
        int, Field(description="place of the causing entry in the job's log of its key, from 1")
    ]


class Feature(Contract):
    """A named number."""

    name: str
    value: float
