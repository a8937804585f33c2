"""What the supervisor and the forge say to each other, a line of JSON each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

import orjson


@dataclass(frozen=True, slots=True)
class Order:
    """Fork a process that runs `python -m module *arguments` with exactly this environment and log file."""

    number: int
    name: str
    module: str
    arguments: Sequence[str]
    env: Mapping[str, str]
    log: str

    def line(self) -> bytes:
        """As it is sent."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """As it was sent."""
        return cls(**orjson.loads(line))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an order: forked as `pid`; then ended with `exit_code`, negative for a signal."""

    number: int
    pid: int | None = None
    exit_code: int | None = None

    def line(self) -> bytes:
        """As it is sent."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """As it was sent."""
        return cls(**orjson.loads(line))
