"""Latency samples of the live view, from inside a job: best effort, and never in the way."""

import logging
from datetime import UTC, datetime, timedelta

import redis

from contracts.live_view import SAMPLES_KEPT, LiveView

_TIMEOUT_SECONDS = 0.1


class LatencySamples:
    """Pushes milliseconds to Redis; when it cannot be reached, that is said once and the next try waits `pause_seconds`."""

    def __init__(self, redis_url: str, desk: str, pause_seconds: float = 10.0) -> None:
        self._view = LiveView(desk)
        self._pause_seconds = pause_seconds
        self._paused_until = datetime.min.replace(tzinfo=UTC)
        self._log = logging.getLogger(__name__)
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
        )

    def push(self, name: str, sent_at: str | None, now: datetime) -> None:
        """A sample of `name`: from `sent_at` (ISO 8601, wall clock) to `now`; nothing when it is not known."""
        if sent_at is None or now < self._paused_until:
            return
        try:
            milliseconds = (now - datetime.fromisoformat(sent_at)).total_seconds() * 1_000
            key = self._view.latency(name)
            pipe = self._redis.pipeline(transaction=False)
            pipe.lpush(key, f"{milliseconds:.3f}")
            pipe.ltrim(key, 0, SAMPLES_KEPT - 1)
            pipe.execute()
        except (redis.RedisError, ValueError, TypeError) as error:
            self._log.warning("the latency %s is not told: %s", name, error)
            self._paused_until = now + timedelta(seconds=self._pause_seconds)

    def close(self) -> None:
        """Let go of the connection."""
        self._redis.close()
