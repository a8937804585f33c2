"""Between the protobuf messages of google.pubsub.v1 and the settings and messages of the broker."""

from typing import Any

from google.pubsub_v1 import types

from infra.local.pubsub.delivery import Entry
from infra.local.pubsub.errors import InvalidArgumentError, NotEmulatedError
from infra.local.pubsub.message import Draft, Message
from infra.local.pubsub.settings import DAY, SubscriptionSettings, TopicSettings
from infra.local.pubsub.topic import Snapshot

# The plain protobuf classes behind the proto-plus wrappers: far faster to fill and to parse.
TopicPb: Any = types.Topic.pb()
SubscriptionPb: Any = types.Subscription.pb()
SnapshotPb: Any = types.Snapshot.pb()
PubsubMessagePb: Any = types.PubsubMessage.pb()
ReceivedMessagePb: Any = types.ReceivedMessage.pb()

_NOT_EMULATED = (
    "push_config",
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
    "enable_exactly_once_delivery",
)


def draft(pb: Any) -> Draft:
    """A message of a publish request."""
    return Draft(pb.data, dict(pb.attributes), pb.ordering_key)


def encode(message: Message) -> bytes:
    """A PubsubMessage on the wire; made once for all subscriptions."""
    if message.wire is None:
        pb = PubsubMessagePb(
            data=message.data,
            attributes=message.attributes,
            message_id=str(message.id),
            ordering_key=message.ordering_key,
        )
        _set_time(pb.publish_time, message.publish_time)
        message.wire = pb.SerializeToString()
    return message.wire


def fill_received(received: Any, entries: list[Entry], with_attempt: bool) -> None:
    """Add leased messages to a repeated ReceivedMessage field, with the attempt if asked for."""
    for entry in entries:
        pb = received.add(ack_id=entry.ack_id)
        pb.message.MergeFromString(encode(entry.message))
        if with_attempt:
            pb.delivery_attempt = entry.attempt


def topic_settings(pb: Any) -> TopicSettings:
    """A Topic as asked for. Raises NotEmulatedError for schemas, transforms and ingestion."""
    for name in ("schema_settings", "message_transforms", "ingestion_data_source_settings"):
        if _is_set(pb, name):
            raise NotEmulatedError(f"{name} of a topic is not emulated; leave it out.")
    return TopicSettings(pb.name, dict(pb.labels), _seconds(pb, "message_retention_duration", 0.0))


def topic_pb(settings: TopicSettings) -> Any:
    """A Topic as answered."""
    pb = TopicPb(name=settings.name, labels=settings.labels)
    if settings.retention:
        _set_duration(pb.message_retention_duration, settings.retention)
    return pb


def subscription_settings(pb: Any) -> SubscriptionSettings:
    """A Subscription as asked for, with the documented defaults. Raises NotEmulatedError."""
    for name in _NOT_EMULATED:
        if _is_set(pb, name):
            raise NotEmulatedError(f"{name} is not emulated; leave it out and pull.")
    backoff = None
    if pb.HasField("retry_policy"):
        backoff = (
            _seconds(pb.retry_policy, "minimum_backoff", 10.0),
            _seconds(pb.retry_policy, "maximum_backoff", 600.0),
        )
    expiration: float | None = 31 * DAY
    if pb.HasField("expiration_policy"):
        # A policy without a ttl means: never expires.
        expiration = _seconds(pb.expiration_policy, "ttl", 0.0) or None
    return SubscriptionSettings(
        name=pb.name,
        topic=pb.topic,
        ack_deadline=float(pb.ack_deadline_seconds or 10),
        retain_acked=pb.retain_acked_messages,
        retention=_seconds(pb, "message_retention_duration", 7 * DAY),
        ordering=pb.enable_message_ordering,
        filter=pb.filter,
        dead_letter_topic=pb.dead_letter_policy.dead_letter_topic,
        max_delivery_attempts=pb.dead_letter_policy.max_delivery_attempts or 5,
        backoff=backoff,
        expiration=expiration,
        labels=dict(pb.labels),
    )


def subscription_pb(settings: SubscriptionSettings, detached: bool) -> Any:
    """A Subscription as answered."""
    pb = SubscriptionPb(
        name=settings.name,
        topic=settings.topic,
        ack_deadline_seconds=int(settings.ack_deadline),
        retain_acked_messages=settings.retain_acked,
        enable_message_ordering=settings.ordering,
        filter=settings.filter,
        labels=settings.labels,
        detached=detached,
        state=int(types.Subscription.State.ACTIVE),
    )
    pb.push_config.SetInParent()
    _set_duration(pb.message_retention_duration, settings.retention)
    pb.expiration_policy.SetInParent()
    if settings.expiration is not None:
        _set_duration(pb.expiration_policy.ttl, settings.expiration)
    if settings.dead_letter_topic:
        pb.dead_letter_policy.dead_letter_topic = settings.dead_letter_topic
        pb.dead_letter_policy.max_delivery_attempts = settings.max_delivery_attempts
    if settings.backoff is not None:
        _set_duration(pb.retry_policy.minimum_backoff, settings.backoff[0])
        _set_duration(pb.retry_policy.maximum_backoff, settings.backoff[1])
    return pb


def snapshot_pb(snapshot: Snapshot) -> Any:
    """A Snapshot as answered."""
    pb = SnapshotPb(name=snapshot.name, topic=snapshot.topic)
    _set_time(pb.expire_time, snapshot.expires)
    return pb


def masked(current: Any, change: Any, paths: list[str], allowed: frozenset[str]) -> Any:
    """`current` with the fields of an update mask taken from `change`.

    Raises InvalidArgumentError for an empty mask or a field that cannot be changed.
    """
    if not paths:
        raise InvalidArgumentError("The update_mask must name at least one field.")
    result = type(current)()
    result.CopyFrom(current)
    for path in paths:
        if path not in allowed:
            raise InvalidArgumentError(
                f"The field {path!r} cannot be updated; allowed are {', '.join(sorted(allowed))}."
            )
        source, target = change, result
        *parents, last = path.split(".")
        for parent in parents:
            source, target = getattr(source, parent), getattr(target, parent)
        target.ClearField(last)
        part = type(source)()
        part.CopyFrom(source)
        for descriptor, _ in part.ListFields():
            if descriptor.name != last:
                part.ClearField(descriptor.name)
        target.MergeFrom(part)
    return result


def seconds_of(timestamp: Any) -> float:
    """A protobuf Timestamp as seconds since the epoch."""
    return float(timestamp.seconds + timestamp.nanos / 1e9)


def _is_set(pb: Any, name: str) -> bool:
    value = getattr(pb, name)
    if isinstance(value, bool):
        return value
    return bool(value.ByteSize()) if hasattr(value, "ByteSize") else len(value) > 0


def _seconds(pb: Any, name: str, default: float) -> float:
    if not pb.HasField(name):
        return default
    duration = getattr(pb, name)
    return float(duration.seconds + duration.nanos / 1e9)


def _set_duration(pb: Any, seconds: float) -> None:
    pb.FromMicroseconds(round(seconds * 1e6))


def _set_time(pb: Any, seconds: float) -> None:
    # Pub/Sub keeps publish times to the microsecond or coarser; rounding there keeps float noise out.
    pb.FromMicroseconds(round(seconds * 1e6))
