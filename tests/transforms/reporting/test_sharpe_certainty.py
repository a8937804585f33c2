"""Probabilistic and deflated Sharpe ratios: the papers' own numbers, and what must hold for any."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from transforms.reporting.sharpe_certainty import (
    deflated_sharpe,
    expected_best,
    probabilistic_sharpe,
    probability_above,
    sharpe_by_step,
)


def test_the_example_of_the_deflated_sharpe_ratio() -> None:
    """Bailey and Lopez de Prado (2014): an annual ratio of 2.5 over five years of days, the best of 100 trials."""
    best = expected_best(math.sqrt(0.5 / 250), 100)
    assert best == pytest.approx(0.1132, abs=5e-5)
    found = probability_above(2.5 / math.sqrt(250), best, 1_250, skewness=-3.0, kurtosis=10.0)
    assert found == pytest.approx(0.9004, abs=5e-5)


def test_with_fewer_trials_the_same_strategy_convinces() -> None:
    """The same paper: 46 trials would have left 0.9505."""
    best = expected_best(math.sqrt(0.5 / 250), 46)
    assert probability_above(2.5 / math.sqrt(250), best, 1_250, -3.0, 10.0) == pytest.approx(0.9505, abs=5e-4)


def test_moments_are_those_of_an_independent_library() -> None:
    returns = np.random.default_rng(1).standard_t(4, 500) * 0.01 + 0.0005
    sharpe = sharpe_by_step(returns)
    assert sharpe is not None
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    assert probabilistic_sharpe(returns, 0.01) == pytest.approx(
        probability_above(sharpe, 0.01, 500, skewness, kurtosis), rel=1e-9
    )


def test_normal_returns_at_the_benchmark_are_a_coin_flip() -> None:
    assert probability_above(0.1, 0.1, 100, 0.0, 3.0) == 0.5
    assert probability_above(0.1, 0.0, 101, 0.0, 3.0) == pytest.approx(stats.norm.cdf(1.0 / math.sqrt(1.005)))


def test_the_expected_best_is_that_of_drawn_trials() -> None:
    drawn = np.random.default_rng(2).normal(0, 0.3, (20_000, 50)).max(axis=1).mean()
    assert expected_best(0.3, 50) == pytest.approx(drawn, rel=0.02)


@given(st.integers(2, 10_000), st.floats(0.001, 1.0))
def test_more_trials_expect_a_better_best(trials: int, deviation: float) -> None:
    assert expected_best(deviation, trials + 1) > expected_best(deviation, trials) > 0


@given(
    st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=60),
    st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=9),
)
def test_deflating_never_adds(returns: list[float], sharpes: list[float]) -> None:
    given_ = np.array(returns)
    deflated, alone = deflated_sharpe(given_, sharpes, len(sharpes)), probabilistic_sharpe(given_)
    assert (deflated is None) == (alone is None)
    if deflated is not None and alone is not None:
        assert 0.0 <= deflated <= alone <= 1.0


def test_one_trial_is_not_deflated() -> None:
    returns = np.array([0.01, 0.02, -0.01])
    assert deflated_sharpe(returns, [0.3], 1) == probabilistic_sharpe(returns)


def test_trials_of_which_nothing_is_known_cannot_be_corrected_for() -> None:
    assert deflated_sharpe(np.array([0.01, 0.02, -0.01]), [0.3], 64) is None


def test_what_never_moves_has_no_ratio() -> None:
    assert probabilistic_sharpe(np.zeros(50)) is None
    with pytest.raises(ValueError, match="one trial"):
        expected_best(0.1, 0)
    with pytest.raises(ValueError, match="two returns"):
        probability_above(0.1, 0.0, 1, 0.0, 3.0)
