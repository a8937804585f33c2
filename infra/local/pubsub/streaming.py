"""The streaming pull: messages out as flow control allows, acknowledgements and deadlines in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from infra.local.pubsub import wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.delivery import Consumer
from infra.local.pubsub.errors import BrokerError, InvalidArgumentError
from infra.local.pubsub.service import pb_class, refuse
from infra.local.pubsub.subscription import Subscription

MAX_BATCH_MESSAGES = 1_000

_StreamingPullResponse = pb_class("StreamingPullResponse")


class StreamingPull:
    """Serves the StreamingPull method. `clock` gives seconds since the epoch."""

    def __init__(self, broker: Broker, clock: Callable[[], float]) -> None:
        self._broker = broker
        self._clock = clock

    async def serve(self, requests: AsyncIterator[Any], context: Any) -> None:
        """One stream, from its first request until either side ends it."""
        first = await anext(requests, None)
        if first is None:
            return
        changed = asyncio.Event()
        try:
            subscription = self._broker.subscription(first.subscription)
            consumer = Consumer(
                changed.set,
                max_messages=first.max_outstanding_messages,
                max_bytes=first.max_outstanding_bytes,
                lease=_lease(first.stream_ack_deadline_seconds),
            )
            self._apply(first, subscription, consumer)
        except BrokerError as error:
            await refuse(context, error)
            return
        subscription.attach(consumer)
        reader = asyncio.create_task(self._read(requests, subscription, consumer))
        reader.add_done_callback(lambda _: changed.set())
        try:
            await self._write(context, subscription, consumer, changed, reader)
        except BrokerError as error:
            await refuse(context, error)
        finally:
            reader.cancel()
            subscription.detach_consumer(consumer)

    async def _write(
        self,
        context: Any,
        subscription: Subscription,
        consumer: Consumer,
        changed: asyncio.Event,
        reader: "asyncio.Task[None]",
    ) -> None:
        greet = True  # clients learn the subscription's properties from the first answer
        while not reader.done():
            changed.clear()
            entries = subscription.take(self._clock(), MAX_BATCH_MESSAGES, consumer)
            if entries or greet:
                response = _StreamingPullResponse()
                response.subscription_properties.message_ordering_enabled = subscription.settings.ordering
                with_attempt = bool(subscription.settings.dead_letter_topic)
                wire.fill_received(response.received_messages, entries, with_attempt)
                greet = False
                await context.write(response)
            else:
                await changed.wait()
        if not reader.cancelled() and (error := reader.exception()) is not None:
            raise error

    async def _read(
        self, requests: AsyncIterator[Any], subscription: Subscription, consumer: Consumer
    ) -> None:
        """Until the client half-closes; a broken connection ends the same way."""
        try:
            async for request in requests:
                self._apply(request, subscription, consumer)
        except grpc.aio.UsageError:
            # The call was cancelled while it was being read: that is how clients close a stream.
            return

    def _apply(self, request: Any, subscription: Subscription, consumer: Consumer) -> None:
        if request.stream_ack_deadline_seconds:
            consumer.lease = _lease(request.stream_ack_deadline_seconds)
        if request.ack_ids:
            subscription.acknowledge(request.ack_ids)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise InvalidArgumentError(
                "modify_deadline_seconds and modify_deadline_ack_ids differ in length."
            )
        now = self._clock()
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            subscription.modify_deadline(now, [ack_id], seconds)


def _lease(seconds: int) -> float:
    if not 10 <= seconds <= 600:
        raise InvalidArgumentError("stream_ack_deadline_seconds must be 10 to 600 seconds.")
    return float(seconds)
