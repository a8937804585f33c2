"""The goals: each sees something else in the same history, and no record moves capital without bound."""

from decimal import Decimal
from itertools import combinations
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.controls import Goal
from contracts.risk.capital_limits import CapitalLimits
from contracts.roster import Role
from transforms.portfolio.allocation import target_shares
from transforms.portfolio.goals import PURSUITS, merits
from transforms.portfolio.performance import Performance, Record

D = Decimal
LIMITS = CapitalLimits()
MINUTE = 60_000_000
CHAMPIONS = {
    Goal.MAXIMUM_PROFIT: "bold",
    Goal.CONSISTENT_RETURNS: "steady",
    Goal.RISK_ADJUSTED_RETURNS: "sharp",
    Goal.VOLATILITY_HARVESTING: "harvester",
    Goal.MARKET_NEUTRAL: "neutral",
}


def history() -> dict[str, Record]:
    """Ten hours of one market and five agents.

    bold       earns most, and swings most          0.20 % a sample +- 1.0 %
    steady     earns now and then and never loses   1.6 % every 20 samples
    sharp      a calm multiple of the market        0.05 % + 0.1 % x the market in its deviations
    harvester  earns when the market moves          0.3 x (|market| - its mean)
    neutral    earns without the market             0.06 % +- 0.2 %
    """
    random = Random(7)
    found, profits, price = Performance(), dict.fromkeys(CHAMPIONS.values(), D(0)), D(100)
    capital = dict.fromkeys(profits, D(1_000))
    for number in range(601):
        market = random.gauss(0, 0.001)
        earned = {
            "bold": 0.002 + random.gauss(0, 0.01),
            "steady": 0.016 if number % 20 == 0 else 0.0,
            "sharp": 0.0005 + market,
            "harvester": 0.3 * (abs(market) - 0.0008),
            "neutral": 0.0006 + random.gauss(0, 0.002),
        }
        for agent, share in earned.items():
            profits[agent] += D(repr(share)) * 1_000
        price *= 1 + D(repr(market))
        found.sample((number + 1) * MINUTE, LIMITS, profits, capital, {"BTCUSDT": price})
    return {agent: found.record(agent) for agent in profits}


RECORDS = history()


@pytest.mark.parametrize("goal", Goal)
def test_each_goal_favours_another_agent_on_the_same_history(goal: Goal) -> None:
    found = merits(goal, RECORDS, LIMITS)
    best = max(found, key=lambda agent: found[agent].score)
    assert best == CHAMPIONS[goal]
    assert found[best].factor == max(merit.factor for merit in found.values()) > 1


def test_no_two_goals_distribute_the_capital_alike() -> None:
    base = dict.fromkeys(RECORDS, D("0.2"))
    shares = {
        goal: target_shares(base, {a: m.factor for a, m in merits(goal, RECORDS, LIMITS).items()}, LIMITS)
        for goal in Goal
    }
    for one, other in combinations(Goal, 2):
        assert max(abs(shares[one][agent] - shares[other][agent]) for agent in base) > D("0.01")


def test_without_a_record_the_goal_speaks_by_role() -> None:
    nothing = dict.fromkeys(("a", "b"), Record())
    for goal in Goal:
        assert {merit.factor for merit in merits(goal, nothing, LIMITS).values()} == {1.0}
    roles = {goal: PURSUITS[goal].roles for goal in Goal}
    assert roles[Goal.MAXIMUM_PROFIT] == {}
    assert (
        max(roles[Goal.VOLATILITY_HARVESTING], key=roles[Goal.VOLATILITY_HARVESTING].get) is Role.VOLATILITY
    )
    assert roles[Goal.MARKET_NEUTRAL][Role.MOMENTUM] < 1 < roles[Goal.MARKET_NEUTRAL][Role.MARKET_MAKER]


def test_a_score_counts_half_at_the_prior() -> None:
    record = Record(samples=240.0, mean=0.001, deviation=0.01)
    whole = merits(Goal.RISK_ADJUSTED_RETURNS, {"a": record, "b": Record()}, LIMITS)["a"]
    assert whole.score == pytest.approx(0.5 * 240**0.5 * 0.1)
    assert whole.over_mean == pytest.approx(whole.score / 2)


numbers = st.floats(-0.1, 0.1)
records = st.builds(
    Record,
    samples=st.floats(0, 2_000),
    mean=numbers,
    deviation=st.just(0.0) | st.floats(1e-12, 0.1),  # what is less is rounding, and told as 0
    pain=st.floats(0, 1),
    beta=numbers,
    alpha=numbers,
    with_market=st.floats(-1, 1),
    with_moves=st.floats(-1, 1),
)
desks = st.lists(records, min_size=1, max_size=7).map(
    lambda found: {f"agent-{number}": record for number, record in enumerate(found)}
)


@given(st.sampled_from(Goal), desks, st.randoms(use_true_random=False))
def test_factors_are_bounded_and_do_not_depend_on_the_order(goal, desk, random) -> None:
    found = merits(goal, desk, LIMITS)
    most = exp(float(LIMITS.performance_tilt))
    assert all(1 / most - 1e-12 <= merit.factor <= most + 1e-12 for merit in found.values())
    names = list(desk)
    random.shuffle(names)
    assert merits(goal, {name: desk[name] for name in names}, LIMITS) == found


@given(
    st.sampled_from([Goal.MAXIMUM_PROFIT, Goal.CONSISTENT_RETURNS, Goal.RISK_ADJUSTED_RETURNS]),
    desks,
    numbers,
)
def test_who_earns_more_never_has_the_smaller_factor(goal, desk, more) -> None:
    first = desk["agent-0"]
    better = desk | {"agent-0": first._replace(mean=first.mean + abs(more))}
    assert (
        merits(goal, better, LIMITS)["agent-0"].factor >= merits(goal, desk, LIMITS)["agent-0"].factor - 1e-12
    )


@given(desks, st.floats(0, 1))
def test_who_follows_the_market_more_has_no_greater_factor_in_a_neutral_desk(desk, more) -> None:
    first = desk["agent-0"]
    closer = desk | {"agent-0": first._replace(with_market=max(-1.0, min(1.0, first.with_market + more)))}
    if abs(closer["agent-0"].with_market) < abs(first.with_market):
        return
    goal = Goal.MARKET_NEUTRAL
    assert (
        merits(goal, closer, LIMITS)["agent-0"].factor <= merits(goal, desk, LIMITS)["agent-0"].factor + 1e-12
    )
