"""Time as the desk tells it: UTC, to the microsecond, and from a clock that is handed in."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AfterValidator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OUTSIDE = "a time outside of the years 1970 to 2199"


def _as_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its zone: write it as 2024-01-15T00:00:00Z")
    try:
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError:
        raise ValueError(_OUTSIDE) from None
    if not 1970 <= utc.year < 2200:
        raise ValueError(_OUTSIDE)
    return utc


UtcTime = Annotated[datetime, AfterValidator(_as_utc)]
"""A moment in UTC with microseconds; a time without a zone is refused."""


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 (UTC), exactly: the unit in which the rules count time."""
    return (moment - _EPOCH) // _MICROSECOND


def read_micros(text: str) -> int:
    """The microseconds of an ISO 8601 time with its zone; raises ValueError, or TypeError when it is not text."""
    return to_micros(_as_utc(datetime.fromisoformat(text)))


def from_micros(micros: int) -> datetime:
    """The moment that lies `micros` microseconds after 1970 (UTC)."""
    return _EPOCH + timedelta(microseconds=micros)


class Clock(Protocol):
    """Tells the time at the edges of the desk; inside, time is the event time of the message at hand."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        ...


class WallClock:
    """The machine's clock: what production runs on."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        return datetime.now(UTC)


class ReplayClock:
    """The clock of a recorded day that is played back, maybe faster than it was lived.

    The replayer writes `{"event_origin", "wall_origin", "speed"}` to a file; everyone on the local stack who must stamp
    an event reads the time from it. With wall_origin W, event_origin E and speed 60:

        wall W         ->  E             (before W, and while wall_origin is null, time stands still at E)
        wall W + 1 s   ->  E + 60 s
        wall W + 60 s  ->  E + 1 h
    """

    def __init__(self, path: Path, wall: Clock | None = None) -> None:
        self._path = path
        self._wall = wall or WallClock()
        self._modified = -1
        self._event_origin = _EPOCH
        self._wall_origin: datetime | None = None
        self._speed = 1.0

    def now(self) -> datetime:
        """The current moment of the recorded day, UTC."""
        self._refresh()
        if self._wall_origin is None:
            return self._event_origin
        elapsed = self._wall.now() - self._wall_origin
        return self._event_origin + max(elapsed, timedelta()) * self._speed

    def _refresh(self) -> None:
        modified = self._path.stat().st_mtime_ns
        if modified == self._modified:
            return
        origin = json.loads(self._path.read_text())
        self._event_origin = datetime.fromisoformat(origin["event_origin"])
        self._wall_origin = origin["wall_origin"] and datetime.fromisoformat(origin["wall_origin"])
        self._speed = float(origin["speed"])
        self._modified = modified


def write_replay_origin(
    path: Path, event_origin: datetime, wall_origin: datetime | None, speed: float
) -> None:
    """Set the replay clock for everyone who reads `path`, in one atomic step; no wall_origin holds time still."""
    origin = {
        "event_origin": event_origin.isoformat(),
        "wall_origin": wall_origin.isoformat() if wall_origin else None,
        "speed": speed,
    }
    pending = path.with_suffix(f".{time.monotonic_ns()}")
    pending.write_text(json.dumps(origin))
    pending.replace(path)


def clock_from(setting: str) -> Clock:
    """The clock that `SAPPHIRE_CLOCK` names: `wall`, or the path of a replay's origin file."""
    return WallClock() if setting == "wall" else ReplayClock(Path(setting))
