"""A calendar month (UTC)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.reporting.errors import ReportError
from transforms.reporting.months import next_month


@dataclass(frozen=True, slots=True)
class Month:
    """From its first moment up to, and without, the next month's."""

    start: datetime

    @classmethod
    def read(cls, text: str, now: datetime) -> "Month":
        """From `2024-01`; raises `ReportError` for what is no month, or for one that has not begun."""
        found = re.fullmatch(r"(\d{4})-(\d{2})", text)
        if not found or not 1 <= int(found[2]) <= 12 or int(found[1]) < 1970:
            raise ReportError(f"{text!r} is not a month: write it as 2024-01")
        month = cls(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))
        if month.start > now:
            raise ReportError(f"{text} has not begun yet")
        return month

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return next_month(self.start)

    @property
    def name(self) -> str:
        """As in 2024-01."""
        return f"{self.start:%Y-%m}"
