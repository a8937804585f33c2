"""Reading a month."""

from datetime import UTC, datetime

import pytest

from pipelines.reporting.errors import ReportError
from pipelines.reporting.month import Month

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_month_ends_where_the_next_begins() -> None:
    month = Month.read("2023-12", NOW)
    assert (month.name, month.start, month.end) == (
        "2023-12", datetime(2023, 12, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_the_month_that_is_under_way_is_one() -> None:
    assert Month.read("2026-11", NOW).name == "2026-11"


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024", "January", "2024-1", "0001-01", ""])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(ReportError, match="write it as 2024-01"):
        Month.read(text, NOW)


def test_a_month_to_come() -> None:
    with pytest.raises(ReportError, match="2026-12 has not begun yet"):
        Month.read("2026-12", NOW)
