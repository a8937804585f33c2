"""The desk's capital over time: who has how much, towards which goal, and what each agent is told about it.

The goal is kept and reported on every allocation, rebalance and guidance; the weights do not follow it yet: every goal
gives the base weights of the roster.
"""

from typing import Any

from contracts.controls import Goal
from contracts.payloads import DeskState, Guidance, PortfolioRebalance
from contracts.risk.money import ZERO, told
from contracts.risk.sizing import per_trade_cap
from contracts.risk.standing import RiskStanding
from contracts.roster import AgentProfile
from contracts.rows.trading import AllocationRow
from transforms.portfolio.allocation import allocate, shares
from transforms.portfolio.report import MESSAGES, Report


class Capital:
    """Allocations by agent, made anew every `rebalance_seconds` of event time from the equity of that moment."""

    def __init__(self, standing: RiskStanding) -> None:
        self.goal = Goal.MAXIMUM_PROFIT
        self._standing = standing
        self._roster = standing.roster
        self._due_micros = 0

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever allocated."""
        return self._due_micros == 0

    def is_due(self, clock: int) -> bool:
        """Whether it is time to allocate anew."""
        return clock >= self._due_micros

    def allocate(self, report: Report, reason: str) -> None:
        """Allocate anew and tell it: rows, a PORTFOLIO_REBALANCE to everyone, a GUIDANCE to each agent."""
        book, limits, allotments = self._standing.book, self._standing.limits.now, self._standing.allotments
        previous = {profile.agent: allotments.of(profile.agent) for profile in self._roster.agents}
        allocations = allocate(book.equity, self._roster, limits)
        allotments.give(allocations, book)
        self._due_micros = self._standing.clock + limits.rebalance_seconds * 1_000_000
        parts = shares(self._roster)
        for agent, capital in allocations.items():
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
            allocations={agent: told(amount) for agent, amount in allocations.items()},
        )
        report.say(MESSAGES, rebalance)
        for profile in self._roster.agents:
            report.say(MESSAGES, self._guidance(profile), profile.agent)

    def _guidance(self, profile: AgentProfile) -> Guidance:
        standing = self._standing
        capital, state = standing.allotments.of(profile.agent), standing.state
        remaining = max(ZERO, capital - standing.exposure.agent(profile.agent))
        cap = per_trade_cap(capital, state, standing.limits.now)
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
            "due_micros": self._due_micros,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self.goal = Goal(dumped["goal"])
        self._due_micros = int(dumped["due_micros"])
