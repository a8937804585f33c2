"""Ordered publishing: a bundle's messages reach Pub/Sub all and in order, or the bundle fails and can be tried again.

After an error that its own retries do not mend, Pub/Sub's client pauses the message's lane (its topic and ordering key):
what is queued behind it fails too, and so does everything said by it later, until the lane is resumed. It is resumed when
all of the bundle has been answered, so nothing of it overtakes what failed, and the runner's retry, the same messages with
the same ids, finds the lane open:

    bundle             a1       a2                a3               end
    Pub/Sub            taken    topic not found   -
    lane               open     paused            paused           resumed; the bundle fails with a2's error
    tried again        a1       a2                a3               done; a1 is there twice, and told by its message_id

Several bundles of a process may use a lane at once. One that had begun with it before another resumed it says nothing
more by it: it may have lost messages to the pause, and would overtake them.
"""

import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from google.cloud.pubsub_v1.publisher.exceptions import PublishToPausedOrderingKeyException

from transforms.wire import Wire

DEADLINE_SECONDS = 60.0


class Lane(NamedTuple):
    """A topic and an ordering key: messages of a lane keep their order. Without a key there is none to keep."""

    topic: str
    ordering_key: str


class Client(Protocol):
    """What is used of Pub/Sub's PublisherClient, made with message ordering."""

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: Any) -> "Future[str]":
        """Send a message; the future gives its id at Pub/Sub."""
        ...

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        """Allow an ordering key again after one of its messages failed."""
        ...


class OrderedPublisher:
    """A process's client, with the count of how often each lane was resumed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._resumed: Counter[Lane] = Counter()
        self._lock = threading.Lock()

    def publish(self, lane: Lane, message: Wire, begun: dict[Lane, int]) -> "Future[str] | None":
        """Send a message; None when the lane was resumed since the bundle, by `begun`, began with it."""
        if not lane.ordering_key:
            return self._client.publish(lane.topic, message.data, **message.attributes)
        with self._lock:
            resumed = self._resumed[lane]
            if begun.setdefault(lane, resumed) != resumed:
                return None
            return self._client.publish(
                lane.topic, message.data, ordering_key=lane.ordering_key, **message.attributes
            )

    def resume(self, lane: Lane) -> None:
        """Open a lane in which a message failed."""
        # The client says by RuntimeError that the lane is not paused: another bundle has resumed it.
        with self._lock, suppress(RuntimeError):
            self._client.resume_publish(lane.topic, lane.ordering_key)
            self._resumed[lane] += 1


class BundleSending:
    """One bundle's messages on their way to Pub/Sub."""

    def __init__(self, publisher: OrderedPublisher) -> None:
        self._publisher = publisher
        self._begun: dict[Lane, int] = {}
        self._pending: list[tuple[Lane, Future[str]]] = []
        self._overtaken: Lane | None = None

    def publish(self, topic: str, message: Wire) -> None:
        """Send a message behind those of its lane."""
        lane = Lane(topic, message.ordering_key)
        future = self._publisher.publish(lane, message, self._begun)
        if future is None:
            self._overtaken = lane
        else:
            self._pending.append((lane, future))

    def finish(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until Pub/Sub has everything; else raise the first failure, with every lane open again.

        What was not answered in time is still under way: its lane is not paused, and what is said anew queues behind it.
        """
        ends = time.monotonic() + seconds
        failure: BaseException | None = None
        failed: dict[Lane, None] = {}
        for lane, future in self._pending:
            try:
                error = future.exception(max(0.0, ends - time.monotonic()))
            except TimeoutError as late:
                failure = failure or late
                continue
            if error is not None:
                failure = failure or error
                failed[lane] = None
        for lane in failed:
            if lane.ordering_key:
                self._publisher.resume(lane)
        if failure is None and self._overtaken is not None:
            failure = PublishToPausedOrderingKeyException(self._overtaken.ordering_key)
        if failure is not None:
            raise failure
