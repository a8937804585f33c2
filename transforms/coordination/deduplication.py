"""Deduplication: a message_id counts once within a horizon."""

import hashlib
from base64 import b64decode, b64encode

HORIZON_MICROS = 10 * 60 * 1_000_000
MOST_IDS = 20_000
"""Ids kept in one generation; a desk that says more within the horizon shortens it rather than growing without bound."""

_DIGEST_BYTES = 8


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
        self._young = _Generation()
        self._old = _Generation()
        self._since = 0

    def is_repeated(self, message_id: str, now: int) -> bool:
        """Whether the id was here before; from now on it was."""
        if now - self._since >= HORIZON_MICROS or len(self._young.digests) >= MOST_IDS:
            self._turn(now)
        digest = hashlib.blake2b(message_id.encode(), digest_size=_DIGEST_BYTES).digest()
        return not self._young.add(digest) or digest in self._old.digests

    def _turn(self, now: int) -> None:
        age = now - self._since
        self._old = self._young if age < 2 * HORIZON_MICROS else _Generation()
        self._young = _Generation()
        # Turns are a horizon apart even where nothing was said at the time, or an id would be kept for up to three.
        self._since = self._since + HORIZON_MICROS if HORIZON_MICROS <= age < 2 * HORIZON_MICROS else now

    def state(self) -> list:
        """When the young generation began, and both generations: what `take_up` reads."""
        return [self._since, self._young.text(), self._old.text()]

    def take_up(self, state: list) -> None:
        """Go on from what `state` gave."""
        self._since, young, old = state
        self._young, self._old = _Generation.of(young), _Generation.of(old)


class _Generation:
    """Digests in the order in which they came: a set to look them up, and their bytes, so that a dump is a copy.

    A stream dumps its state after every message; sorting or spelling out thousands of ids each time would cost more than
    everything else.
    """

    def __init__(self, digests: bytes = b"") -> None:
        self._bytes = bytearray(digests)
        self.digests = {digests[at : at + _DIGEST_BYTES] for at in range(0, len(digests), _DIGEST_BYTES)}

    @classmethod
    def of(cls, text: str) -> "_Generation":
        return cls(b64decode(text))

    def add(self, digest: bytes) -> bool:
        """Whether it is new here."""
        if digest in self.digests:
            return False
        self.digests.add(digest)
        self._bytes += digest
        return True

    def text(self) -> str:
        return b64encode(self._bytes).decode()
