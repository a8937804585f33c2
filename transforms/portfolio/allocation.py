"""Allocation: how the active share of the desk's equity is distributed over its agents."""

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from math import fsum

from contracts.risk.capital_limits import CapitalLimits
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO, exact
from contracts.roster import Roster

Shares = dict[str, Decimal]
"""Shares of the active capital by agent, in millionths; they add up to exactly 1."""

_CENT = Decimal("0.01")
_MILLIONTH = Decimal("0.000001")
_BISECTIONS = 100


def base_shares(roster: Roster) -> Shares:
    """Each agent's base share: its weight in the roster over the sum of all weights."""
    return _in_millionths({profile.agent: profile.capital_weight for profile in roster.agents})


def target_shares(base: Shares, factors: Mapping[str, float], limits: CapitalLimits) -> Shares:
    """The shares that are wanted: base x factor, within bounds, adding up to 1.

        share = min(most_weight x base, max(least_weight x base, z x base x factor)),   z so that the sum is 1

    Bounds 0.5 and 2:    base 0.6, 0.3, 0.1    factors 1, 1, 8    0.533, 0.267, 0.2    (the third is at its bound)
    """
    bases = {agent: float(share) for agent, share in base.items()}
    least, most = float(limits.least_weight), float(limits.most_weight)

    scales = [factors.get(agent, 1.0) for agent in bases]
    scaled = list(zip(bases.values(), scales, strict=True))

    def bounded(z: float) -> list[float]:
        return [own * min(most, max(least, z * scale)) for own, scale in scaled]

    z = _root(lambda z: fsum(bounded(z)) - 1.0, least / max(scales), most / min(scales))
    return _in_millionths(dict(zip(bases, bounded(z), strict=True)))


def next_shares(current: Shares, target: Shares, limits: CapitalLimits) -> Shares:
    """The shares after one rebalance: on the straight way from the current ones to the target.

    No way is gone while no agent would move by more than `hysteresis`; never more than `turnover` changes hands at once
    (half of the sum of all changes). Turnover 0.1, from 0.5, 0.5 to 0.8, 0.2: 0.3 would change hands, so 0.6, 0.4.
    """
    gaps = {agent: target[agent] - current[agent] for agent in target}
    if max(abs(gap) for gap in gaps.values()) <= limits.hysteresis:
        return dict(current)
    turnover = turnover_of(current, target)
    if turnover <= limits.turnover:
        return dict(target)
    part = EXACT.divide(limits.turnover, turnover)
    return _in_millionths({agent: current[agent] + part * gap for agent, gap in gaps.items()})


def turnover_of(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Decimal:
    """What changes hands between two distributions, in their unit: half of the sum of all changes."""
    return sum((abs(after[agent] - before[agent]) for agent in after), ZERO) / 2


def capital_of(equity: Decimal, shares: Shares, limits: Limits) -> dict[str, Decimal]:
    """Each agent's capital (quote currency), rounded down to the cent.

    equity 10,000, 80 % active, shares 0.75 and 0.25    6,000.00 and 2,000.00
    """
    active = max(equity, ZERO) * limits.active_share
    return {
        agent: EXACT.multiply(active, share).quantize(_CENT, ROUND_DOWN, context=EXACT)
        for agent, share in shares.items()
    }


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that rises crosses zero, to the last bit of the bisection."""
    for _ in range(_BISECTIONS):
        bracket = low, high
        middle = (low + high) / 2
        if rising(middle) < 0.0:
            low = middle
        else:
            high = middle
        if (low, high) == bracket:
            break  # no float lies between them: every further step would change nothing either
    return high


def _in_millionths(weights: Mapping[str, float] | Mapping[str, Decimal]) -> Shares:
    """The weights over their sum, in millionths: what rounding down leaves over goes to those that lost most by it."""
    wanted = {
        agent: exact(weight) if isinstance(weight, float) else weight for agent, weight in weights.items()
    }
    total = sum(wanted.values(), ZERO)
    if not total:
        return dict.fromkeys(wanted, ZERO)
    parts = {agent: EXACT.divide(weight, total) for agent, weight in wanted.items()}
    shares = {agent: part.quantize(_MILLIONTH, ROUND_DOWN, context=EXACT) for agent, part in parts.items()}
    left = int((1 - sum(shares.values(), ZERO)) / _MILLIONTH)
    for agent in sorted(parts, key=lambda agent: (shares[agent] - parts[agent], agent))[:left]:
        shares[agent] += _MILLIONTH
    return shares
