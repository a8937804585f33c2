"""Messages kept for seeking back after they were acknowledged, bounded in number and bytes."""

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator

from infra.local.pubsub.message import Message
from infra.local.pubsub.settings import Bounds


class RetainedLog:
    """A bounded log of messages by id; the ones that came first leave first."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._messages: OrderedDict[int, Message] = OrderedDict()
        self._bytes = 0

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def __len__(self) -> int:
        return len(self._messages)

    def append(self, message: Message) -> None:
        """Keep one more message, letting go of the first ones when the bounds are passed."""
        if message.id in self._messages:
            return
        self._messages[message.id] = message
        self._bytes += message.size
        while len(self._messages) > self._bounds.messages or self._bytes > self._bounds.bytes:
            self._pop_first()

    def extend(self, messages: Iterable[Message]) -> None:
        """Keep several."""
        for message in messages:
            self.append(message)

    def expire(self, oldest: float) -> None:
        """Let go of what was published at or before `oldest` (seconds since the epoch)."""
        while self._messages and next(iter(self._messages.values())).publish_time <= oldest:
            self._pop_first()

    def remove(self, ids: Container[int]) -> None:
        """Let go of the messages with these ids."""
        for message_id in [message_id for message_id in self._messages if message_id in ids]:
            self._bytes -= self._messages.pop(message_id).size

    def clear(self) -> None:
        """Let go of everything."""
        self._messages.clear()
        self._bytes = 0

    def _pop_first(self) -> None:
        _, message = self._messages.popitem(last=False)
        self._bytes -= message.size
