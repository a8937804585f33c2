"""An agent's inbox: messages are leased, come back until acknowledged, and keep their order by sender."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

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
    taker: object = None
    was_handed_out: bool = False


class Named(NamedTuple):
    """What an acknowledgement names: an id, and whose message it is, None for whoever's."""

    message_id: str
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did: the ids that ended something, the receipts to return, the ids that did not."""

    message_ids: tuple[str, ...]
    receipts: tuple[str, ...]
    unknown: tuple[str, ...]
    ended: int
    """Messages that it ended: more than ids where two senders use the same one."""


class Inbox:
    """What waits for one agent. Time is in seconds from any origin; `lease_seconds` is how long a take lasts.

    A message that was taken is not handed out again before its lease ends. Nothing of a sender overtakes an
    earlier message of the same sender: while that one is leased, the later ones wait. A lease belongs to its taker,
    any object: what another took since is no longer one's own to release.

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

    def take(self, now: float, most: int, taker: object = None) -> list[Message]:
        """Lease up to `most` messages to `taker`, oldest first."""
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
            held.leased_until, held.taker = now + self.lease_seconds, taker
            held.was_handed_out = True
            taken.append(held.message)
        return taken

    def release(self, taker: object) -> None:
        """End the leases that `taker` has: its messages are handed out again at the next take."""
        for held in self._held.values():
            if held.taker is taker:
                held.leased_until = held.taker = None

    def next_change(self, now: float) -> float | None:
        """When the next lease ends that holds something back; None while nothing is leased."""
        ends = [held.leased_until for held in self._held.values() if held.leased_until is not None]
        return min((end for end in ends if end > now), default=None)

    def acknowledge(self, names: Iterable[str | Named]) -> Acknowledged:
        """End the messages that are named; what names none that is held is told back as unknown.

        Senders choose their ids, and two may choose the same. An id alone therefore ends only what was handed out,
        leased still or not: one of another sender that was never heard stays. With its sender a message is meant
        beyond doubt, and ends also when it was not handed out by this inbox, but by the one before a restart.
        """
        by_id: dict[str, list[tuple[str, str]]] = {}
        for key in self._held:
            by_id.setdefault(key[1], []).append(key)
        ended: list[str] = []
        receipts: list[str] = []
        unknown: list[str] = []
        before = len(self._held)
        for name in dict.fromkeys(Named(name) if isinstance(name, str) else name for name in names):
            keys = [key for key in by_id.get(name.message_id, ()) if self._is_meant(key, name)]
            for key in keys:
                receipts += self._held.pop(key).receipts
                self._remember(key)
            (ended if keys else unknown).append(name.message_id)
        return Acknowledged(tuple(ended), tuple(receipts), tuple(unknown), before - len(self._held))

    def _is_meant(self, key: tuple[str, str], name: Named) -> bool:
        held = self._held.get(key)
        if held is None:
            return False
        return held.was_handed_out if name.sender is None else name.sender == key[0]

    def _remember(self, key: tuple[str, str]) -> None:
        self._done[key] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
