"""Emissions: what a job's keyed step hands to the steps after it."""

from typing import Any, NamedTuple, Self

import orjson
from apache_beam.coders import Coder, registry

from contracts.coder import ContractCoder
from contracts.message import Message
from transforms.core import Output
from transforms.log import LogEntry

_VALUES = ContractCoder()

_new = tuple.__new__  # a NamedTuple's own is written in Python, and there are several emissions a message


class Emission(NamedTuple):
    """A core's output with its origin: the key, the position of the causing entry, and its number among the outputs.

    `sent_at` (wall clock) is carried on when a message is passed on as it is or answered by an order; a message that is
    new gets its own when it is published.
    """

    port: str
    value: Any
    key: str
    position: int
    number: int
    sent_at: str | None = None

    @property
    def order(self) -> tuple[str, int, int]:
        """By this, the emissions of a run have one order on any runner."""
        return (self.key, self.position, self.number)


def emissions_of(entry: LogEntry, outputs: list[Output], first: int = 0) -> list[Emission]:
    """The emissions of one entry, numbered from `first`."""
    key, position = entry.key, entry.position
    if entry.sent_at is None:  # a bounded run: there is nothing to carry on
        return [
            _new(Emission, (port, value, key, position, number, None))
            for number, (port, value) in enumerate(outputs, first)
        ]
    return [
        _new(Emission, (port, value, key, position, number, _carried(entry, value)))
        for number, (port, value) in enumerate(outputs, first)
    ]


def _carried(entry: LogEntry, value: Any) -> str | None:
    if entry.sent_at is None:
        return None
    if isinstance(value, Message) and not _is_passed_on(entry.value, value):
        return None
    return entry.sent_at


def _is_passed_on(cause: Any, message: Message) -> bool:
    return isinstance(cause, Message) and cause.message_id == message.message_id


class EmissionCoder(Coder):
    """An emission as a JSON line about its origin and then its value."""

    def encode(self, value: Emission) -> bytes:
        origin = (value.port, value.key, value.position, value.number, value.sent_at)
        return orjson.dumps(origin) + b"\n" + _VALUES.encode(value.value)

    def decode(self, encoded: bytes) -> Emission:
        origin, _, content = encoded.partition(b"\n")
        port, key, position, number, sent_at = orjson.loads(origin)
        return Emission(port, _VALUES.decode(content), key, position, number, sent_at)

    def is_deterministic(self) -> bool:
        return True

    @classmethod
    def from_type_hint(cls, typehint: Any, registry: Any) -> Self:
        return cls()


registry.register_coder(Emission, EmissionCoder)
