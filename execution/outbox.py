"""The outbox: publishes what the ledger wants told, in the order of writing, until Pub/Sub has it.

At least once: a row is marked only after Pub/Sub took it, so a crash in between publishes it again, with
the same message_id, by which readers tell it as one. The ordering key is the desk. What Pub/Sub does not
take stays, and is tried again with growing pauses. Marks are written for many rows at once: a mark is a
transaction, and orders wait for those.
"""

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud.pubsub_v1.publisher.exceptions import PublishToPausedOrderingKeyException
from sqlalchemy.exc import SQLAlchemyError

from execution.ledger.ledger import Ledger

_log = structlog.get_logger("execution.outbox")

BATCH = 500
MARKS = 200
"""Rows that Pub/Sub has and that are not marked yet, at most; marked at the latest `_MARK_SECONDS` later."""

_MARK_SECONDS = 0.25
_ANSWER_SECONDS = 10.0
_PAUSES = (0.1, 0.5, 2.0, 5.0)
_STUCK = timedelta(seconds=15)

_NOT_TAKEN = (
    GoogleAPICallError,
    RetryError,
    PublishToPausedOrderingKeyException,
    TimeoutError,
    ConnectionError,
    RuntimeError,  # what the client says of a message that was queued behind one of its key that failed
)


class Publisher(Protocol):
    """What we use of Pub/Sub's PublisherClient, made with message ordering."""

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: Any) -> "Future[str]":
        """Send a message; the future gives its id at Pub/Sub."""
        ...

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        """Allow an ordering key again after one of its messages failed."""
        ...


def attributes_of(message: dict[str, Any], sent_at: datetime) -> dict[str, str]:
    """The Pub/Sub attributes of a Message's JSON that is sent at the wall-clock time `sent_at`."""
    attributes = {
        "desk": message["desk"],
        "type": message["type"],
        "sender": message["sender"],
        "event_time": datetime.fromisoformat(message["event_time"]).isoformat(),
        "sent_at": sent_at.isoformat(),
    }
    return attributes | ({"recipient": message["recipient"]} if message["recipient"] else {})


class Outbox:
    """Publishes the ledger's outbox rows to one topic on a thread of its own."""

    def __init__(self, ledger: Ledger, publisher: Publisher, topic: str) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._topic = topic
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._failing_since: datetime | None = None
        self._unmarked: list[int] = []
        self._marked_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin with whatever was left by the last run."""
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that the ledger has something new."""
        self._woken.set()

    def stop(self, patience: float = 5.0) -> None:
        """Publish what is there for at most `patience` seconds, then end; the next run does the rest."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(patience)

    def trouble(self) -> str | None:
        """What is wrong with the outbox, in one sentence; None when it works."""
        if not self._thread.is_alive():
            return "the outbox is not running"
        since = self._failing_since
        if since and datetime.now(UTC) - since > _STUCK:
            return f"Pub/Sub has taken no execution since {since.isoformat(timespec='seconds')}"
        return None

    def publish_once(self) -> int:
        """Publish the oldest rows; how many Pub/Sub took, to be marked soon. Raises the first failure."""
        rows = self._ledger.unpublished(BATCH, self._unmarked)
        sent: list[tuple[int, str, Future[str]]] = []
        taken: list[int] = []
        failed: set[str] = set()
        failure: Exception | None = None
        for number, data in rows:
            attributes = attributes_of(orjson.loads(data), datetime.now(UTC))
            desk = attributes["desk"]
            try:
                future = self._publisher.publish(self._topic, data, ordering_key=desk, **attributes)
            except _NOT_TAKEN as error:
                failed.add(desk)
                failure = failure or error
            else:
                sent.append((number, desk, future))
        for number, desk, future in sent:
            try:
                future.result(timeout=_ANSWER_SECONDS)
            except _NOT_TAKEN as error:
                failed.add(desk)
                failure = failure or error
            else:
                taken.append(number)
        self._unmarked += taken
        if len(self._unmarked) >= MARKS:
            self.mark()
        for desk in failed:
            # A key that is not paused needs no resuming, and the client says so by RuntimeError: the message
            # may still be under way, or the pause comes a moment later and is met by the next batch.
            with suppress(RuntimeError):
                self._publisher.resume_publish(self._topic, desk)
        if failure is not None:
            raise failure
        return len(taken)

    def mark(self) -> None:
        """Write down what Pub/Sub has taken."""
        self._ledger.mark_published(self._unmarked, datetime.now(UTC))
        self._unmarked = []
        self._marked_at = time.monotonic()

    def _run(self) -> None:
        failures = 0
        while True:
            woken = self._woken.wait(_MARK_SECONDS if self._unmarked else None)
            self._woken.clear()
            try:
                while woken and self.publish_once() == BATCH:
                    pass
                if not woken or self._stopping.is_set() or time.monotonic() - self._marked_at > _MARK_SECONDS:
                    self.mark()
            except (*_NOT_TAKEN, SQLAlchemyError) as error:
                failures += 1
                self._failing_since = self._failing_since or datetime.now(UTC)
                _log.warning("not_published", error=str(error), attempt=failures)
                self._stopping.wait(_PAUSES[min(failures, len(_PAUSES)) - 1])
                if self._stopping.is_set() and failures > len(_PAUSES):
                    return
                self._woken.set()
                continue
            failures, self._failing_since = 0, None
            if self._stopping.is_set() and not self._woken.is_set():
                return
