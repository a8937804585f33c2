"""A topic: its settings, who is subscribed, what it keeps for seeking back, and its counts."""

from infra.local.pubsub.message import Message
from infra.local.pubsub.retained import RetainedLog
from infra.local.pubsub.settings import Bounds, TopicSettings
from infra.local.pubsub.subscription import Subscription


class Snapshot:
    """The backlog of a subscription at one moment, and all that its topic got since (bounded)."""

    def __init__(
        self, name: str, topic: str, expires: float, messages: list[Message], bounds: Bounds
    ) -> None:
        self.name = name
        self.topic = topic
        self.expires = expires
        self.messages = RetainedLog(bounds)
        self.messages.extend(messages)


class Topic:
    """A topic and what hangs on it. `published` and `published_bytes` count since the emulator started."""

    def __init__(self, settings: TopicSettings, bounds: Bounds) -> None:
        self.settings = settings
        self.subscriptions: dict[str, Subscription] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.retained = RetainedLog(bounds)
        self.published = 0
        self.published_bytes = 0

    def publish(self, messages: list[Message]) -> dict[str, list[Message]]:
        """Hand messages to the subscriptions; returns those that each one admitted."""
        admitted: dict[str, list[Message]] = {}
        for message in messages:
            self.published += 1
            self.published_bytes += message.size
            if self.settings.retention:
                self.retained.append(message)
            for snapshot in self.snapshots.values():
                snapshot.messages.append(message)
        for name, subscription in self.subscriptions.items():
            kept = [message for message in messages if subscription.add(message)]
            if kept:
                admitted[name] = kept
        return admitted

    def update(self, settings: TopicSettings) -> None:
        """Take new settings; without retention what was kept is let go."""
        self.settings = settings
        if not settings.retention:
            self.retained.clear()

    def advance(self, now: float) -> None:
        """Let go of what outlived the topic's retention and of snapshots that expired."""
        if self.settings.retention:
            self.retained.expire(now - self.settings.retention)
        for name in [name for name, snapshot in self.snapshots.items() if snapshot.expires <= now]:
            del self.snapshots[name]
