"""An agent's inbox: messages are leased, come back until acknowledged, and keep their order by sender."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from contracts.message import Message

REMEMBERED = 10_000
"""Acknowledged message_ids that are remembered, so that a late copy is not handed out again."""


class Arrival(Enum):
    """What a message was to the inbox when it came."""

    NEW = "new"
    AGAIN = "again"
    DONE = "done"


@dataclass(slots=True)
class _Held:
    message: Message
    receipts: list[str]
    leased_until: float | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did: the ids it ended, the receipts to return, the ids that were not held."""

    message_ids: tuple[str, ...]
    receipts: tuple[str, ...]
    unknown: tuple[str, ...]


class Inbox:
    """What waits for one agent. Time is in seconds from any origin; `lease_seconds` is how long a take lasts.

    A message that was taken is not handed out again before its lease ends. Nothing of a sender overtakes an
    earlier message of the same sender: while that one is leased, the later ones wait.

        T0    a1, a2, b1 arrive       take(max=2) -> a1, a2
        T10                           take -> b1           (a1 and a2 are leased)
        T12   a3 arrives              take -> nothing      (a3 comes after a1 and a2)
        T15   a1 is acknowledged      take -> nothing
        T60   the lease of a2 ends    take -> a2, a3       (lease_seconds 60)
    """

    def __init__(self, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._done: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def receipts(self) -> list[str]:
        """The transport's receipts of everything held."""
        return [receipt for held in self._held.values() for receipt in held.receipts]

    def arrive(self, message: Message, receipt: str) -> Arrival:
        """Take in a message with the transport's receipt for it.

        AGAIN is one that is held already (its new receipt is kept beside the old); DONE is one that was
        acknowledged before: return its receipt at once.
        """
        key = (message.sender, message.message_id)
        if key in self._done:
            return Arrival.DONE
        held = self._held.get(key)
        if held is not None:
            if receipt not in held.receipts:
                held.receipts.append(receipt)
            return Arrival.AGAIN
        self._held[key] = _Held(message, [receipt])
        return Arrival.NEW

    def take(self, now: float, most: int) -> list[Message]:
        """Lease up to `most` messages, oldest first."""
        taken: list[Message] = []
        waiting: set[str] = set()
        for held in self._held.values():
            sender = held.message.sender
            if len(taken) == most:
                break
            if sender in waiting:
                continue
            if held.leased_until is not None and now < held.leased_until:
                waiting.add(sender)
                continue
            held.leased_until = now + self.lease_seconds
            taken.append(held.message)
        return taken

    def release(self, message_ids: Collection[str]) -> None:
        """End the leases of these messages: they are handed out again at the next take."""
        for held in self._held.values():
            if held.message.message_id in message_ids:
                held.leased_until = None

    def next_change(self, now: float) -> float | None:
        """When the first lease ends that holds something back; None while nothing is leased."""
        ends = [held.leased_until for held in self._held.values() if held.leased_until is not None]
        return max(now, min(ends)) if ends else None

    def acknowledge(self, message_ids: Iterable[str]) -> Acknowledged:
        """End the messages with these ids, leased or not; an id that is not held is told back as unknown."""
        by_id: dict[str, list[tuple[str, str]]] = {}
        for key in self._held:
            by_id.setdefault(key[1], []).append(key)
        ended: list[str] = []
        receipts: list[str] = []
        unknown: list[str] = []
        for message_id in dict.fromkeys(message_ids):
            keys = by_id.get(message_id, [])
            for key in keys:
                receipts += self._held.pop(key).receipts
                self._remember(key)
            (ended if keys else unknown).append(message_id)
        return Acknowledged(tuple(ended), tuple(receipts), tuple(unknown))

    def _remember(self, key: tuple[str, str]) -> None:
        self._done[key] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
