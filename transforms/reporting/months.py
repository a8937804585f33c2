"""Returns by calendar month (UTC)."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from contracts.time import from_micros, to_micros
from transforms.reporting.series import Series


@dataclass(frozen=True, slots=True)
class YearOfMonths:
    """A year's returns by month, 1 to 12, of the months that were at least in part in the period; and the year's."""

    year: int
    months: dict[int, float]
    whole: float


def month_starts(start: int, end: int) -> list[int]:
    """The period's start, every first of a month inside of it, and its end, in microseconds."""
    moment = from_micros(start)
    edges = [start]
    while True:
        moment = next_month(moment)
        if to_micros(moment) >= end:
            return [*edges, end]
        edges.append(to_micros(moment))


def next_month(moment: datetime) -> datetime:
    """The first moment of the month after the one of `moment`."""
    year, month = divmod(moment.year * 12 + moment.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def by_month(equity: Series, capital: float, start: int, end: int) -> list[YearOfMonths]:
    """Equity at a month's end over that at its beginning, minus 1; the first begins with the capital.

    A month that begins with nothing left has a return of 0.
    """
    edges = month_starts(start, end)
    levels = equity.at(np.array(edges, np.int64), before=capital)
    levels[0] = capital
    years: dict[int, dict[int, float]] = {}
    for edge, before, after in zip(edges, levels, levels[1:], strict=False):
        moment = from_micros(edge)
        years.setdefault(moment.year, {})[moment.month] = float(after / before - 1.0) if before > 0 else 0.0
    return [
        YearOfMonths(year, months, float(np.prod([1.0 + r for r in months.values()]) - 1.0))
        for year, months in years.items()
    ]
