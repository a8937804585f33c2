from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from contracts.time import ReplayClock
from execution.feed.pacing import Pacer, clock_setter

WALL = datetime(2026, 1, 1, tzinfo=UTC)
DAY = datetime(2024, 1, 15, tzinfo=UTC)


class Wall:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = WALL
        self.slept: list[float] = []
        self.gives_up_at: datetime | None = None

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        return self.gives_up_at is None or self.time < self.gives_up_at


def pacer(wall: Wall, clock: Path, speed: float) -> tuple[Pacer, ReplayClock]:
    return Pacer(speed, wall, wall.sleep, clock_setter(str(clock))), ReplayClock(clock, wall)


def test_a_batch_is_due_when_the_replay_clock_reads_its_time(tmp_path: Path) -> None:
    wall = Wall()
    pace, clock = pacer(wall, tmp_path / "clock.json", 60)
    for minutes, wall_seconds in ((0, 0), (1, 1), (1, 1), (60, 60)):
        assert pace.wait_until(DAY + timedelta(minutes=minutes))
        assert wall.now() - WALL == timedelta(seconds=wall_seconds)
        assert clock.now() == DAY + timedelta(minutes=minutes)
    assert max(wall.slept) <= 0.5


def test_what_is_overdue_goes_out_at_once_and_is_told(tmp_path: Path) -> None:
    wall = Wall()
    pace, _ = pacer(wall, tmp_path / "clock.json", 60)
    pace.wait_until(DAY)
    wall.time += timedelta(seconds=10)
    wall.slept.clear()
    assert pace.wait_until(DAY + timedelta(minutes=4))
    assert wall.slept == []
    assert pace.behind() == timedelta(seconds=6)
    assert pace.wait_until(DAY + timedelta(minutes=11))
    assert pace.behind() == timedelta()


def test_giving_up(tmp_path: Path) -> None:
    wall = Wall()
    pace, clock = pacer(wall, tmp_path / "clock.json", 60)
    pace.wait_until(DAY)
    wall.gives_up_at = WALL + timedelta(seconds=3)
    assert not pace.wait_until(DAY + timedelta(hours=1))
    pace.stop()
    wall.time += timedelta(hours=5)
    assert clock.now() == DAY + timedelta(minutes=3), "time stands where the replay ended"


def test_as_fast_as_possible_the_clock_follows_the_batches(tmp_path: Path) -> None:
    wall = Wall()
    pace, clock = pacer(wall, tmp_path / "clock.json", 0)
    assert pace.wait_until(DAY)
    assert clock.now() == DAY
    assert pace.wait_until(DAY + timedelta(hours=1))
    assert clock.now() == DAY, "the file is set at most every 50 ms"
    wall.time += timedelta(milliseconds=50)
    assert pace.wait_until(DAY + timedelta(hours=2))
    assert clock.now() == DAY + timedelta(hours=2)
    pace.wait_until(DAY + timedelta(hours=3))
    pace.stop()
    assert clock.now() == DAY + timedelta(hours=3)
    assert sum(wall.slept) == 0


def test_the_wall_clock_is_left_alone(tmp_path: Path) -> None:
    wall = Wall()
    pace = Pacer(60, wall, wall.sleep, clock_setter("wall"))
    assert pace.wait_until(DAY)
    pace.stop()
    assert list(tmp_path.iterdir()) == []


@given(
    speed=st.floats(0.5, 1_000),
    gaps=st.lists(st.integers(0, 120_000_000), min_size=1, max_size=20),
    works=st.lists(st.integers(0, 3_000_000), min_size=20, max_size=20),
)
def test_never_early_and_late_only_by_the_work_between(
    speed: float, gaps: list[int], works: list[int]
) -> None:
    wall = Wall()
    pace = Pacer(speed, wall, wall.sleep, clock_setter("wall"))
    pace.wait_until(DAY)
    moment, free = DAY, WALL
    for gap, work in zip(gaps, works, strict=False):
        moment += timedelta(microseconds=gap)
        assert pace.wait_until(moment)
        due = WALL + (moment - DAY) / speed
        assert max(due, free) <= wall.now() <= max(due, free) + timedelta(microseconds=1)
        wall.time += timedelta(microseconds=work)
        free = wall.now()
