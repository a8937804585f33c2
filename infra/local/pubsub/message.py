"""A published message, and the documented limits that it has to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from infra.local.pubsub.errors import InvalidArgumentError

MAX_REQUEST_BYTES = 10_000_000
MAX_REQUEST_MESSAGES = 1_000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1_024
MAX_ORDERING_KEY_BYTES = 1_024


class Draft(NamedTuple):
    """A message as the publisher sends it, before it has an id and a time."""

    data: bytes = b""
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""

    @property
    def size(self) -> int:
        """Bytes of data, attributes and ordering key: what the limits and the counts are about."""
        total = len(self.data) + len(self.ordering_key)
        for key, value in self.attributes.items():
            total += len(key) + len(value)
        return total


@dataclass(slots=True, eq=False)
class Message:
    """A message of a topic. `id` rises in publish order; `publish_time` is in seconds since the epoch."""

    id: int
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    publish_time: float
    size: int
    # The serving shell keeps the serialised form here, so that several subscriptions share it.
    wire: bytes | None = field(default=None, repr=False)


def validate(drafts: Sequence[Draft]) -> list[int]:
    """Check one publish request; returns the sizes. Raises InvalidArgumentError that names the limit."""
    if not drafts:
        raise InvalidArgumentError("A publish request must hold at least one message.")
    if len(drafts) > MAX_REQUEST_MESSAGES:
        raise InvalidArgumentError(
            f"A publish request may hold {MAX_REQUEST_MESSAGES} messages, this one has {len(drafts)}."
        )
    sizes = [draft.size for draft in drafts]
    total = sum(sizes)
    for draft in drafts:
        _validate_one(draft)
    if total > MAX_REQUEST_BYTES:
        raise InvalidArgumentError(
            f"A publish request may hold {MAX_REQUEST_BYTES} bytes (10 MB), this one has {total}."
        )
    return sizes


def _validate_one(draft: Draft) -> None:
    if not draft.data and not draft.attributes:
        raise InvalidArgumentError("A message must have non-empty data or at least one attribute.")
    if len(draft.ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        raise InvalidArgumentError(f"An ordering key may have {MAX_ORDERING_KEY_BYTES} bytes.")
    if len(draft.attributes) > MAX_ATTRIBUTES:
        raise InvalidArgumentError(
            f"A message may have {MAX_ATTRIBUTES} attributes, this one has {len(draft.attributes)}."
        )
    for key, value in draft.attributes.items():
        if not key or len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidArgumentError(f"An attribute key must have 1 to {MAX_KEY_BYTES} bytes.")
        if key.startswith("goog"):
            raise InvalidArgumentError(f"The attribute key {key!r} must not begin with 'goog'.")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise InvalidArgumentError(f"The value of attribute {key!r} may have {MAX_VALUE_BYTES} bytes.")
