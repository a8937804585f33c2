"""Allotments: what each agent was given of the desk's capital, and what it made of it since."""

from decimal import Decimal
from typing import Any

from contracts.risk.book import Book
from contracts.risk.money import ZERO


class Allotments:
    """Capital by agent (quote currency), beside the profit that each agent had when it was given."""

    def __init__(self) -> None:
        self._capital: dict[str, Decimal] = {}
        self._profits: dict[str, Decimal] = {}

    def give(self, capital: dict[str, Decimal], book: Book) -> None:
        """Give every agent its capital anew; what it makes is counted from here on."""
        # By name, as they come back from a state: what is summed over them must not depend on a restart.
        self._capital = dict(sorted(capital.items()))
        self._profits = {agent: book.profit(agent) for agent in self._capital}

    def of(self, agent: str) -> Decimal:
        """An agent's capital; zero for one that was given none."""
        return self._capital.get(agent, ZERO)

    def all(self) -> dict[str, Decimal]:
        """Every agent's capital."""
        return dict(self._capital)

    def equity_of(self, agent: str, book: Book) -> Decimal:
        """An agent's capital and what it made of it since it was given."""
        return self.of(agent) + book.profit(agent) - self._profits.get(agent, ZERO)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "capital": {agent: str(amount) for agent, amount in self._capital.items()},
            "profits": {agent: str(amount) for agent, amount in self._profits.items()},
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Allotments":
        """What `dump` wrote."""
        allotments = cls()
        allotments._capital = {agent: Decimal(amount) for agent, amount in dumped["capital"].items()}
        allotments._profits = {agent: Decimal(amount) for agent, amount in dumped["profits"].items()}
        return allotments
