"""What came in from the venue and waits to be taken: bounded, and counted."""

import threading
from collections import deque


class Frames:
    """A queue of raw frames between the thread of the connection and that of the feed.

    A frame is kept as a line of a recording, `<receive ns> <raw JSON>`. When `most` frames wait, further ones are
    dropped and counted: the feed does not keep up, and old frames would only make it later.
    """

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, received_ns: int, raw: bytes, needed: bool = False) -> None:
        """Add a frame; one that is `needed` is kept however many wait."""
        line = b"%d %s" % (received_ns, raw.replace(b"\n", b" "))
        with self._lock:
            if len(self._lines) >= self._most and not needed:
                self.dropped += 1
            else:
                self._lines.append(line)

    def take(self) -> list[bytes]:
        """All that waits, oldest first."""
        with self._lock:
            lines, self._lines = self._lines, deque()
        return list(lines)

    @property
    def waiting(self) -> int:
        """Frames that nobody has taken yet."""
        return len(self._lines)
