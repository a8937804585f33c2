"""How topics and subscriptions are set up: names, documented ranges, and the bounds of memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.pubsub import filters
from infra.local.pubsub.errors import InvalidArgumentError

DELETED_TOPIC = "_deleted-topic_"
DAY = 86_400.0
MIN_RETENTION, MAX_RETENTION, MAX_TOPIC_RETENTION = 600.0, 31 * DAY, 31 * DAY

_NAME = re.compile(r"projects/[^/]+/(topics|subscriptions|snapshots)/[A-Za-z][\w.~+%-]{2,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one subscription (or retained log) may hold in memory; the oldest messages go first."""

    messages: int = 1_000_000
    bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """A topic as created. `retention` is in seconds; 0 keeps nothing for seeking back."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    retention: float = 0.0

    def __post_init__(self) -> None:
        check_name(self.name, "topics")
        if self.retention and not MIN_RETENTION <= self.retention <= MAX_TOPIC_RETENTION:
            raise InvalidArgumentError("message_retention_duration of a topic must be 10 minutes to 31 days.")


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """A subscription as created; times are in seconds, an empty dead-letter topic means none."""

    name: str
    topic: str
    ack_deadline: float = 10.0
    retain_acked: bool = False
    retention: float = 7 * DAY
    ordering: bool = False
    filter: str = ""
    dead_letter_topic: str = ""
    max_delivery_attempts: int = 5
    backoff: tuple[float, float] | None = None
    expiration: float | None = 31 * DAY
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "subscriptions")
        filters.parse(self.filter)
        if not 10 <= self.ack_deadline <= 600:
            raise InvalidArgumentError("ack_deadline_seconds must be 10 to 600 seconds.")
        if not MIN_RETENTION <= self.retention <= MAX_RETENTION:
            raise InvalidArgumentError("message_retention_duration must be 10 minutes to 31 days.")
        if self.dead_letter_topic:
            check_name(self.dead_letter_topic, "topics")
            if self.dead_letter_topic == self.topic:
                raise InvalidArgumentError("The dead-letter topic must not be the subscription's own topic.")
            if not 5 <= self.max_delivery_attempts <= 100:
                raise InvalidArgumentError("max_delivery_attempts must be 5 to 100.")
        if self.backoff and not 0 <= self.backoff[0] <= self.backoff[1] <= 600:
            raise InvalidArgumentError(
                "A retry policy needs 0 <= minimum_backoff <= maximum_backoff <= 600 s."
            )


def check_name(name: str, collection: str) -> None:
    """Raise InvalidArgumentError unless `name` is projects/P/`collection`/ID with a documented ID."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] != collection or name.rsplit("/", 1)[1].startswith("goog"):
        raise InvalidArgumentError(
            f"{name!r} is not a valid name: expected projects/PROJECT/{collection}/ID, ID of 3 to 255 "
            "letters, digits and -_.~+%, beginning with a letter and not with 'goog'."
        )


def project_of(name: str) -> str:
    """The project id in a full resource name."""
    return name.split("/", 2)[1]
