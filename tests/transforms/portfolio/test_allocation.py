"""How the capital is distributed: bounds, hysteresis, turnover, and that nothing is lost on the way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.risk.limits import Limits
from tests.transforms.portfolio.desk_log import ROSTER
from transforms.portfolio.allocation import (
    Shares,
    base_shares,
    capital_of,
    next_shares,
    target_shares,
    turnover_of,
)

D = Decimal
MILLIONTH = D("0.000001")
LIMITS = Limits()

weights = st.lists(st.floats(0.01, 1), min_size=2, max_size=8)
factors = st.lists(st.floats(0.05, 20), min_size=8, max_size=8)


def shares_of(weights: list[float]) -> Shares:
    total = sum(D(repr(weight)) for weight in weights)
    cut = [(D(repr(weight)) / total).quantize(MILLIONTH) for weight in weights]
    cut[0] += 1 - sum(cut)
    return {f"agent-{number}": share for number, share in enumerate(cut)}


def by_name(shares: Shares, factors: list[float]) -> dict[str, float]:
    return dict(zip(shares, factors, strict=False))


def test_base_shares_are_the_weights_of_the_roster() -> None:
    assert base_shares(ROSTER) == {"alpha": D("0.75"), "beta": D("0.25")}


def test_eighty_percent_of_the_equity_are_given() -> None:
    shares = base_shares(ROSTER)
    assert capital_of(D(100_000), shares, LIMITS) == {"alpha": D(60_000), "beta": D(20_000)}
    assert capital_of(D(-5), shares, LIMITS) == {"alpha": D(0), "beta": D(0)}


@given(st.decimals("0", "1e9", places=6), weights)
def test_never_more_than_the_active_share_and_less_by_cents_only(
    equity: Decimal, weights: list[float]
) -> None:
    total = sum(capital_of(equity, shares_of(weights), LIMITS).values())
    assert equity * D("0.8") - D("0.01") * len(weights) <= total <= equity * D("0.8")


def test_a_target_stops_at_its_bounds() -> None:
    base = {"a": D("0.6"), "b": D("0.3"), "c": D("0.1")}
    assert target_shares(base, {"a": 1, "b": 1, "c": 8}, LIMITS) == {
        "a": D("0.533333"),
        "b": D("0.266667"),
        "c": D("0.2"),
    }
    assert target_shares(base, dict.fromkeys(base, 3.0), LIMITS) == base


@given(weights, factors)
def test_a_target_adds_up_and_stays_within_bounds(weights: list[float], factors: list[float]) -> None:
    base = shares_of(weights)
    target = target_shares(base, by_name(base, factors), LIMITS)
    assert sum(target.values()) == 1
    for agent, share in target.items():
        assert LIMITS.least_weight * base[agent] - MILLIONTH <= share
        assert share <= LIMITS.most_weight * base[agent] + MILLIONTH


@given(weights, factors, st.randoms(use_true_random=False))
def test_the_order_of_the_agents_does_not_matter(weights, factors, random) -> None:
    base = shares_of(weights)
    named = by_name(base, factors)
    shuffled = list(base)
    random.shuffle(shuffled)
    anew = target_shares({agent: base[agent] for agent in shuffled}, named, LIMITS)
    assert anew == target_shares(base, named, LIMITS)


@given(weights, factors, st.integers(0, 7), st.floats(1, 3))
def test_a_greater_factor_never_makes_a_smaller_share(weights, factors, which, more) -> None:
    base = shares_of(weights)
    agent = f"agent-{which % len(base)}"
    named = by_name(base, factors)
    greater = named | {agent: named[agent] * more}
    assert (
        target_shares(base, greater, LIMITS)[agent] >= target_shares(base, named, LIMITS)[agent] - MILLIONTH
    )


@pytest.mark.parametrize(
    ("target", "after"),
    [
        (("0.505", "0.495"), ("0.5", "0.5")),  # not worth a rebalance
        (("0.506", "0.494"), ("0.506", "0.494")),
        (("0.8", "0.2"), ("0.6", "0.4")),  # a third of the way
    ],
)
def test_the_next_shares(target: tuple[str, str], after: tuple[str, str]) -> None:
    current = {"a": D("0.5"), "b": D("0.5")}
    wanted = dict(zip(current, map(D, target), strict=True))
    assert tuple(next_shares(current, wanted, LIMITS).values()) == tuple(map(D, after))


@given(weights, factors, factors)
def test_no_rebalance_turns_over_more_than_the_limit(weights, factors, others) -> None:
    base = shares_of(weights)
    current = target_shares(base, by_name(base, factors), LIMITS)
    target = target_shares(base, by_name(base, others), LIMITS)
    after = next_shares(current, target, LIMITS)
    assert sum(after.values()) == 1
    assert turnover_of(current, after) <= LIMITS.turnover + MILLIONTH * len(base)
    largest = max(abs(target[agent] - current[agent]) for agent in base)
    assert (after == current) == (largest <= LIMITS.hysteresis)
    for agent in base:  # never past the target
        low, high = sorted((current[agent], target[agent]))
        assert low - MILLIONTH <= after[agent] <= high + MILLIONTH


@given(weights, factors)
def test_rebalances_arrive_at_the_target_and_stay(weights, factors) -> None:
    base = shares_of(weights)
    target = target_shares(base, by_name(base, factors), LIMITS)
    shares = base
    for _ in range(20):
        shares = next_shares(shares, target, LIMITS)
    assert max(abs(target[agent] - shares[agent]) for agent in base) <= LIMITS.hysteresis
    assert next_shares(shares, target, LIMITS) == shares
