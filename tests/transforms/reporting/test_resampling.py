"""The block bootstrap: what is drawn, and what its intervals are worth."""

import numpy as np
import pytest

from transforms.reporting.resampling import block_length, excesses, interval, resamples, sharpes, totals


def test_equal_seeds_draw_the_same_and_others_do_not() -> None:
    returns = np.random.default_rng(1).normal(0, 0.01, 200)
    first = interval(totals, returns, seed=5, draws=200)
    assert first == interval(totals, returns, seed=5, draws=200)
    assert first != interval(totals, returns, seed=6, draws=200)


def test_batches_do_not_change_how_many_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.reporting.resampling._CELLS_AT_ONCE", 100)
    batches = list(resamples(30, 10, 3, seed=1))
    assert [len(batch) for batch in batches] == [3, 3, 3, 1]


def test_blocks_follow_on_and_are_as_long_as_asked_for() -> None:
    (places,) = resamples(50, 400, 5, seed=2)
    assert places.min() == 0 and places.max() == 49
    goes_on = (places[:, 1:] == (places[:, :-1] + 1) % 50).mean()
    # One place in five begins a block, and one block in fifty follows on by chance.
    assert goes_on == pytest.approx(0.8 + 0.2 / 50, abs=0.01)
    # Every place is as likely as any other.
    assert np.bincount(places.ravel(), minlength=50) == pytest.approx(np.full(50, 400), rel=0.35)


def test_the_interval_of_independent_returns_is_the_textbook_one() -> None:
    """Sharpe ratios of normal returns have a standard error of about sqrt(1 / n)."""
    returns = np.random.default_rng(3).normal(0.02, 1.0, 1_000)
    found = interval(sharpes, returns, seed=1)
    assert found is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 / np.sqrt(1_000), rel=0.15)


def test_series_are_drawn_together() -> None:
    returns = np.random.default_rng(4).normal(0, 0.01, 100)
    found = interval(excesses, returns, returns, seed=1)
    assert found == (0.0, 0.0)
    assert found.includes_zero


@pytest.mark.parametrize("returns", [np.full(19, 0.01), np.zeros(0)])
def test_too_few_returns_have_no_interval(returns: np.ndarray) -> None:
    assert interval(totals, returns, seed=1) is None


def test_a_ratio_that_is_seldom_defined_has_no_interval() -> None:
    returns = np.zeros(100)
    returns[3] = 0.1
    assert interval(sharpes, returns, seed=1) is None
    assert interval(totals, returns, seed=1) is not None


@pytest.mark.parametrize(("n", "length"), [(1, 1), (8, 2), (27, 3), (28, 4), (1_000, 10)])
def test_block_length(n: int, length: int) -> None:
    assert block_length(n) == length
