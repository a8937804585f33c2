"""The rows on their way through export: each to its table, those of coordination also to its desk's windows."""

from contracts.refusals import Reason, Refusal
from contracts.rows.communication import DeliveryRow, MessageRow
from transforms.core import ROWS, Core, Output
from transforms.export.communication_windows import CommunicationWindows
from transforms.intake import RowIntake
from transforms.log import Address, LogEntry, Raw

_WINDOWS = "windows/"
_WINDOWED = frozenset({MessageRow.table, DeliveryRow.table})


class ExportIntake(RowIntake):
    """Reads rows, keyed by table; messages and deliveries join the log of their desk's windows too."""

    def address(self, raw: Raw) -> Address:
        keys, event_micros, entry_id = super().address(raw)
        (table,) = keys
        if table in _WINDOWED:
            desk = self.content(raw).get("desk")
            if not isinstance(desk, str):
                raise Refusal(Reason.WRONG_FIELD, "not a row of a desk")
            keys = (table, _WINDOWS + desk)
        return Address(keys, event_micros, entry_id)


class _PassOn:
    """The core of a table: every row goes on as it is."""

    def apply(self, entry: LogEntry) -> list[Output]:
        return [Output(ROWS, entry.value)]

    def flush(self) -> list[Output]:
        return []

    def dump(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        """There is no state."""


def export_core(key: str) -> Core:
    """The core of a key: a desk's windows, or a table."""
    return CommunicationWindows(key.removeprefix(_WINDOWS)) if key.startswith(_WINDOWS) else _PassOn()
