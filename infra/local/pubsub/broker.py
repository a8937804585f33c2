"""The broker: every topic, subscription and snapshot by name, and every operation of the public API on them.

No gRPC, no clock, no I/O: `now` comes in as seconds since the epoch, what must survive goes to a `Journal`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from infra.local.pubsub.delivery import Entry
from infra.local.pubsub.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from infra.local.pubsub.message import Draft, Message, validate
from infra.local.pubsub.settings import (
    DAY,
    DELETED_TOPIC,
    Bounds,
    SubscriptionSettings,
    TopicSettings,
    check_name,
    project_of,
)
from infra.local.pubsub.subscription import Subscription
from infra.local.pubsub.topic import Snapshot, Topic


class Journal(Protocol):
    """What the broker tells whoever keeps its state. A publish is committed before it is answered."""

    def topic_saved(self, settings: TopicSettings) -> None: ...
    def topic_deleted(self, name: str) -> None: ...
    def subscription_saved(self, settings: SubscriptionSettings, detached: bool) -> None: ...
    def subscription_deleted(self, name: str) -> None: ...
    def added(self, subscription: str, messages: Sequence[Message]) -> None: ...
    def removed(self, subscription: str, ids: Iterable[int]) -> None: ...
    def next_id(self, next_id: int) -> None: ...
    def commit(self) -> None: ...


class NoJournal:
    """Keeps nothing: the state ends with the process."""

    def topic_saved(self, settings: TopicSettings) -> None:
        """Keep nothing."""

    def topic_deleted(self, name: str) -> None:
        """Keep nothing."""

    def subscription_saved(self, settings: SubscriptionSettings, detached: bool) -> None:
        """Keep nothing."""

    def subscription_deleted(self, name: str) -> None:
        """Keep nothing."""

    def added(self, subscription: str, messages: Sequence[Message]) -> None:
        """Keep nothing."""

    def removed(self, subscription: str, ids: Iterable[int]) -> None:
        """Keep nothing."""

    def next_id(self, next_id: int) -> None:
        """Keep nothing."""

    def commit(self) -> None:
        """Keep nothing."""


class Broker:
    """All state of the emulator. Every method raises a BrokerError for what the real service refuses."""

    def __init__(
        self, bounds: Bounds | None = None, journal: Journal | None = None, next_id: int = 1
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._bounds = bounds or Bounds()
        self._journal: Journal = journal or NoJournal()
        self._next_id = next_id

    # Topics

    def create_topic(self, settings: TopicSettings) -> Topic:
        """Create a topic."""
        if settings.name in self.topics:
            raise AlreadyExistsError(f"The topic {settings.name} already exists.")
        topic = self.topics[settings.name] = Topic(settings, self._bounds)
        self._journal.topic_saved(settings)
        self._journal.commit()
        return topic

    def topic(self, name: str) -> Topic:
        """The topic of that name."""
        try:
            return self.topics[name]
        except KeyError:
            raise NotFoundError(f"The topic {name} does not exist; create it first.") from None

    def update_topic(self, settings: TopicSettings) -> Topic:
        """Give an existing topic new settings."""
        topic = self.topic(settings.name)
        topic.update(settings)
        self._journal.topic_saved(settings)
        self._journal.commit()
        return topic

    def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay, with their backlog, and are marked as _deleted-topic_."""
        topic = self.topic(name)
        for subscription in topic.subscriptions.values():
            subscription.update(replace(subscription.settings, topic=DELETED_TOPIC))
            self._journal.subscription_saved(subscription.settings, subscription.detached)
        del self.topics[name]
        self._journal.topic_deleted(name)
        self._journal.commit()

    def publish(self, name: str, drafts: Sequence[Draft], now: float) -> list[Message]:
        """Publish to a topic; returns the messages with their ids, all or none."""
        topic = self.topic(name)
        messages = self._publish(topic, drafts, validate(drafts), now)
        self._journal.commit()
        return messages

    def _publish(
        self, topic: Topic, drafts: Sequence[Draft], sizes: Sequence[int], now: float
    ) -> list[Message]:
        messages = []
        for draft, size in zip(drafts, sizes, strict=True):
            messages.append(
                Message(self._next_id, draft.data, draft.attributes, draft.ordering_key, now, size)
            )
            self._next_id += 1
        self._journal.next_id(self._next_id)
        # Before the hand-over: the bounds may drop a message at once, and a removal must find its addition.
        for subscription in topic.subscriptions.values():
            if not subscription.detached:
                self._journal.added(
                    subscription.settings.name,
                    [message for message in messages if subscription.admits(message)],
                )
        topic.publish(messages)
        return messages

    # Subscriptions

    def create_subscription(self, settings: SubscriptionSettings) -> Subscription:
        """Create a subscription; it gets what is published from now on."""
        if settings.name in self.subscriptions:
            raise AlreadyExistsError(f"The subscription {settings.name} already exists.")
        topic = self.topic(settings.topic)
        subscription = self._build(settings)
        topic.subscriptions[settings.name] = subscription
        self._journal.subscription_saved(settings, detached=False)
        self._journal.commit()
        return subscription

    def _build(self, settings: SubscriptionSettings) -> Subscription:
        subscription = Subscription(settings, self._bounds, self._journal.removed, self._dead_letter)
        self.subscriptions[settings.name] = subscription
        return subscription

    def subscription(self, name: str) -> Subscription:
        """The subscription of that name."""
        try:
            return self.subscriptions[name]
        except KeyError:
            raise NotFoundError(f"The subscription {name} does not exist; create it first.") from None

    def update_subscription(self, settings: SubscriptionSettings) -> Subscription:
        """Give an existing subscription new settings; topic, filter and ordering are fixed at creation."""
        subscription = self.subscription(settings.name)
        before = subscription.settings
        if (before.topic, before.filter, before.ordering) != (
            settings.topic,
            settings.filter,
            settings.ordering,
        ):
            raise InvalidArgumentError("The topic, filter and ordering of a subscription cannot be changed.")
        subscription.update(settings)
        self._journal.subscription_saved(settings, subscription.detached)
        self._journal.commit()
        return subscription

    def delete_subscription(self, name: str) -> None:
        """Delete a subscription and its backlog; its consumers are told NOT_FOUND."""
        subscription = self.subscription(name)
        del self.subscriptions[name]
        if subscription.settings.topic in self.topics:
            self.topics[subscription.settings.topic].subscriptions.pop(name, None)
        subscription.close(NotFoundError(f"The subscription {name} was deleted."))
        self._journal.subscription_deleted(name)
        self._journal.commit()

    def detach_subscription(self, name: str) -> None:
        """Detach a subscription from its topic: backlog dropped, pulls refused."""
        subscription = self.subscription(name)
        if subscription.detached:
            raise FailedPreconditionError(f"The subscription {name} is already detached.")
        subscription.detach()
        if subscription.settings.topic in self.topics:
            self.topics[subscription.settings.topic].subscriptions.pop(name, None)
        self._journal.subscription_saved(subscription.settings, detached=True)
        self._journal.commit()

    # Seeking

    def seek_to_time(self, name: str, time: float) -> None:
        """Acknowledge all that was published before `time`, bring back what is still kept from then on."""
        subscription = self.subscription(name)
        known = {message.id: message for message in subscription.unacked()}
        known.update((message.id, message) for message in subscription.retained())
        if subscription.settings.topic in self.topics:
            for message in self.topics[subscription.settings.topic].retained:
                if subscription.admits(message):
                    known[message.id] = message
        self._reset(subscription, [message for message in known.values() if message.publish_time >= time])

    def seek_to_snapshot(self, name: str, snapshot_name: str) -> None:
        """Make the backlog what it was when the snapshot was taken, plus what was published since."""
        subscription, snapshot = self.subscription(name), self.snapshot(snapshot_name)
        if snapshot.topic != subscription.settings.topic:
            raise FailedPreconditionError(f"The snapshot {snapshot_name} belongs to another topic.")
        self._reset(subscription, [message for message in snapshot.messages if subscription.admits(message)])

    def _reset(self, subscription: Subscription, messages: list[Message]) -> None:
        if subscription.detached:
            raise FailedPreconditionError(f"The subscription {subscription.settings.name} is detached.")
        before = {message.id for message in subscription.unacked()}
        messages.sort(key=lambda message: message.id)
        self._journal.added(
            subscription.settings.name, [message for message in messages if message.id not in before]
        )
        subscription.reset(messages)
        self._journal.commit()

    def create_snapshot(self, name: str, subscription_name: str, now: float) -> Snapshot:
        """Remember the backlog of a subscription; it expires 7 days after its oldest message."""
        check_name(name, "snapshots")
        subscription = self.subscription(subscription_name)
        if any(name in topic.snapshots for topic in self.topics.values()):
            raise AlreadyExistsError(f"The snapshot {name} already exists.")
        topic = self.topics.get(subscription.settings.topic)
        if topic is None or subscription.detached:
            raise FailedPreconditionError(f"The subscription {subscription_name} has no topic any more.")
        messages = subscription.unacked()
        oldest = messages[0].publish_time if messages else now
        if oldest + 7 * DAY - now < 3_600:
            raise FailedPreconditionError("The backlog is too old: the snapshot would expire within an hour.")
        snapshot = Snapshot(name, topic.settings.name, oldest + 7 * DAY, messages, self._bounds)
        topic.snapshots[name] = snapshot
        return snapshot

    def snapshot(self, name: str) -> Snapshot:
        """The snapshot of that name."""
        for topic in self.topics.values():
            if name in topic.snapshots:
                return topic.snapshots[name]
        raise NotFoundError(f"The snapshot {name} does not exist.")

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot."""
        del self.topics[self.snapshot(name).topic].snapshots[name]

    # Time, restart, counts

    def advance(self, now: float) -> None:
        """Let time pass: deadlines, back-offs, retention. Commits what the journal was told."""
        for subscription in list(self.subscriptions.values()):
            subscription.advance(now)
        for topic in self.topics.values():
            topic.advance(now)
        self._journal.commit()

    def restore(
        self,
        topics: Iterable[TopicSettings],
        subscriptions: Iterable[tuple[SubscriptionSettings, bool, list[Message]]],
    ) -> None:
        """Take back the state of an earlier run: topics, subscriptions and their backlog."""
        for settings in topics:
            self.topics[settings.name] = Topic(settings, self._bounds)
        for subscription_settings, detached, messages in subscriptions:
            subscription = self._build(subscription_settings)
            if detached:
                subscription.detach()
                continue
            subscription.restore(messages)
            if subscription_settings.topic in self.topics:
                self.topics[subscription_settings.topic].subscriptions[subscription_settings.name] = (
                    subscription
                )

    def statistics(self) -> dict[str, Any]:
        """Counts since the start, ready for JSON (see `Counts` for how those of a subscription add up)."""
        return {
            "topics": {
                name: {"published": topic.published, "published_bytes": topic.published_bytes}
                for name, topic in self.topics.items()
            },
            "subscriptions": {
                name: {
                    "topic": subscription.settings.topic,
                    **{field: getattr(subscription.counts, field) for field in subscription.counts.__slots__},
                    "outstanding": subscription.outstanding,
                    "backlog": subscription.backlog,
                    "backlog_bytes": subscription.backlog_bytes,
                }
                for name, subscription in self.subscriptions.items()
            },
        }

    def _dead_letter(self, settings: SubscriptionSettings, entry: Entry, now: float) -> bool:
        topic = self.topics.get(settings.dead_letter_topic)
        if topic is None:
            return False  # as documented: without its topic the policy does nothing, delivery goes on
        message = entry.message
        published = datetime.fromtimestamp(message.publish_time, UTC).isoformat(timespec="milliseconds")
        attributes = {
            **message.attributes,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(entry.failures),
            "CloudPubSubDeadLetterSourceSubscription": settings.name.rsplit("/", 1)[1],
            "CloudPubSubDeadLetterSourceSubscriptionProject": project_of(settings.name),
            "CloudPubSubDeadLetterSourceTopicPublishTime": published,
        }
        letter = Draft(message.data, attributes, message.ordering_key)
        self._publish(topic, [letter], [letter.size], now)
        return True
