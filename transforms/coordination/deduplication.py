"""Deduplication: a message_id of a sender counts once within a horizon."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

HORIZON_MICROS = 10 * 60 * 1_000_000
MOST_IDS = 5_000
"""Ids of a sender kept in one generation; who says more within the horizon shortens it, for itself alone."""

DIGEST_BYTES = 8
_STRANGERS = ""
"""Whoever is not among the agents shares one memory: names can be made up without end."""


class Deduplication:
    """Remembers each sender's message ids apart, so that nobody's talk makes another's ids forgotten."""

    def __init__(self, agents: Iterable[str]) -> None:
        self._by_sender = {sender: SenderIds() for sender in (*agents, _STRANGERS)}

    def is_repeated(self, sender: str, message_id: str, now: int) -> bool:
        """Whether the sender has used the id before; from now on it has."""
        ids = self._by_sender.get(sender) or self._by_sender[_STRANGERS]
        return ids.is_repeated(f"{sender}/{message_id}", now)

    def state(self) -> dict[str, list[Any]]:
        """Who has said anything, with what `SenderIds.state` tells: what `take_up` reads."""
        return {sender: ids.state() for sender, ids in sorted(self._by_sender.items()) if ids.since}

    def take_up(self, state: dict[str, list[Any]]) -> None:
        """Go on from what `state` gave; agents that left the roster since are forgotten."""
        for sender, ids in self._by_sender.items():
            ids.take_up(state.get(sender) or [0, "", ""])


class SenderIds:
    """Remembers ids for at least the horizon of event time and at most twice as long.

    Two generations of 64-bit digests: the young one becomes the old one when it is a horizon old (or full), and the old
    one is forgotten.

        ids        a        b    a             c      a
        time       0        1    2 min        11      12 min
        young     {a}    {a,b}  {a,b}        {c}     {a,c}          a at 12 min: known from the old generation
        old        -        -    -          {a,b}    {a,b}
    """

    def __init__(self) -> None:
        self._young = _Generation()
        self._old = _Generation()
        self.since = 0

    def is_repeated(self, message_id: str, now: int) -> bool:
        """Whether the id was here before; from now on it was."""
        if now - self.since >= HORIZON_MICROS or len(self._young.digests) >= MOST_IDS:
            self._turn(now)
        digest = hashlib.blake2b(message_id.encode(), digest_size=DIGEST_BYTES).digest()
        return not self._young.add(digest) or digest in self._old.digests

    def _turn(self, now: int) -> None:
        age = now - self.since
        self._old = self._young if age < 2 * HORIZON_MICROS else _Generation()
        self._young = _Generation()
        # Turns are a horizon apart even where nothing was said at the time, or an id would be kept for up to three.
        self.since = self.since + HORIZON_MICROS if HORIZON_MICROS <= age < 2 * HORIZON_MICROS else now

    def state(self) -> list[Any]:
        """When the young generation began, and both generations: what `take_up` reads."""
        return [self.since, self._young.text(), self._old.text()]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self.since, young, old = state
        self._young, self._old = _Generation.of(young), _Generation.of(old)


class _Generation:
    """Digests in the order in which they came: a set to look them up, and their bytes, so that a dump is a copy.

    A stream dumps its state after every message; sorting or spelling out thousands of ids each time would cost more than
    everything else, so the text is made anew only for whoever has spoken.
    """

    def __init__(self, digests: bytes = b"") -> None:
        self._bytes = bytearray(digests)
        self._text: str | None = None
        self.digests = {digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)}

    @classmethod
    def of(cls, text: str) -> "_Generation":
        return cls(b64decode(text))

    def add(self, digest: bytes) -> bool:
        """Whether it is new here."""
        if digest in self.digests:
            return False
        self.digests.add(digest)
        self._bytes += digest
        self._text = None
        return True

    def text(self) -> str:
        if self._text is None:
            self._text = b64encode(self._bytes).decode()
        return self._text
