"""The log of a key: what arrives, and what a core is given once it has its place."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import apache_beam as beam

from contracts.time import from_micros


class Raw(NamedTuple):
    """A Pub/Sub message as it came, or a line of a recorded log: nothing about it has been believed yet.

    `publish_micros` is when Pub/Sub took it (0 in a bounded run, where nothing may depend on it).
    """

    data: bytes
    attributes: Mapping[str, str]
    publish_micros: int


class Arrival(NamedTuple):
    """A raw message on its way to one key's log.

    `copy` counts the keys that it goes to from 0: only copy 0 is counted and, if need be, refused.
    """

    event_micros: int
    entry_id: str
    copy: int
    raw: Raw


for _crossing in (Raw, Arrival):
    beam.coders.registry.register_row(_crossing)


class Opening(NamedTuple):
    """What a key's log begins with where it has no state: entries, the first with the state last known after `position`."""

    raws: tuple[Raw, ...]
    event_micros: int
    position: int


class LogEntry(NamedTuple):
    """Something that was read, at its place in its key's log.

    `position` counts the key's entries from 1. `late` marks an entry that is older than one before it. `sent_at` is the
    wall clock at its sending (absent in bounded runs) and `publish_micros` when Pub/Sub took it (0 there): for
    latencies, never for a verdict.
    """

    key: str
    position: int
    late: bool
    event_micros: int
    value: Any
    sent_at: str | None = None
    publish_micros: int = 0

    @property
    def event_time(self) -> datetime:
        """When it happened."""
        return from_micros(self.event_micros)


class Address(NamedTuple):
    """Where and when a raw message belongs: the keys whose logs it joins, its event time and its id."""

    keys: tuple[str, ...]
    event_micros: int
    entry_id: str


class Intake(Protocol):
    """What a job reads: how a raw message is addressed, and how it is read in full."""

    def address(self, raw: Raw) -> Address:
        """A cheap look at where it belongs; raises `contracts.refusals.Refusal`."""
        ...

    def read(self, raw: Raw) -> Any:
        """The validated value; raises `contracts.refusals.Refusal`."""
        ...
