"""Performance: weighted by event time, after costs, and equal to the libraries' where the weights are equal."""

from decimal import Decimal
from math import sqrt

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.risk.capital_limits import CapitalLimits
from transforms.portfolio.performance import Performance, Record

D = Decimal
MINUTE = 60_000_000
LONG = CapitalLimits(performance_half_life_seconds=90 * 86_400)


def played(
    earned: list[float], market: list[float] | None = None, limits: CapitalLimits = LONG, every: int = MINUTE
) -> Performance:
    """An agent with a capital of 1,000 earns these shares of it, a sample each, while one symbol moves."""
    found = Performance()
    profit, price = D(0), D(100)
    found.sample(MINUTE, limits, {"a": profit}, {"a": D(1_000)}, {"BTCUSDT": price})
    for number, share in enumerate(earned, 1):
        profit += D(repr(share)) * 1_000
        price *= 1 + D(repr(market[number - 1] if market else 0.0))
        at = MINUTE + number * every
        found.sample(at, limits, {"a": profit}, {"a": D(1_000)}, {"BTCUSDT": price})
    return found


def test_a_sample_counts_half_after_the_half_life() -> None:
    """The timeline of the docstring: 1 %, -1 %, 0, and a half-life of one sample."""
    limits = CapitalLimits(performance_half_life_seconds=60)
    means = [played([0.01, -0.01, 0.0][:taken], limits=limits).record("a").mean for taken in (1, 2, 3)]
    assert means == pytest.approx([0.01, -0.01 / 3, -0.01 / 7])
    record = played([0.01, -0.01, 0.0], limits=limits).record("a")
    assert record.samples == pytest.approx(1.75**2 / (1 + 0.25 + 0.0625))
    assert record.pain == pytest.approx(sqrt((0.5 * 0.01**2 + 0.005**2) / 1.75))


def test_what_matters_is_the_time_between_samples_and_not_their_number() -> None:
    limits = CapitalLimits(performance_half_life_seconds=3_600)
    found = played([0.01, 0.0], limits=limits, every=60 * MINUTE)
    assert found.record("a").mean == pytest.approx(0.01 * 0.5 / 1.5)


def test_it_is_due_by_event_time() -> None:
    found = played([0.01])
    assert not found.is_due(2 * MINUTE + 59_999_999, LONG)
    assert found.is_due(3 * MINUTE, LONG)
    assert Performance().is_due(1, LONG)


def test_who_has_no_capital_earns_nothing_and_who_is_unknown_has_no_record() -> None:
    found = Performance()
    found.sample(MINUTE, LONG, {"a": D(0)}, {}, {})
    found.sample(2 * MINUTE, LONG, {"a": D(5)}, {}, {})
    assert found.record("a").mean == 0.0
    assert found.record("nobody") == Record()


returns = st.lists(st.integers(-100, 100), min_size=3, max_size=40).map(lambda r: [x / 10_000 for x in r])


@given(returns, st.data())
def test_with_equal_weights_it_is_what_the_libraries_say(earned: list[float], data: st.DataObject) -> None:
    """empyrical 0.7: Sharpe ratio, alpha and beta without annualisation; numpy: correlations."""
    moves = data.draw(st.lists(st.integers(-100, 100), min_size=len(earned), max_size=len(earned)))
    market = [x / 10_000 for x in moves]
    record = played(earned, market).record("a")
    assert record.samples == pytest.approx(len(earned), rel=1e-3)
    assert record.mean == pytest.approx(np.mean(earned), rel=1e-2, abs=1e-6)
    assert record.deviation == pytest.approx(np.std(earned), rel=1e-2, abs=1e-6)
    if np.std(earned) > 1e-3:
        sample = sqrt((len(earned) - 1) / len(earned))  # empyrical divides by n - 1
        sharpe = empyrical.sharpe_ratio(np.array(earned), annualization=1)
        assert record.mean / record.deviation == pytest.approx(sharpe / sample, rel=1e-2, abs=1e-3)
    if np.std(market) > 1e-3:
        beta = empyrical.beta(np.array(earned), np.array(market))
        assert record.beta == pytest.approx(beta, rel=1e-2, abs=2e-3)
    if np.std(earned) > 1e-3 and np.std(np.abs(market)) > 1e-3:
        wanted = np.corrcoef(earned, np.abs(market))[0, 1]
        assert record.with_moves == pytest.approx(wanted, abs=5e-3)


@given(returns)
def test_it_goes_on_from_its_state(earned: list[float]) -> None:
    found = played(earned)
    anew = Performance()
    anew.load(found.dump())
    assert anew.dump() == found.dump()
    assert anew.record("a") == found.record("a")
