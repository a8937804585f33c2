"""The desk's capital over time: who has how much, towards which goal, and what each agent is told about it.

A rebalance, in order:

1. every agent's record (performance.py) becomes its merit towards the goal, and that a factor (goals.py),
2. the optimizer's views become a factor for who holds with or against them (tilts.py),
3. base share x role x both factors, within bounds, is the target (allocation.py),
4. the shares move towards it, unless it is near (hysteresis), and no farther than the turnover allows,
5. each agent gets its share of 80 % of the equity, and is told why (guidance.py).

It is done when the desk opens, on the timer, when the goal is set, and when what agents made of their capital has moved
their parts of it out of the band.
"""

from decimal import Decimal
from typing import Any

from contracts.controls import Goal
from contracts.payloads import PortfolioRebalance, Proposal
from contracts.risk.drift import Drift, drifts, farthest
from contracts.risk.money import told
from contracts.risk.standing import RiskStanding
from contracts.roster import Role
from contracts.rows.trading import AllocationRow
from transforms.portfolio.allocation import (
    Shares,
    base_shares,
    capital_of,
    next_shares,
    target_shares,
    turnover_of,
)
from transforms.portfolio.goals import PURSUITS, Merit, merits
from transforms.portfolio.guidance import Reasons, guidance_of
from transforms.portfolio.performance import Performance
from transforms.portfolio.report import MESSAGES, Report
from transforms.portfolio.tilts import Tilts

_SECOND = 1_000_000
_NO_DRIFT = Drift(Decimal(0), Decimal(0), Decimal(0))


class Capital:
    """Shares by agent, and the capital that they make of the equity at the last rebalance."""

    def __init__(self, standing: RiskStanding) -> None:
        self.goal = Goal.MAXIMUM_PROFIT
        self._standing = standing
        self._roster = standing.roster
        self._agents = tuple(profile.agent for profile in standing.roster.agents)
        self._optimizers = frozenset(
            profile.agent for profile in standing.roster.agents if profile.role is Role.PORTFOLIO_OPTIMIZER
        )
        self._performance = Performance()
        self._tilts = Tilts()
        self._shares: Shares = {}
        self._due_micros = 0

    # --- when ---------------------------------------------------------------------------------------------------------

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever allocated."""
        return self._due_micros == 0

    def is_due(self, clock: int) -> bool:
        """Whether it is time to allocate anew."""
        return clock >= self._due_micros

    def follow(self) -> str | None:
        """Sample performance when it is time; why to rebalance now, if the drift has left its band."""
        standing, limits = self._standing, self._standing.limits.now
        if not self._performance.is_due(standing.clock, limits):
            return None
        book = standing.book
        profits = {agent: book.profit(agent) for agent in self._agents}
        prices = {symbol: book.price(symbol) for symbol in self._roster.symbols if book.price(symbol) > 0}
        self._performance.sample(standing.clock, limits, profits, standing.allotments.all(), prices)
        drift = farthest(drifts(standing.allotments, book))
        return f"a drift of {drift:.2%}" if drift > limits.drift_band else None

    def hear(self, agent: str, proposal: Proposal, micros: int) -> None:
        """Take up a proposal: an optimizer's is also a view on its symbol, until its horizon ends."""
        if agent in self._optimizers and proposal.symbol in self._roster.symbols:
            strength = Decimal(repr(proposal.size_fraction)) * Decimal(repr(proposal.confidence))
            until = min(micros, self._standing.clock) + proposal.horizon_seconds * _SECOND
            self._tilts.hear(proposal.symbol, proposal.side, strength, until)

    # --- rebalancing --------------------------------------------------------------------------------------------------

    def allocate(self, report: Report, reason: str) -> None:
        """Allocate anew and tell it: rows, a PORTFOLIO_REBALANCE to everyone, a GUIDANCE to each agent."""
        standing = self._standing
        limits, book, allotments = standing.limits.now, standing.book, standing.allotments
        before = drifts(allotments, book)
        previous = {agent: allotments.of(agent) for agent in self._agents}
        base = base_shares(self._roster)
        found = merits(self.goal, {agent: self._performance.record(agent) for agent in self._agents}, limits)
        tilts = self._tilt_factors()
        target = target_shares(base, self._factors(found, tilts), limits)
        current = self._current(base)
        shares = target if self.is_untouched else next_shares(current, target, limits)
        capital = capital_of(book.equity, shares, limits)
        self._shares = shares
        self._due_micros = standing.clock + limits.rebalance_seconds * _SECOND
        allotments.give(capital, book)
        for agent in self._agents:
            report.row(
                AllocationRow,
                agent=agent,
                goal=self.goal,
                previous=told(previous[agent]),
                capital=told(capital[agent]),
                share=float(shares[agent]),
                reason=reason,
                target_share=float(target[agent]),
                drift=float(before.get(agent, _NO_DRIFT).amount),
                samples=found[agent].samples,
                score=found[agent].score,
                performance_factor=found[agent].factor,
                tilt_factor=tilts.get(agent, 1.0),
            )
        rebalance = PortfolioRebalance(
            goal=self.goal,
            reason=reason,
            equity=told(book.equity),
            previous={agent: told(amount) for agent, amount in previous.items()},
            allocations={agent: told(amount) for agent, amount in capital.items()},
            targets=target,
            turnover=float(turnover_of(current, shares)),
            drift=float(farthest(before)),
        )
        report.say(MESSAGES, rebalance)
        views = self._tilts.views(standing.clock)
        for profile in self._roster.agents:
            agent = profile.agent
            reasons = Reasons(current[agent], shares[agent], found[agent], tilts.get(agent, 1.0))
            report.say(MESSAGES, guidance_of(profile, self.goal, standing, views, reasons), agent)

    def _current(self, base: Shares) -> Shares:
        """The shares that stand, for the roster as it is now: who is new has its base share, who left has none."""
        if self._shares.keys() == base.keys():
            return self._shares
        known = {agent: self._shares.get(agent, share) for agent, share in base.items()}
        factors = {agent: float(share / base[agent]) for agent, share in known.items() if base[agent]}
        return target_shares(base, factors, self._standing.limits.now)

    def _tilt_factors(self) -> dict[str, float]:
        book = self._standing.book
        held = (
            (agent, symbol, holding.quantity * book.price(symbol))
            for agent, symbol, holding in book.holdings()
            if agent not in self._optimizers
        )
        standing = self._standing
        return self._tilts.factors(standing.clock, standing.limits.now, held, standing.allotments.all())

    def _factors(self, found: dict[str, Merit], tilts: dict[str, float]) -> dict[str, float]:
        roles = PURSUITS[self.goal].roles
        return {
            profile.agent: roles.get(profile.role, 1.0)
            * found[profile.agent].factor
            * tilts.get(profile.agent, 1.0)
            for profile in self._roster.agents
        }

    # --- state --------------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "goal": self.goal,
            "shares": {agent: str(share) for agent, share in self._shares.items()},
            "performance": self._performance.dump(),
            "tilts": self._tilts.dump(),
            "due_micros": self._due_micros,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self.goal = Goal(dumped["goal"])
        self._shares = {agent: Decimal(share) for agent, share in dumped["shares"].items()}
        self._performance.load(dumped["performance"])
        self._tilts.load(dumped["tilts"])
        self._due_micros = int(dumped["due_micros"])
