"""Values over time, steps and returns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.reporting.series import DAY, HOUR, MINUTE, Series, Steps, compounded, returns_of


def test_a_value_is_in_force_from_its_moment_on() -> None:
    series = Series.of([(20, 2.0), (10, 1.0), (20, 3.0)])
    moments = np.array([0, 10, 19, 20, 99])
    assert series.at(moments).tolist() == [1.0, 1.0, 1.0, 3.0, 3.0]
    assert series.at(moments, before=7.0).tolist() == [7.0, 1.0, 1.0, 3.0, 3.0]
    assert Series.of([]).at(moments, before=7.0).tolist() == [7.0] * 5
    with pytest.raises(ValueError, match="without values"):
        Series.of([]).at(moments)


@pytest.mark.parametrize(
    ("period", "length", "name"),
    [(60 * DAY, DAY, "day"), (59 * DAY, HOUR, "hour"), (59 * HOUR, MINUTE, "minute"), (1, MINUTE, "minute")],
)
def test_steps_are_the_longest_that_give_sixty_returns(period: int, length: int, name: str) -> None:
    steps = Steps.over(0, period)
    assert (steps.length, steps.name) == (length, name)
    assert (steps.edges[0], steps.edges[-1]) == (0, period)


def test_steps_lie_on_round_times_but_for_the_ends() -> None:
    steps = Steps.of(HOUR + 5, 4 * HOUR, HOUR)
    assert steps.edges.tolist() == [HOUR + 5, 2 * HOUR, 3 * HOUR, 4 * HOUR]


def test_a_period_needs_a_length() -> None:
    with pytest.raises(ValueError, match="length"):
        Steps.over(5, 5)


def test_a_total_loss_is_lost_once() -> None:
    assert returns_of(np.array([100.0, 50.0, -1.0, 0.0, 80.0])).tolist() == [-0.5, -1.0, 0.0, 0.0]


@given(st.lists(st.floats(1, 1_000), min_size=2, max_size=50))
def test_returns_compound_to_the_last_level(levels: list[float]) -> None:
    assert compounded(returns_of(np.array(levels))) == pytest.approx(
        levels[-1] / levels[0] - 1.0, rel=1e-9, abs=1e-9
    )
