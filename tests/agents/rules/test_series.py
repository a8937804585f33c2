from statistics import pstdev

from hypothesis import given
from hypothesis import strategies as st

from agents.rules.series import deviation

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100)


@given(st.one_of(st.lists(FINITE, min_size=1, max_size=60), st.lists(st.floats(-0.01, 0.01), min_size=1)))
def test_the_deviation_is_that_of_the_standard_library_to_the_last_bit(values: list[float]) -> None:
    assert deviation(values) == pstdev(values)


@given(FINITE, st.integers(1, 5))
def test_what_does_not_change_has_no_deviation(value: float, count: int) -> None:
    assert deviation([value] * count) == 0.0
