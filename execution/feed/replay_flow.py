"""What the replay tells about itself: its counts, in the live view about once a second."""

import time
from collections.abc import Callable, Mapping

import structlog
from redis import Redis
from redis.exceptions import RedisError

from contracts.live_view import LiveView

_log = structlog.get_logger("execution.feed.replay")

_EVERY = 1.0
_AFTER_FAILURE = 10.0


class FlowReport:
    """Writes a stage's counts to Redis: absolute numbers, about once a second.

    The live view is a picture, so a Redis that does not answer is said on the log once and tried again every
    10 s.
    """

    def __init__(
        self,
        redis: Redis,
        live_view: LiveView,
        stage: str,
        counts: Callable[[], Mapping[str, int | str]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._key = live_view.flow(stage)
        self._counts = counts
        self._monotonic = monotonic
        self._due = monotonic()
        self._failed = False

    def write_if_due(self) -> None:
        """Write the counts when the last writing is a second ago."""
        if self._monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write the counts now."""
        try:
            self._redis.hset(self._key, mapping=dict(self._counts()))  # type: ignore[arg-type]
        except RedisError as error:
            if not self._failed:
                _log.warning("the live view is out of reach: counts are not shown", error=str(error)[:200])
            self._failed = True
            self._due = self._monotonic() + _AFTER_FAILURE
        else:
            self._failed = False
            self._due = self._monotonic() + _EVERY
