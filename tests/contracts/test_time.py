"""Time: exact microseconds, and a replay's clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import derived_id, time_of
from contracts.time import ReplayClock, WallClock, clock_from, from_micros, to_micros, write_replay_origin

MOMENTS = st.integers(min_value=31_536_000_000_000, max_value=7_258_118_400_000_000).map(from_micros)


@given(MOMENTS)
def test_microseconds_are_exact(moment):
    assert from_micros(to_micros(moment)) == moment


@given(MOMENTS, st.text())
def test_an_id_tells_its_time(moment, part):
    assert time_of(derived_id(moment, part)) == moment


class SteppedClock:
    def __init__(self, start):
        self.moment = start

    def now(self):
        return self.moment


def test_a_replay_stands_still_until_it_starts_and_then_runs_at_its_speed(tmp_path):
    origin = tmp_path / "clock.json"
    event, start = datetime(2024, 1, 15, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    wall = SteppedClock(start)
    write_replay_origin(origin, event, None, 60)
    clock = ReplayClock(origin, wall)
    assert clock.now() == event
    wall.moment += timedelta(seconds=5)
    assert clock.now() == event
    write_replay_origin(origin, event, wall.moment, 60)
    assert clock.now() == event
    wall.moment += timedelta(seconds=1)
    assert clock.now() == event + timedelta(minutes=1)
    wall.moment += timedelta(milliseconds=500)
    assert clock.now() == event + timedelta(seconds=90)


def test_a_setting_names_the_clock(tmp_path):
    assert isinstance(clock_from("wall"), WallClock)
    assert isinstance(clock_from(str(tmp_path / "clock.json")), ReplayClock)
