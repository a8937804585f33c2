"""The moving parts of a subscription: one message on its way, one ordering key's line, one consumer."""

from collections import deque
from collections.abc import Callable
from enum import IntEnum

from infra.local.pubsub.message import Message


class State(IntEnum):
    """Where a message of a subscription is."""

    QUEUED = 0
    LEASED = 1
    # Acknowledged, but an earlier message of its ordering key is not: it would be redelivered with it.
    ACKED_EARLY = 2
    DELAYED = 3
    DONE = 4


class Entry:
    """A message within one subscription, from its publishing to its final acknowledgement."""

    __slots__ = ("ack_id", "consumer", "deadline", "failures", "line", "message", "state", "times_delivered")

    def __init__(self, message: Message, line: "Line | None") -> None:
        self.message = message
        self.line = line
        self.state = State.QUEUED
        self.failures = 0
        self.times_delivered = 0
        self.ack_id = ""
        self.deadline = 0.0
        self.consumer: Consumer | None = None

    @property
    def attempt(self) -> int:
        """1 plus the number of nacks and missed deadlines: what the client sees as delivery_attempt."""
        return self.failures + 1


class Line:
    """The messages of one ordering key: those waiting, and the one outstanding batch, both in order."""

    __slots__ = ("batch", "delayed", "key", "listed", "offered", "owner", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting: deque[Entry] = deque()
        self.batch: deque[Entry] = deque()
        # Who holds the batch: it alone may be given more of this key before the batch is acknowledged.
        self.owner: Consumer | None = None
        self.listed = False
        # The consumer whose `lines` name this one.
        self.offered: Consumer | None = None
        self.delayed = False

    @property
    def idle(self) -> bool:
        """True when nothing waits and nothing is outstanding, so the line can be forgotten."""
        return not self.waiting and not self.batch and not self.delayed


def _nobody() -> None:
    """Wake nobody."""


class Consumer:
    """One open stream (or one unary pull): its flow control and how to wake it.

    A limit of 0 or less means none. `lease` is the ack deadline in seconds, None takes the subscription's.
    """

    __slots__ = ("bytes", "closed", "lease", "lines", "max_bytes", "max_messages", "messages", "wake")

    def __init__(
        self,
        wake: Callable[[], None] = _nobody,
        max_messages: int = 0,
        max_bytes: int = 0,
        lease: float | None = None,
    ) -> None:
        self.wake = wake
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self.lease = lease
        self.messages = 0
        self.bytes = 0
        self.lines: deque[Line] = deque()
        self.closed = False

    @property
    def has_room(self) -> bool:
        """True while flow control allows one more message."""
        return (self.max_messages <= 0 or self.messages < self.max_messages) and (
            self.max_bytes <= 0 or self.bytes < self.max_bytes
        )
