"""The google.pubsub.v1.Subscriber service over the broker (the streaming pull is in streaming.py)."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2

from infra.local.pubsub import wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.delivery import Consumer
from infra.local.pubsub.errors import InvalidArgumentError, NotEmulatedError
from infra.local.pubsub.service import page, pb_class, service, unary
from infra.local.pubsub.streaming import StreamingPull

_UPDATABLE = frozenset(
    {
        "ack_deadline_seconds",
        "dead_letter_policy",
        "dead_letter_policy.dead_letter_topic",
        "dead_letter_policy.max_delivery_attempts",
        "expiration_policy",
        "labels",
        "message_retention_duration",
        "retain_acked_messages",
        "retry_policy",
        "retry_policy.maximum_backoff",
        "retry_policy.minimum_backoff",
    }
)

_PullResponse = pb_class("PullResponse")
_ListSubscriptionsResponse = pb_class("ListSubscriptionsResponse")
_ListSnapshotsResponse = pb_class("ListSnapshotsResponse")
_SeekResponse = pb_class("SeekResponse")


class SubscriberService:
    """Subscriptions, pulling, acknowledging, seeking.

    `clock` gives seconds since the epoch. `pull_wait` is how long an empty unary pull waits for a first
    message, in seconds: short, because a client that polls several subscriptions on one thread waits for
    the empty ones.
    """

    def __init__(self, broker: Broker, clock: Callable[[], float], pull_wait: float) -> None:
        self._broker = broker
        self._clock = clock
        self._pull_wait = pull_wait

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods by name."""
        empty, subscription, snapshot = empty_pb2.Empty, wire.SubscriptionPb, wire.SnapshotPb
        return service(
            "Subscriber",
            {
                "CreateSubscription": unary(self.create_subscription, subscription, subscription),
                "GetSubscription": unary(
                    self.get_subscription, pb_class("GetSubscriptionRequest"), subscription
                ),
                "UpdateSubscription": unary(
                    self.update_subscription, pb_class("UpdateSubscriptionRequest"), subscription
                ),
                "ListSubscriptions": unary(
                    self.list_subscriptions, pb_class("ListSubscriptionsRequest"), _ListSubscriptionsResponse
                ),
                "DeleteSubscription": unary(
                    self.delete_subscription, pb_class("DeleteSubscriptionRequest"), empty
                ),
                "ModifyPushConfig": unary(
                    self.modify_push_config, pb_class("ModifyPushConfigRequest"), empty
                ),
                "Pull": unary(self.pull, pb_class("PullRequest"), _PullResponse),
                "Acknowledge": unary(self.acknowledge, pb_class("AcknowledgeRequest"), empty),
                "ModifyAckDeadline": unary(
                    self.modify_ack_deadline, pb_class("ModifyAckDeadlineRequest"), empty
                ),
                "StreamingPull": grpc.stream_stream_rpc_method_handler(
                    StreamingPull(self._broker, self._clock).serve,
                    request_deserializer=pb_class("StreamingPullRequest").FromString,
                    response_serializer=pb_class("StreamingPullResponse").SerializeToString,
                ),
                "Seek": unary(self.seek, pb_class("SeekRequest"), _SeekResponse),
                "CreateSnapshot": unary(self.create_snapshot, pb_class("CreateSnapshotRequest"), snapshot),
                "GetSnapshot": unary(self.get_snapshot, pb_class("GetSnapshotRequest"), snapshot),
                "ListSnapshots": unary(
                    self.list_snapshots, pb_class("ListSnapshotsRequest"), _ListSnapshotsResponse
                ),
                "DeleteSnapshot": unary(self.delete_snapshot, pb_class("DeleteSnapshotRequest"), empty),
            },
        )

    # Subscriptions

    def create_subscription(self, request: Any, context: Any) -> Any:
        """Create a subscription."""
        return self._answer(
            self._broker.create_subscription(wire.subscription_settings(request)).settings.name
        )

    def get_subscription(self, request: Any, context: Any) -> Any:
        """One subscription."""
        return self._answer(request.subscription)

    def update_subscription(self, request: Any, context: Any) -> Any:
        """Change the masked fields."""
        current = self._answer(request.subscription.name)
        changed = wire.masked(current, request.subscription, list(request.update_mask.paths), _UPDATABLE)
        self._broker.update_subscription(wire.subscription_settings(changed))
        return self._answer(request.subscription.name)

    def list_subscriptions(self, request: Any, context: Any) -> Any:
        """The subscriptions of a project, in pages."""
        mine = (name for name in self._broker.subscriptions if name.startswith(f"{request.project}/"))
        names, token = page(mine, request.page_size, request.page_token)
        return _ListSubscriptionsResponse(
            subscriptions=[self._answer(name) for name in names], next_page_token=token
        )

    def delete_subscription(self, request: Any, context: Any) -> Any:
        """Delete a subscription and its backlog."""
        self._broker.delete_subscription(request.subscription)
        return empty_pb2.Empty()

    def modify_push_config(self, request: Any, context: Any) -> Any:
        """Only to pull: pushing is not emulated."""
        self._broker.subscription(request.subscription)
        if request.push_config.push_endpoint:
            raise NotEmulatedError("Push delivery is not emulated; pull instead.")
        return empty_pb2.Empty()

    def _answer(self, name: str) -> Any:
        subscription = self._broker.subscription(name)
        return wire.subscription_pb(subscription.settings, subscription.detached)

    # Messages

    async def pull(self, request: Any, context: Any) -> Any:
        """Up to max_messages; an empty answer after `pull_wait`."""
        if request.max_messages < 1:
            raise InvalidArgumentError("max_messages must be at least 1.")
        limit = min(request.max_messages, 1_000)
        subscription = self._broker.subscription(request.subscription)
        entries = subscription.take(self._clock(), limit)
        if not entries and self._pull_wait > 0 and not request.return_immediately:
            arrived = asyncio.Event()
            consumer = Consumer(arrived.set)
            subscription.attach(consumer)
            timer = asyncio.get_running_loop().call_later(self._pull_wait, arrived.set)
            try:
                await arrived.wait()
                if not context.cancelled():
                    entries = subscription.take(self._clock(), limit, consumer)
            finally:
                timer.cancel()
                subscription.detach_consumer(consumer)
        response = _PullResponse()
        wire.fill_received(response.received_messages, entries, bool(subscription.settings.dead_letter_topic))
        return response

    def acknowledge(self, request: Any, context: Any) -> Any:
        """Finish messages."""
        self._broker.subscription(request.subscription).acknowledge(request.ack_ids)
        return empty_pb2.Empty()

    def modify_ack_deadline(self, request: Any, context: Any) -> Any:
        """Move deadlines; 0 seconds gives the messages back."""
        self._broker.subscription(request.subscription).modify_deadline(
            self._clock(), request.ack_ids, request.ack_deadline_seconds
        )
        return empty_pb2.Empty()

    # Seeking

    def seek(self, request: Any, context: Any) -> Any:
        """To a time or to a snapshot."""
        target = request.WhichOneof("target")
        if target == "time":
            self._broker.seek_to_time(request.subscription, wire.seconds_of(request.time))
        elif target == "snapshot":
            self._broker.seek_to_snapshot(request.subscription, request.snapshot)
        else:
            raise InvalidArgumentError("A seek needs a time or a snapshot.")
        return _SeekResponse()

    def create_snapshot(self, request: Any, context: Any) -> Any:
        """Remember where a subscription is."""
        return wire.snapshot_pb(
            self._broker.create_snapshot(request.name, request.subscription, self._clock())
        )

    def get_snapshot(self, request: Any, context: Any) -> Any:
        """One snapshot."""
        return wire.snapshot_pb(self._broker.snapshot(request.snapshot))

    def list_snapshots(self, request: Any, context: Any) -> Any:
        """The snapshots of a project, in pages."""
        taken = {
            name: snapshot
            for topic in self._broker.topics.values()
            for name, snapshot in topic.snapshots.items()
            if name.startswith(f"{request.project}/")
        }
        names, token = page(taken, request.page_size, request.page_token)
        return _ListSnapshotsResponse(
            snapshots=[wire.snapshot_pb(taken[name]) for name in names], next_page_token=token
        )

    def delete_snapshot(self, request: Any, context: Any) -> Any:
        """Forget a snapshot."""
        self._broker.delete_snapshot(request.snapshot)
        return empty_pb2.Empty()
