"""The rows on their way through export: every row goes on to its table, those of coordination are counted in windows too."""

from collections.abc import Iterator

from contracts.refusals import Reason, Refusal
from contracts.rows.communication import DeliveryRow, MessageRow
from transforms.core import ROWS, Output
from transforms.counting import counter
from transforms.export.communication_windows import CommunicationWindows
from transforms.intake import RowIntake
from transforms.log import Address, LogEntry, Raw

DESKLESS = "*"
"""The key of rows that belong to no desk: the market's, and dead letters."""

MESSAGES = "row_messages"
"""The count of messages on rows; each holds one row a line."""


def split_rows(raw: Raw) -> Iterator[Raw]:
    """The rows of one message of the rows topic, each as raw as it came."""
    counter(MESSAGES).inc()
    for row in raw.data.split(b"\n"):
        yield raw._replace(data=row)


class ExportIntake(RowIntake):
    """Reads rows, keyed by desk."""

    def address(self, raw: Raw) -> Address:
        _, event_micros, entry_id = super().address(raw)
        desk = self.content(raw).get("desk", DESKLESS)
        if not isinstance(desk, str):
            raise Refusal(Reason.WRONG_FIELD, "not a row of a desk")
        return Address((desk,), event_micros, entry_id)


class DeskRows:
    """The core of the export job, one for each desk: rows pass, and windows are counted over those of coordination."""

    def __init__(self, desk: str) -> None:
        self._windows = CommunicationWindows(desk)

    def apply(self, entry: LogEntry) -> list[Output]:
        """The row itself, and the windows that it closes."""
        passed = Output(ROWS, entry.value)
        if isinstance(entry.value, MessageRow | DeliveryRow):
            return [passed, *self._windows.apply(entry)]
        return [passed]

    def flush(self) -> list[Output]:
        """Every window that is open."""
        return self._windows.flush()

    def dump(self) -> bytes:
        """The windows' state."""
        return self._windows.dump()

    def restore(self, state: bytes) -> None:
        """Take up the windows' state."""
        self._windows.restore(state)
