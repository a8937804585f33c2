"""What went into the service and what became of it, told to the live view about once a second."""

import threading
from collections import Counter
from collections.abc import Callable

import redis
import structlog

from contracts.live_view import LiveView
from contracts.payloads import OrderStatus

_log = structlog.get_logger("execution.flow")

STAGE = "execution"
_EVERY_SECONDS = 1.0
_REDIS_SECONDS = 0.5


class FlowCounts:
    """Counts each POST /orders once: in = out + refused + open, whatever is asked again.

    in: answered requests that were no repetition; out: orders that the venue took to their end; refused:
    requests that were no order (4xx) and orders that were rejected; open: orders that something can still
    happen to. Beside them repeated (the same order asked for again) and failed (5xx, sure to be asked
    again).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = Counter(dict.fromkeys(("in", "out", "refused", "open", "repeated", "failed"), 0))

    def placed(self, status: OrderStatus) -> None:
        """A new order was answered."""
        self._add("in", _OUTCOMES.get(status, "out" if status.is_final else "open"))

    def refused(self) -> None:
        """A request was refused."""
        self._add("in", "refused")

    def repeated(self) -> None:
        """An order was asked for again."""
        self._add("repeated")

    def failed(self) -> None:
        """A request could not be answered."""
        self._add("failed")

    def snapshot(self) -> dict[str, int]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)

    def _add(self, *names: str) -> None:
        with self._lock:
            self._counts.update(names)


_OUTCOMES = {OrderStatus.REJECTED: "refused"}


class FlowReport:
    """Writes counts to Redis once a second and at the end; without Redis nothing else is lost."""

    def __init__(self, redis_url: str, desk: str, counts: Callable[[], dict[str, int]]) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(
            redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
        )
        self._key = LiveView(desk).flow(STAGE)
        self._counts = counts
        self._reachable = True
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow-report", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self) -> None:
        """Report once more and end."""
        self._stopping.set()
        self._thread.join(2 * _REDIS_SECONDS + _EVERY_SECONDS)
        self._redis.close()

    def write(self) -> None:
        """Write the counts as they are."""
        try:
            self._redis.hset(self._key, mapping={name: str(count) for name, count in self._counts().items()})
        except redis.RedisError as error:
            if self._reachable:
                _log.warning("live_view_unreachable", error=str(error))
            self._reachable = False
        else:
            self._reachable = True

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_SECONDS):
            self.write()
        self.write()
