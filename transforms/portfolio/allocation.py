"""Allocation: how the active share of the desk's equity is distributed over its agents."""

from decimal import ROUND_DOWN, Decimal

from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO, exact
from contracts.roster import Roster

_CENT = Decimal("0.01")


def shares(roster: Roster) -> dict[str, Decimal]:
    """Each agent's share of the active capital: its base weight over the sum of all weights."""
    weights = {profile.agent: exact(profile.capital_weight) for profile in roster.agents}
    total = sum(weights.values(), ZERO)
    return {agent: EXACT.divide(weight, total) if total else ZERO for agent, weight in weights.items()}


def allocate(equity: Decimal, roster: Roster, limits: Limits) -> dict[str, Decimal]:
    """Each agent's capital (quote currency), rounded down to the cent.

    equity 10,000, 80 % active, weights 0.18 and 0.06    6,000.00 and 2,000.00
    """
    active = max(equity, ZERO) * limits.active_share
    return {
        agent: EXACT.multiply(active, share).quantize(_CENT, ROUND_DOWN, context=EXACT)
        for agent, share in shares(roster).items()
    }
