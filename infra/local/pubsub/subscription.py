"""One subscription: what waits, what is leased to whom, what comes back, and in which order.

With message ordering on, the messages of one key form a line. One batch of a line is outstanding at a time:
an open stream that holds it may be given more of the line, nobody else may. When a message of the batch
fails, it and all that were delivered after it (acknowledged or not, as documented) go back to the head of
the line.
"""

import heapq
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from infra.local.pubsub import filters
from infra.local.pubsub.counts import Counts
from infra.local.pubsub.delivery import Consumer, Entry, Line, State
from infra.local.pubsub.errors import BrokerError, FailedPreconditionError, InvalidArgumentError
from infra.local.pubsub.message import Message
from infra.local.pubsub.ready import ReadyQueue
from infra.local.pubsub.retained import RetainedLog
from infra.local.pubsub.settings import Bounds, SubscriptionSettings

logger = logging.getLogger(__name__)

MAX_BATCH_BYTES = 4_000_000


class Subscription:
    """The backlog of one subscription. Times are seconds since the epoch, given by the caller.

    `forget` is told the ids of the messages that left the backlog for good; `dead_letter` publishes a message
    that used up its attempts and says whether that was possible.
    """

    def __init__(
        self,
        settings: SubscriptionSettings,
        bounds: Bounds,
        forget: Callable[[str, Iterable[int]], None] = lambda name, ids: None,
        dead_letter: Callable[[SubscriptionSettings, Entry, float], bool] = lambda settings, entry, now: (
            False
        ),
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self.detached = False
        self._admits = filters.parse(settings.filter)
        self._bounds = bounds
        self._forget = forget
        self._dead_letter = dead_letter
        self._closed: BrokerError | None = None
        self._consumers: set[Consumer] = set()
        self._serial = itertools.count(1)
        self._retained = RetainedLog(bounds)
        self._clear()

    def _clear(self) -> None:
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._bytes = 0
        self._ready = ReadyQueue(self._wake)
        self._leases: dict[str, Entry] = {}
        self._deadlines: list[tuple[float, int, Entry]] = []

    # What is in it

    @property
    def backlog(self) -> int:
        """Messages without a final acknowledgement, outstanding ones included."""
        return len(self._entries)

    @property
    def backlog_bytes(self) -> int:
        """Size of those messages."""
        return self._bytes

    @property
    def outstanding(self) -> int:
        """Messages leased to a consumer."""
        return len(self._leases)

    def unacked(self) -> list[Message]:
        """The messages of the backlog in publish order."""
        return [entry.message for entry in self._entries.values()]

    def retained(self) -> list[Message]:
        """The acknowledged messages that are kept (retain_acked_messages)."""
        return list(self._retained)

    # Consumers

    def attach(self, consumer: Consumer) -> None:
        """Have `consumer` woken whenever it may find something to take."""
        self._consumers.add(consumer)

    def detach_consumer(self, consumer: Consumer) -> None:
        """The consumer went away; what it holds comes back when its deadline passes."""
        consumer.closed = True
        self._consumers.discard(consumer)
        consumer.lines.clear()

    def close(self, reason: BrokerError) -> None:
        """Refuse every later call with `reason` and wake the consumers so that they see it."""
        self._closed = reason
        self._wake()

    def detach(self) -> None:
        """Drop the backlog and refuse pulls, as DetachSubscription does."""
        self.detached = True
        self.reset([])
        self._retained.clear()
        self.close(FailedPreconditionError(f"The subscription {self.settings.name} is detached."))

    def update(self, settings: SubscriptionSettings) -> None:
        """Take new settings; messages keep their place."""
        self.settings = settings
        if not settings.retain_acked:
            self._retained.clear()

    # In

    def admits(self, message: Message) -> bool:
        """True when the filter lets the message in."""
        return self._admits(message.attributes)

    def add(self, message: Message) -> bool:
        """Queue a published message if the filter admits it; says whether it did."""
        if self.detached:
            return False
        if not self._admits(message.attributes):
            self.counts.filtered += 1
            return False
        self.counts.received += 1
        self._queue(message)
        self._keep_bounds()
        self._wake()
        return True

    def restore(self, messages: Iterable[Message]) -> None:
        """Queue messages that a restart brought back."""
        for message in messages:
            self.counts.restored += 1
            self._queue(message)
        self._wake()

    def reset(self, messages: Sequence[Message]) -> None:
        """Make the backlog exactly `messages` (given in publish order), as a seek does. Leases end."""
        keep = {message.id for message in messages}
        gone = [entry.message for entry in self._entries.values() if entry.message.id not in keep]
        known = self._entries
        self.counts.discarded += len(gone)
        for entry in known.values():
            entry.state = State.DONE
        for entry in self._leases.values():
            self._release(entry)
        for consumer in self._consumers:
            consumer.lines.clear()
        self._clear()
        for message in messages:
            if message.id not in known:
                self.counts.restored += 1
            self._queue(message)
        self._retained.remove(keep)
        if self.settings.retain_acked:
            self._retained.extend(gone)
        self._forget(self.settings.name, [message.id for message in gone])
        self._wake()

    # Out

    def take(self, now: float, limit: int, consumer: Consumer | None = None) -> list[Entry]:
        """Lease up to `limit` messages (and about 4 MB) to a consumer; returns what there is, at once.

        Raises NotFoundError or FailedPreconditionError once the subscription is deleted or detached.
        """
        if self._closed is not None:
            raise self._closed
        if self._deadlines or self._ready.has_delays:
            self.advance(now)
        single = consumer is None
        taker = Consumer() if consumer is None else consumer
        deadline = now + (self.settings.ack_deadline if taker.lease is None else taker.lease)
        taken: list[Entry] = []
        size = 0
        while len(taken) < limit and size < MAX_BATCH_BYTES and taker.has_room:
            entry = self._ready.next(taker)
            if entry is None:
                break
            self._lease(entry, taker, deadline)
            size += entry.message.size
            taken.append(entry)
        taker.closed = taker.closed or single
        return taken

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """Finish the leased messages; an id whose lease is over is ignored, as the real service may do."""
        finished: list[int] = []
        for ack_id in ack_ids:
            entry = self._leases.pop(ack_id, None)
            if entry is None:
                continue
            self._release(entry)
            if entry.line is None:
                finished.append(self._finish(entry))
            else:
                entry.state = State.ACKED_EARLY
                finished.extend(self._settle(entry.line))
        self.counts.acked += len(finished)
        if finished:
            self._forget(self.settings.name, finished)

    def modify_deadline(self, now: float, ack_ids: Iterable[str], seconds: float) -> None:
        """Move the deadline to `seconds` from now; 0 gives the message back at once (nack)."""
        if not 0 <= seconds <= 600:
            raise InvalidArgumentError("An ack deadline must be 0 to 600 seconds.")
        for ack_id in ack_ids:
            entry = self._leases.get(ack_id)
            if entry is None:
                continue
            if seconds == 0:
                self._fail(entry, now)
            else:
                entry.deadline = now + seconds
                heapq.heappush(self._deadlines, (entry.deadline, next(self._serial), entry))

    def advance(self, now: float) -> None:
        """Bring back what missed its deadline or waited out its back-off; drop what grew too old."""
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, _, entry = heapq.heappop(self._deadlines)
            if entry.state is State.LEASED and entry.deadline == deadline:
                self._fail(entry, now)
        self._ready.advance(now)
        oldest = now - self.settings.retention
        while self._entries and next(iter(self._entries.values())).message.publish_time <= oldest:
            self._drop_oldest()
        self._retained.expire(oldest)

    # Inside

    def _queue(self, message: Message) -> None:
        ordered = self.settings.ordering and message.ordering_key
        entry = Entry(message, self._ready.line(message.ordering_key) if ordered else None)
        self._entries[message.id] = entry
        self._bytes += message.size
        self._ready.append(entry)

    def _lease(self, entry: Entry, taker: Consumer, deadline: float) -> None:
        serial = next(self._serial)
        entry.state = State.LEASED
        entry.ack_id = f"{entry.message.id}.{serial}"
        entry.deadline = deadline
        entry.consumer = taker
        taker.messages += 1
        taker.bytes += entry.message.size
        self._leases[entry.ack_id] = entry
        heapq.heappush(self._deadlines, (deadline, serial, entry))
        if entry.line is not None:
            entry.line.batch.append(entry)
        self.counts.delivered += 1
        self.counts.redelivered += entry.times_delivered > 0
        entry.times_delivered += 1
        if len(self._deadlines) > 4 * len(self._leases) + 4_096:
            # Acknowledged leases leave their deadline in the heap; sweep them before they pile up.
            self._deadlines = [
                (deadline, serial, leased)
                for deadline, serial, leased in self._deadlines
                if leased.state is State.LEASED and leased.deadline == deadline
            ]
            heapq.heapify(self._deadlines)

    def _release(self, entry: Entry) -> None:
        consumer = entry.consumer
        if consumer is not None:
            entry.consumer = None
            consumer.messages -= 1
            consumer.bytes -= entry.message.size
            consumer.wake()

    def _finish(self, entry: Entry) -> int:
        entry.state = State.DONE
        message = entry.message
        del self._entries[message.id]
        self._bytes -= message.size
        if self.settings.retain_acked:
            self._retained.append(message)
        return message.id

    def _settle(self, line: Line) -> list[int]:
        """Finish the acknowledged head of the batch and let the line go on when the batch is done."""
        finished = []
        while line.batch and line.batch[0].state is State.ACKED_EARLY:
            finished.append(self._finish(line.batch.popleft()))
        self._ready.offer(line)
        return finished

    def _fail(self, entry: Entry, now: float) -> None:
        """A nack or a missed deadline: dead letter after the last attempt, back in the queue before."""
        del self._leases[entry.ack_id]
        self._release(entry)
        entry.state = State.QUEUED
        entry.failures += 1
        settings = self.settings
        exhausted = settings.dead_letter_topic and entry.failures >= settings.max_delivery_attempts
        if exhausted and self._dead_letter(settings, entry, now):
            self._leave_as_dead_letter(entry)
            return
        delay = 0.0
        if settings.backoff is not None:
            # The exponent is bounded only so that a message that fails for days cannot overflow a float.
            delay = min(settings.backoff[1], settings.backoff[0] * 2.0 ** min(entry.failures - 1, 100))
        ready_at = now + delay if delay else None
        if entry.line is None:
            self._ready.give_back(entry, ready_at)
        else:
            self._rewind(entry.line, entry)
            self._ready.give_back_line(entry.line, ready_at)

    def _leave_as_dead_letter(self, entry: Entry) -> None:
        self.counts.dead_lettered += 1
        finished = [self._finish(entry)]
        if entry.line is not None:
            entry.line.batch.remove(entry)
            settled = self._settle(entry.line)
            self.counts.acked += len(settled)
            finished += settled
        self._forget(self.settings.name, finished)

    def _rewind(self, line: Line, failed: Entry) -> None:
        """Take the failed message and all behind it out of the batch, back to the head of the line."""
        while True:
            entry = line.batch.pop()
            if entry.state is State.LEASED:
                del self._leases[entry.ack_id]
                self._release(entry)
            entry.state = State.QUEUED
            line.waiting.appendleft(entry)
            if entry is failed:
                break

    def _keep_bounds(self) -> None:
        while len(self._entries) > self._bounds.messages or self._bytes > self._bounds.bytes:
            self._drop_oldest()
            lost = self.counts.dropped
            if lost & (lost - 1) == 0:  # 1, 2, 4, 8, ...: said at once, and never a flood
                logger.warning(
                    "%s passed its bound of %d messages or %d bytes: %d unacknowledged dropped so far",
                    self.settings.name,
                    self._bounds.messages,
                    self._bounds.bytes,
                    lost,
                )

    def _drop_oldest(self) -> None:
        entry = next(iter(self._entries.values()))
        if entry.state is State.LEASED:
            del self._leases[entry.ack_id]
            self._release(entry)
        line = entry.line
        if line is not None:
            (line.batch if entry in line.batch else line.waiting).remove(entry)
        entry.state = State.DONE
        del self._entries[entry.message.id]
        self._bytes -= entry.message.size
        self.counts.dropped += 1
        finished = [entry.message.id]
        if line is not None:
            settled = self._settle(line)
            self.counts.acked += len(settled)
            finished += settled
        self._forget(self.settings.name, finished)

    def _wake(self) -> None:
        for consumer in self._consumers:
            consumer.wake()
