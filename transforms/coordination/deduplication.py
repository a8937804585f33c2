"""Deduplication: a message_id counts once within a horizon."""

import hashlib

HORIZON_MICROS = 10 * 60 * 1_000_000
MOST_IDS = 20_000
"""Ids kept in one generation; a desk that says more within the horizon shortens it rather than growing without bound."""


class Deduplication:
    """Remembers message ids for at least the horizon of event time and at most twice as long.

    Two generations of 64-bit digests: the young one becomes the old one when it is a horizon old (or full), and the old
    one is forgotten.

        ids        a        b    a             c      a
        time       0        1    2 min        11      12 min
        young     {a}    {a,b}  {a,b}        {c}     {a,c}          a at 12 min: known from the old generation
        old        -        -    -          {a,b}    {a,b}
    """

    def __init__(self) -> None:
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._since = 0

    def is_repeated(self, message_id: str, now: int) -> bool:
        """Whether the id was here before; from now on it was."""
        if now - self._since >= HORIZON_MICROS or len(self._young) >= MOST_IDS:
            self._turn(now)
        digest = int.from_bytes(hashlib.blake2b(message_id.encode(), digest_size=8).digest(), "big")
        if digest in self._young:
            return True
        self._young.add(digest)
        return digest in self._old

    def _turn(self, now: int) -> None:
        self._old = self._young if now - self._since < 2 * HORIZON_MICROS else set()
        self._young = set()
        self._since = now

    def state(self) -> list:
        """When the young generation began, and both generations: what `take_up` reads."""
        return [self._since, sorted(self._young), sorted(self._old)]

    def take_up(self, state: list) -> None:
        """Go on from what `state` gave."""
        self._since, young, old = state
        self._young, self._old = set(young), set(old)
