"""The core: a rule with memory, as plain Python. Its one DoFn is in transforms/ordering.py."""

from typing import Any, NamedTuple, Protocol

from transforms.log import LogEntry

ROWS = "rows"
"""The port of table rows."""

DEAD_LETTERS = "dead_letters"
"""The port of what was refused."""


class Output(NamedTuple):
    """Something that a core says: the port it leaves by, and a contract. A pipeline connects ports to topics."""

    port: str
    value: Any


class Core(Protocol):
    """The state of one key and what it does with the next entry of the key's log.

    A core has no clock, no randomness and no I/O: the same log gives the same outputs, in a stream, a backtest and a test.
    """

    def apply(self, entry: LogEntry) -> list[Output]:
        """Take the next entry; what follows from it, in order."""
        ...

    def flush(self) -> list[Output]:
        """What is still open, when the log is idle or ends."""
        ...

    def dump(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        ...

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        ...
