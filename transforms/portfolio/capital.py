"""The desk's capital over time: who has how much, towards which goal, and what each agent is told about it.

The goal is kept and reported on every allocation, rebalance and guidance; the weights do not follow it yet: every goal
gives the base weights of the roster.
"""

from decimal import Decimal
from typing import Any

from contracts.controls import Goal
from contracts.payloads import DeskState, Guidance, PortfolioRebalance
from contracts.risk.book import Book
from contracts.risk.exposure import Exposure
from contracts.risk.limits import Limits
from contracts.risk.money import ZERO, told
from contracts.risk.sizing import per_trade_cap
from contracts.roster import AgentProfile, Roster
from contracts.rows.trading import AllocationRow
from transforms.portfolio.allocation import allocate, shares
from transforms.portfolio.report import MESSAGES, Report


class Capital:
    """Allocations by agent, made anew every `rebalance_seconds` of event time from the equity of that moment."""

    def __init__(self, roster: Roster, limits: Limits) -> None:
        self.goal = Goal.MAXIMUM_PROFIT
        self._roster = roster
        self._limits = limits
        self._allocations: dict[str, Decimal] = {}
        self._profits: dict[str, Decimal] = {}
        self._due_micros = 0

    def of(self, agent: str) -> Decimal:
        """An agent's capital (quote currency)."""
        return self._allocations.get(agent, ZERO)

    def equity_of(self, agent: str, book: Book) -> Decimal:
        """An agent's capital and what it made of it since it was given."""
        return self.of(agent) + book.profit(agent) - self._profits.get(agent, ZERO)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever allocated."""
        return self._due_micros == 0

    def is_due(self, clock: int) -> bool:
        """Whether it is time to allocate anew."""
        return clock >= self._due_micros

    def allocate(
        self, report: Report, clock: int, reason: str, book: Book, exposure: Exposure, state: DeskState
    ) -> None:
        """Allocate anew and tell it: rows, a PORTFOLIO_REBALANCE to everyone, a GUIDANCE to each agent."""
        previous = {profile.agent: self.of(profile.agent) for profile in self._roster.agents}
        self._allocations = allocate(book.equity, self._roster, self._limits)
        self._profits = {agent: book.profit(agent) for agent in self._allocations}
        self._due_micros = clock + self._limits.rebalance_seconds * 1_000_000
        parts = shares(self._roster)
        for agent, capital in self._allocations.items():
            report.row(
                AllocationRow,
                agent=agent,
                goal=self.goal,
                previous=told(previous[agent]),
                capital=told(capital),
                share=float(parts[agent]),
                reason=reason,
            )
        rebalance = PortfolioRebalance(
            goal=self.goal,
            reason=reason,
            equity=told(book.equity),
            previous={agent: told(amount) for agent, amount in previous.items()},
            allocations={agent: told(amount) for agent, amount in self._allocations.items()},
        )
        report.say(MESSAGES, rebalance)
        for profile in self._roster.agents:
            report.say(MESSAGES, self._guidance(profile, exposure, state), profile.agent)

    def _guidance(self, profile: AgentProfile, exposure: Exposure, state: DeskState) -> Guidance:
        capital = self.of(profile.agent)
        remaining = max(ZERO, capital - exposure.agent(profile.agent))
        cap = per_trade_cap(capital, state, self._limits)
        free = f"{remaining:.2f} of your {capital:.2f} USDT are free"
        if state is DeskState.HALTED:
            text = f"The desk is halted: only orders that reduce a position can pass; {free}."
        else:
            text = f"One order may be worth up to {cap:.2f} USDT in {', '.join(profile.preferred_assets)}; {free}."
        return Guidance(
            agent=profile.agent,
            role=profile.role,
            goal=self.goal,
            capital=told(capital),
            remaining=told(remaining),
            favour=profile.preferred_assets,
            text=text,
        )

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "goal": self.goal,
            "allocations": {agent: str(amount) for agent, amount in self._allocations.items()},
            "profits": {agent: str(amount) for agent, amount in self._profits.items()},
            "due_micros": self._due_micros,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self.goal = Goal(dumped["goal"])
        self._allocations = {agent: Decimal(amount) for agent, amount in dumped["allocations"].items()}
        self._profits = {agent: Decimal(amount) for agent, amount in dumped["profits"].items()}
        self._due_micros = int(dumped["due_micros"])
