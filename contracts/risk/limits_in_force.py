"""The limits in force: those of the file, with what was changed at run time."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.risk.limits import Limits


class LimitsInForce:
    """What the desk goes by now.

    A change holds over the file's value until it is changed again, also when a job starts anew, with the same file or an
    edited one. Where a file and the kept changes do not fit together the job does not start.

    file: desk_gross 0.75, desk_net 0.50    CONTROL desk_gross 0.60    file edited: 0.80, 0.40, job started anew
    in force        0.75            0.50                  0.60, 0.50                         0.60, 0.40
    """

    def __init__(self, file: Limits) -> None:
        self._file = file
        self._changes: dict[str, Decimal | None] = {}
        self._changed_micros = 0
        self.now = file

    def change(self, changes: Mapping[str, Decimal | None], micros: int) -> bool:
        """Put changes in force; False for those older than the last ones, which change nothing.

        Raises ValueError, in one sentence, when they do not fit the limits in force, which then stay.
        """
        if micros < self._changed_micros:
            return False
        merged = self._changes | dict(changes)
        self.now = self._file.with_changes(merged)
        self._changes, self._changed_micros = merged, micros
        return True

    def dump(self) -> dict[str, Any]:
        """As JSON; `in_force` is for readers who do not know the file."""
        return {
            "in_force": self.now.model_dump(mode="json"),
            "changes": {name: None if value is None else str(value) for name, value in self._changes.items()},
            "changed_micros": self._changed_micros,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up the changes that `dump` wrote; raises ValueError when they do not fit the file."""
        self._changes = {
            name: None if value is None else Decimal(value) for name, value in dumped["changes"].items()
        }
        self._changed_micros = int(dumped["changed_micros"])
        self.now = self._file.with_changes(self._changes)
