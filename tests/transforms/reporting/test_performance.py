"""Growth, volatility and ratios: by hand, and as an independent library tells them."""

import math

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.reporting.drawdown import drawdowns, stretches
from transforms.reporting.performance import annual_growth, measure
from transforms.reporting.series import HOUR, Steps

# Long enough that a year's growth is a number.
SERIES = st.lists(st.floats(-0.05, 0.05).filter(lambda r: abs(r) > 1e-6 or r == 0), min_size=3, max_size=120)


def test_by_hand() -> None:
    found = measure(np.array([0.10, -0.05, 0.02]), per_year=12)
    assert found.total == pytest.approx(1.1 * 0.95 * 1.02 - 1)
    assert found.cagr == pytest.approx((1.1 * 0.95 * 1.02) ** 4 - 1)
    deviation = math.sqrt(((0.1 - 0.07 / 3) ** 2 + (0.05 + 0.07 / 3) ** 2 + (0.02 - 0.07 / 3) ** 2) / 2)
    assert found.volatility == pytest.approx(deviation * math.sqrt(12))
    assert found.sharpe == pytest.approx(0.07 / 3 / deviation * math.sqrt(12))
    assert found.sortino == pytest.approx(0.07 / 3 / math.sqrt(0.05**2 / 3) * math.sqrt(12))
    assert found.deepest_drawdown == pytest.approx(0.05)
    assert found.calmar == pytest.approx(found.cagr / 0.05)


@given(SERIES, st.sampled_from([365.0, 8_760.0]))
def test_an_independent_library_agrees(returns: list[float], per_year: float) -> None:
    """empyrical, with the same number of returns a year."""
    found, given_ = measure(np.array(returns), per_year), np.array(returns)
    told = {"annualization": int(per_year)}
    assert found.total == pytest.approx(empyrical.cum_returns_final(given_), abs=1e-12)
    assert found.volatility == pytest.approx(empyrical.annual_volatility(given_, **told), abs=1e-12)
    assert found.deepest_drawdown == pytest.approx(-empyrical.max_drawdown(given_), abs=1e-12)
    if found.cagr is not None:
        assert found.cagr == pytest.approx(empyrical.cagr(given_, **told), rel=1e-9, abs=1e-12)
    if found.sharpe is not None:
        assert found.sharpe == pytest.approx(empyrical.sharpe_ratio(given_, **told), rel=1e-9, abs=1e-12)
    if found.sortino is not None:
        assert found.sortino == pytest.approx(empyrical.sortino_ratio(given_, **told), rel=1e-9, abs=1e-12)
    if found.calmar is not None and found.deepest_drawdown > 1e-9:
        assert found.calmar == pytest.approx(empyrical.calmar_ratio(given_, **told), rel=1e-9)


@pytest.mark.parametrize("returns", [[], [0.0], [0.0, 0.0, 0.0], [0.01, 0.01]])
def test_what_is_not_defined_is_not_told(returns: list[float]) -> None:
    found = measure(np.array(returns), 365)
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert found.deepest_drawdown == 0.0


def test_a_total_loss_is_all_of_it_a_year() -> None:
    found = measure(np.array([0.1, -1.0, 0.0]), 365)
    assert (found.total, found.cagr, found.deepest_drawdown) == (-1.0, -1.0, 1.0)


def test_growth_that_no_number_holds_is_not_told() -> None:
    assert annual_growth(1e9, 1e-4) is None


def test_stretches_below_a_high() -> None:
    steps = Steps.of(0, 6 * HOUR, HOUR)
    found = stretches(np.array([0.1, -0.1, -0.1, 0.5, -0.2, 0.1]), steps)
    assert [(s.peak // HOUR, s.trough // HOUR, s.recovered) for s in found] == [
        (1, 3, 4 * HOUR),
        (4, 5, None),
    ]
    assert [s.depth for s in found] == pytest.approx([0.19, 0.2])
    assert [s.lasted(6 * HOUR) // HOUR for s in found] == [3, 2]


@given(SERIES)
def test_the_deepest_stretch_is_the_deepest_drawdown(returns: list[float]) -> None:
    given_ = np.array(returns)
    below = drawdowns(given_)
    assert np.all((below >= 0) & (below <= 1)) and below[0] == 0
    found = stretches(given_, Steps.of(0, len(returns) * HOUR, HOUR))
    assert max((s.depth for s in found), default=0.0) == pytest.approx(float(below.max()))
    assert all(s.peak < s.trough for s in found)
