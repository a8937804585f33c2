import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.market.as_of import AsOf

MINUTE = 60_000_000


def put(series: AsOf, *times: int) -> int:
    """Values that are their own times."""
    return series.put(np.array(times), (np.array(times, float),))


def test_the_latest_and_the_last_before_a_minute_ended() -> None:
    series = AsOf(60)
    assert series.latest is None
    assert series.before(MINUTE) is None
    assert put(series, 5, MINUTE - 1, MINUTE, MINUTE + 7) == 0
    assert series.latest == (MINUTE + 7, (MINUTE + 7.0,))
    assert series.before(MINUTE) == (MINUTE - 1, (MINUTE - 1.0,))
    assert series.before(2 * MINUTE) == series.latest


def test_what_is_older_than_the_latest_is_late() -> None:
    series = AsOf(60)
    put(series, 100)
    assert put(series, 50, 99) == 2
    assert put(series, 200, 60, 150) == 1
    assert series.latest == (200, (200.0,))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5 * MINUTE), min_size=1, max_size=30).map(sorted), st.integers(0, 30))
def test_batches_change_nothing(times: list[int], cut: int) -> None:
    whole, parts = AsOf(60), AsOf(60)
    put(whole, *times)
    for part in (times[:cut], times[cut:]):
        if part:
            put(parts, *part)
    assert whole.state() == parts.state()
    for minute in range(1, 6):
        before = [time for time in times if time < minute * MINUTE]
        assert whole.before(minute * MINUTE) == ((before[-1], (float(before[-1]),)) if before else None)


def test_eight_minutes_are_kept() -> None:
    series, again = AsOf(60), AsOf(60)
    put(series, *range(0, 100 * MINUTE, MINUTE))
    assert len(series.state()[0]) == 8
    again.take_up(series.state())
    assert again.before(99 * MINUTE) == series.before(99 * MINUTE) == (98 * MINUTE, (98.0 * MINUTE,))
