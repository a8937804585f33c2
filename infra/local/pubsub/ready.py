"""What may be handed out next: single messages, and the lines of ordering keys, each to whom it may go."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable

from infra.local.pubsub.delivery import Consumer, Entry, Line, State


class ReadyQueue:
    """The waiting messages of a subscription; `wake` is called when more can be taken than before."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._ready: deque[Entry | Line] = deque()
        self._lines: dict[str, Line] = {}
        self._delays: list[tuple[float, int, Entry | Line]] = []
        self._serial = itertools.count()

    @property
    def has_delays(self) -> bool:
        """True while something waits out its back-off."""
        return bool(self._delays)

    def line(self, key: str) -> Line:
        """The line of an ordering key, begun if need be."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key)
        return line

    def append(self, entry: Entry) -> None:
        """A new message, behind the others (of its line)."""
        if entry.line is None:
            self._ready.append(entry)
        else:
            entry.line.waiting.append(entry)
            self.offer(entry.line)

    def offer(self, line: Line) -> None:
        """Let the line be found: by the owner of its batch, or by anyone when nothing is outstanding."""
        if line.idle:
            self._lines.pop(line.key, None)
        if not line.waiting or line.delayed:
            return
        if not line.batch:
            line.owner = None
            if not line.listed:
                line.listed = True
                self._ready.append(line)
            self._wake()
        elif line.owner is not None and not line.owner.closed and line.offered is not line.owner:
            line.offered = line.owner
            line.owner.lines.append(line)
            line.owner.wake()

    def next(self, taker: Consumer) -> Entry | None:
        """The next message that `taker` may have."""
        while taker.lines:
            line = taker.lines[0]
            if line.waiting and not line.delayed and line.owner is taker:
                return line.waiting.popleft()
            taker.lines.popleft()
            if line.offered is taker:
                line.offered = None
            self.offer(line)
        while self._ready:
            item = self._ready[0]
            if isinstance(item, Entry):
                self._ready.popleft()
                if item.state is State.QUEUED:
                    return item
                continue  # dropped while it waited
            if item.waiting and not item.delayed and (not item.batch or item.owner is taker):
                item.owner = taker
                return item.waiting.popleft()
            self._ready.popleft()
            item.listed = False
            self.offer(item)
        return None

    def give_back(self, entry: Entry, ready_at: float | None) -> None:
        """A failed message without a line, to be taken again (from `ready_at` on)."""
        if ready_at is None:
            entry.state = State.QUEUED
            self._ready.append(entry)
            self._wake()
        else:
            entry.state = State.DELAYED
            heapq.heappush(self._delays, (ready_at, next(self._serial), entry))

    def give_back_line(self, line: Line, ready_at: float | None) -> None:
        """A line whose failed messages are at its head again, to go on (from `ready_at` on)."""
        if ready_at is not None:
            line.delayed = True
            heapq.heappush(self._delays, (ready_at, next(self._serial), line))
        self.offer(line)

    def advance(self, now: float) -> None:
        """Let what waited out its back-off be taken."""
        while self._delays and self._delays[0][0] <= now:
            _, _, item = heapq.heappop(self._delays)
            if isinstance(item, Line):
                item.delayed = False
                self.offer(item)
            elif item.state is State.DELAYED:
                self.give_back(item, None)
