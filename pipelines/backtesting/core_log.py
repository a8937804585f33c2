"""One core's log as it grows in a backtest: what transforms/ordering.py does for a stream, without the transport."""

from typing import Any

from contracts.time import to_micros
from transforms.core import Core, Output
from transforms.log import LogEntry


class CoreLog:
    """Applies a core to what comes, in the order in which it comes; positions from 1, late as in a stream."""

    def __init__(self, key: str, core: Core) -> None:
        self.core = core
        self.position = 0
        self._key = key
        self._latest = 0

    def take(self, value: Any) -> list[Output]:
        """The outputs of the next entry; `value` has an event_time."""
        micros = to_micros(value.event_time)
        self.position += 1
        late = micros < self._latest
        self._latest = max(self._latest, micros)
        return self.core.apply(LogEntry(self._key, self.position, late, micros, value))
