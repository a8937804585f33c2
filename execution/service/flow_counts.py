"""What went into the service and what became of it, told to the live view about once a second."""

import threading
from collections import Counter
from collections.abc import Callable

import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

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
    again). `status_of` tells how an order stands that was open: it is asked whenever the counts are.
    """

    def __init__(self, status_of: Callable[[str], OrderStatus] | None = None) -> None:
        self._lock = threading.Lock()
        self._counts = Counter(dict.fromkeys(("in", "out", "refused", "repeated", "failed"), 0))
        self._status_of = status_of
        self._open: set[str] = set()

    def placed(self, client_order_id: str, status: OrderStatus) -> None:
        """A new order was answered."""
        if status.is_final:
            self._add("in", _ended(status))
        else:
            with self._lock:
                self._counts["in"] += 1
                self._open.add(client_order_id)

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
            if self._status_of is not None:
                self._end(self._status_of)
            return {**self._counts, "open": len(self._open)}

    def _end(self, status_of: Callable[[str], OrderStatus]) -> None:
        for client_order_id in sorted(self._open):
            if (status := status_of(client_order_id)).is_final:
                self._open.discard(client_order_id)
                self._counts[_ended(status)] += 1

    def _add(self, *names: str) -> None:
        with self._lock:
            self._counts.update(names)


def _ended(status: OrderStatus) -> str:
    return "refused" if status is OrderStatus.REJECTED else "out"


class FlowReport:
    """Writes counts to Redis once a second and at the end; when they cannot be told, nothing else is lost."""

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
        except (redis.RedisError, SQLAlchemyError) as error:
            if self._reachable:
                _log.warning("flow_cannot_be_told", error=str(error))
            self._reachable = False
        else:
            self._reachable = True

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_SECONDS):
            self.write()
        self.write()
