"""Drift: how far each agent's part of the capital has moved from the share that it was given, by what it made of it."""

from decimal import Decimal
from typing import NamedTuple

from contracts.risk.allotments import Allotments
from contracts.risk.book import Book
from contracts.risk.money import EXACT, ZERO


class Drift(NamedTuple):
    """An agent's equity, its part of all agents' equity, and the share that it was given of their capital.

    given 6,000 and 2,000; the first earned 400    equity 6,400 and 2,000: parts 0.762 and 0.238, shares 0.75 and 0.25
    """

    equity: Decimal
    part: Decimal
    share: Decimal

    @property
    def amount(self) -> Decimal:
        """Part - share: 0.012 is 1.2 percentage points too much."""
        return self.part - self.share


def drifts(allotments: Allotments, book: Book) -> dict[str, Drift]:
    """By agent; nothing before the capital was given, and no part of what is lost."""
    capital = allotments.all()
    equity = {agent: max(ZERO, allotments.equity_of(agent, book)) for agent in capital}
    given, now = sum(capital.values(), ZERO), sum(equity.values(), ZERO)
    return {
        agent: Drift(equity[agent], _part(equity[agent], now), _part(own, given))
        for agent, own in capital.items()
    }


def farthest(found: dict[str, Drift]) -> Decimal:
    """The largest drift of any agent, whichever way."""
    return max((abs(drift.amount) for drift in found.values()), default=ZERO)


def _part(own: Decimal, whole: Decimal) -> Decimal:
    return EXACT.divide(own, whole) if whole else ZERO
