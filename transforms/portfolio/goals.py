"""Goals: what an agent's record is worth towards each of them, and which roles serve it before there is a record.

To add a goal: its name in contracts.controls.Goal, a score and its roles here, a line in docs/portfolio.md.
"""

from collections.abc import Callable, Mapping
from math import exp, fsum, sqrt, tanh
from types import MappingProxyType
from typing import NamedTuple

from contracts.controls import Goal
from contracts.risk.capital_limits import CapitalLimits
from contracts.roster import Role
from transforms.portfolio.performance import Record

Score = Callable[[Record, float], float]
"""From a record and the desk's deviation (the root mean square of its agents' deviations) to a number, more is better."""


def profit(record: Record, desk: float) -> float:
    """sqrt(n) x mean / desk's deviation: what was earned, however bumpy its own way was."""
    return sqrt(record.samples) * record.mean / desk if desk else 0.0


def steadiness(record: Record, desk: float) -> float:
    """What was earned for the depth and length of its drawdowns: n x mean / (pain + desk's deviation).

    Source: the ulcer performance index (Martin and McCann, The Investor's Guide to Fidelity Funds, 1989); the desk's
    deviation keeps an agent that never lost yet from being infinitely steady.
    """
    return record.samples * record.mean / (record.pain + desk) if desk else 0.0


def sharpe(record: Record, desk: float) -> float:
    """sqrt(n) x mean / deviation: the t-value of its mean, which is sqrt(n) x its Sharpe ratio.

    Source: Sharpe, The Sharpe Ratio (1994), without a risk-free rate.
    """
    return sqrt(record.samples) * record.mean / record.deviation if record.deviation else 0.0


def harvest(record: Record, desk: float) -> float:
    """sqrt(n) x correlation(r, |market's return|): does it earn when the market moves, whichever way."""
    return sqrt(record.samples) * record.with_moves


def neutrality(record: Record, desk: float) -> float:
    """sqrt(n) x (alpha / deviation - |correlation(r, market's return)|): what it earns without the market, and not with it.

    alpha = mean - beta x the market's mean: Jensen, The Performance of Mutual Funds (1968).
    """
    if not record.deviation:
        return 0.0
    return sqrt(record.samples) * (record.alpha / record.deviation - abs(record.with_market))


class Pursuit(NamedTuple):
    """How a goal is pursued: the score of a record, and what the base weights of some roles are multiplied with."""

    score: Score
    roles: Mapping[Role, float]


PURSUITS: Mapping[Goal, Pursuit] = MappingProxyType(
    {
        # The base weights of the roster are those of this goal.
        Goal.MAXIMUM_PROFIT: Pursuit(profit, {}),
        Goal.CONSISTENT_RETURNS: Pursuit(
            steadiness,
            {
                Role.MARKET_MAKER: 1.5,
                Role.MEAN_REVERSION: 1.25,
                Role.PORTFOLIO_OPTIMIZER: 1.25,
                Role.MOMENTUM: 0.75,
                Role.VOLATILITY: 0.75,
            },
        ),
        Goal.RISK_ADJUSTED_RETURNS: Pursuit(
            sharpe,
            {
                Role.PORTFOLIO_OPTIMIZER: 1.5,
                Role.MEAN_REVERSION: 1.25,
                Role.TECHNICAL: 1.25,
                Role.VOLATILITY: 0.75,
            },
        ),
        Goal.VOLATILITY_HARVESTING: Pursuit(
            harvest,
            {
                Role.VOLATILITY: 2.0,
                Role.MARKET_MAKER: 1.5,
                Role.MOMENTUM: 0.75,
                Role.SENTIMENT: 0.75,
            },
        ),
        Goal.MARKET_NEUTRAL: Pursuit(
            neutrality,
            {
                Role.MEAN_REVERSION: 1.5,
                Role.MARKET_MAKER: 1.5,
                Role.PORTFOLIO_OPTIMIZER: 1.25,
                Role.SENTIMENT: 0.75,
                Role.MOMENTUM: 0.5,
            },
        ),
    }
)


class Merit(NamedTuple):
    """What an agent's record says towards the goal: the score, shrunk, over the desk's mean; and the factor it makes."""

    samples: float
    score: float
    over_mean: float
    factor: float


def merits(goal: Goal, records: Mapping[str, Record], limits: CapitalLimits) -> dict[str, Merit]:
    """Each agent's merit; on a desk without records, or of equals, every factor is 1.

        shrunk = score x n / (n + performance_prior_samples)
        factor = exp(performance_tilt x tanh((shrunk - mean of all agents' shrunk) / 2))

    So a score counts half at `performance_prior_samples`, and no record, however good, passes exp(performance_tilt).
    """
    prior = limits.performance_prior_samples
    variances = [record.deviation**2 for record in records.values()]
    desk = sqrt(fsum(variances) / len(variances)) if variances else 0.0
    score = PURSUITS[goal].score
    shrunk = {
        agent: score(record, desk) * record.samples / (record.samples + prior)
        for agent, record in records.items()
    }
    mean = fsum(shrunk.values()) / len(shrunk) if shrunk else 0.0
    most = float(limits.performance_tilt)
    return {
        agent: Merit(records[agent].samples, own, own - mean, exp(most * tanh((own - mean) / 2)))
        for agent, own in shrunk.items()
    }
