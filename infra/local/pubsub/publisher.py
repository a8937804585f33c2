"""The google.pubsub.v1.Publisher service over the broker."""

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2

from infra.local.pubsub import wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.service import page, pb_class, service, unary

_UPDATABLE = frozenset({"labels", "message_retention_duration"})

_PublishResponse = pb_class("PublishResponse")
_ListTopicsResponse = pb_class("ListTopicsResponse")
_ListTopicSubscriptionsResponse = pb_class("ListTopicSubscriptionsResponse")
_ListTopicSnapshotsResponse = pb_class("ListTopicSnapshotsResponse")
_DetachSubscriptionResponse = pb_class("DetachSubscriptionResponse")


class PublisherService:
    """Topics and publishing. `clock` gives seconds since the epoch."""

    def __init__(self, broker: Broker, clock: Callable[[], float]) -> None:
        self._broker = broker
        self._clock = clock

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods by name."""
        return service(
            "Publisher",
            {
                "CreateTopic": unary(self.create_topic, wire.TopicPb, wire.TopicPb),
                "UpdateTopic": unary(self.update_topic, pb_class("UpdateTopicRequest"), wire.TopicPb),
                "GetTopic": unary(self.get_topic, pb_class("GetTopicRequest"), wire.TopicPb),
                "ListTopics": unary(self.list_topics, pb_class("ListTopicsRequest"), _ListTopicsResponse),
                "ListTopicSubscriptions": unary(
                    self.list_topic_subscriptions,
                    pb_class("ListTopicSubscriptionsRequest"),
                    _ListTopicSubscriptionsResponse,
                ),
                "ListTopicSnapshots": unary(
                    self.list_topic_snapshots,
                    pb_class("ListTopicSnapshotsRequest"),
                    _ListTopicSnapshotsResponse,
                ),
                "DeleteTopic": unary(self.delete_topic, pb_class("DeleteTopicRequest"), empty_pb2.Empty),
                "DetachSubscription": unary(
                    self.detach_subscription,
                    pb_class("DetachSubscriptionRequest"),
                    _DetachSubscriptionResponse,
                ),
                "Publish": unary(self.publish, pb_class("PublishRequest"), _PublishResponse),
            },
        )

    def publish(self, request: Any, context: Any) -> Any:
        """Publish; all messages of a request or none."""
        drafts = [wire.draft(pb) for pb in request.messages]
        messages = self._broker.publish(request.topic, drafts, self._clock())
        return _PublishResponse(message_ids=[str(message.id) for message in messages])

    def create_topic(self, request: Any, context: Any) -> Any:
        """Create a topic."""
        return wire.topic_pb(self._broker.create_topic(wire.topic_settings(request)).settings)

    def update_topic(self, request: Any, context: Any) -> Any:
        """Change the masked fields."""
        current = wire.topic_pb(self._broker.topic(request.topic.name).settings)
        changed = wire.masked(current, request.topic, list(request.update_mask.paths), _UPDATABLE)
        return wire.topic_pb(self._broker.update_topic(wire.topic_settings(changed)).settings)

    def get_topic(self, request: Any, context: Any) -> Any:
        """One topic."""
        return wire.topic_pb(self._broker.topic(request.topic).settings)

    def list_topics(self, request: Any, context: Any) -> Any:
        """The topics of a project, in pages."""
        mine = (name for name in self._broker.topics if name.startswith(f"{request.project}/"))
        names, token = page(mine, request.page_size, request.page_token)
        topics = [wire.topic_pb(self._broker.topics[name].settings) for name in names]
        return _ListTopicsResponse(topics=topics, next_page_token=token)

    def list_topic_subscriptions(self, request: Any, context: Any) -> Any:
        """The names of the subscriptions attached to a topic, in pages."""
        attached = self._broker.topic(request.topic).subscriptions
        names, token = page(attached, request.page_size, request.page_token)
        return _ListTopicSubscriptionsResponse(subscriptions=names, next_page_token=token)

    def list_topic_snapshots(self, request: Any, context: Any) -> Any:
        """The names of the snapshots of a topic, in pages."""
        taken = self._broker.topic(request.topic).snapshots
        names, token = page(taken, request.page_size, request.page_token)
        return _ListTopicSnapshotsResponse(snapshots=names, next_page_token=token)

    def delete_topic(self, request: Any, context: Any) -> Any:
        """Delete a topic; its subscriptions stay."""
        self._broker.delete_topic(request.topic)
        return empty_pb2.Empty()

    def detach_subscription(self, request: Any, context: Any) -> Any:
        """Detach a subscription and drop its backlog."""
        self._broker.detach_subscription(request.subscription)
        return _DetachSubscriptionResponse()
