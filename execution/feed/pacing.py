"""When a recorded moment is due on the wall clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from contracts.time import Clock, write_replay_origin

_LONGEST_SLEEP = 0.5
_STEP_OF_TIME = timedelta(milliseconds=50)


class SetClock(Protocol):
    """Sets the replay clock: event_origin is read at wall_origin, and with speed 0 ever after."""

    def __call__(self, event_origin: datetime, wall_origin: datetime, speed: float) -> None: ...


def clock_setter(setting: str) -> SetClock:
    """What sets the clock that `SAPPHIRE_CLOCK` names; the wall clock is left alone."""

    def set_file(event_origin: datetime, wall_origin: datetime, speed: float) -> None:
        write_replay_origin(Path(setting), event_origin, wall_origin, speed)

    def leave_alone(event_origin: datetime, wall_origin: datetime, speed: float) -> None:
        return

    return leave_alone if setting == "wall" else set_file


class Pacer:
    """Holds each batch back until the replay clock reads its time.

    With speed 60 and a first batch of 00:01:00:

        T0           the first batch is due at once; the clock reads 00:01:00
        T0 + 1 s     what was received at 00:02:00 is due
        T0 + 60 s    what was received at 01:01:00 is due

    A batch whose time has passed is due at once, so a replay that was held up catches up. Speed 0 holds
    nothing back: the clock then stands at the latest batch (set at most every 50 ms of wall time) instead of
    running.

    `sleep` is called with seconds (at most 0.5) while a batch is not due; it returns False to give up, and so
    does `wait_until`.
    """

    def __init__(
        self, speed: float, wall: Clock, sleep: Callable[[float], bool], set_clock: SetClock
    ) -> None:
        if speed < 0:
            raise ValueError("speed is 0 (as fast as possible) or more")
        self._speed = speed
        self._wall = wall
        self._sleep = sleep
        self._set_clock = set_clock
        self._event_origin: datetime | None = None
        self._wall_origin = wall.now()
        self._clock_set_at: datetime | None = None
        self._reached: datetime | None = None

    def wait_until(self, moment: datetime) -> bool:
        """Wait until `moment` of the recording is due; False when `sleep` gave up."""
        if self._speed == 0:
            return self._jump_to(moment)
        if self._event_origin is None:
            self._event_origin, self._wall_origin = moment, self._wall.now()
            self._set_clock(moment, self._wall_origin, self._speed)
        due = self._wall_origin + (moment - self._event_origin) / self._speed
        while (remaining := (due - self._wall.now()).total_seconds()) > 0:
            if not self._sleep(min(remaining, _LONGEST_SLEEP)):
                return False
        self._reached = moment
        return True

    def behind(self) -> timedelta:
        """How long ago, in wall time, the last batch was due; zero when nothing is held to a time."""
        if self._speed == 0 or self._event_origin is None or self._reached is None:
            return timedelta()
        due = self._wall_origin + (self._reached - self._event_origin) / self._speed
        return max(self._wall.now() - due, timedelta())

    def stop(self) -> None:
        """Let the clock stand where it is: the recorded day goes no further."""
        if self._speed == 0:
            if self._reached is not None:
                self._set_clock(self._reached, self._wall.now(), 0.0)
        elif self._event_origin is not None:
            now = self._wall.now()
            elapsed = max(now - self._wall_origin, timedelta())
            self._set_clock(self._event_origin + elapsed * self._speed, now, 0.0)

    def _jump_to(self, moment: datetime) -> bool:
        self._reached = moment if self._reached is None else max(moment, self._reached)
        now = self._wall.now()
        if self._clock_set_at is None or now - self._clock_set_at >= _STEP_OF_TIME:
            self._set_clock(self._reached, now, 0.0)
            self._clock_set_at = now
        return self._sleep(0)
