"""Publishing what agents say: in order by sender, safe at Pub/Sub, and never more at once than fits."""

import asyncio
from contextlib import suppress
from typing import Protocol

from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.publisher.exceptions import (
    FlowControlLimitError,
    PublishToPausedOrderingKeyException,
)

from contracts.message import Message
from contracts.refusals import DeadLetter
from contracts.time import Clock, WallClock
from contracts.topics import DEAD_LETTERS, MESSAGES, Topic

BUFFERED_MESSAGES = 1_000
BUFFERED_BYTES = 10_000_000
RETRY_AFTER_SECONDS = 1.0
PUBLISH_SECONDS = 8.0
"""How long one publish may take before its sender is told to try again: sooner than a client gives up waiting (10 s)."""


class BufferFull(Exception):
    """More is being published than the buffer holds: try again after `retry_after` seconds."""

    def __init__(self, retry_after: float = RETRY_AFTER_SECONDS) -> None:
        super().__init__(f"too much is being published at once: try again in {retry_after:g} s")
        self.retry_after = retry_after


class PublishFailed(Exception):
    """Pub/Sub did not take the message; the same message may be sent again."""


class Publisher(Protocol):
    """Where the gateway hands over what was said."""

    async def publish(self, message: Message) -> None:
        """Hand the message over before anything else happens, and return when it is safe.

        Raises `BufferFull` at once, or `PublishFailed`.
        """
        ...

    async def bury(self, letter: DeadLetter) -> None:
        """Publish a dead letter; raises as `publish` does."""
        ...

    async def missing(self) -> str | None:
        """What has to be made before anything can be published, in one sentence; None when all is there."""
        ...


def attributes_of(message: Message, clock: Clock) -> dict[str, str]:
    """The Pub/Sub attributes of a message, `sent_at` read from the wall `clock`."""
    attributes = {
        "desk": message.desk,
        "type": str(message.type),
        "sender": message.sender,
        "event_time": message.event_time.isoformat(),
        "sent_at": clock.now().isoformat(),
    }
    return attributes | ({"recipient": message.recipient} if message.recipient else {})


def publisher_client(messages: int = BUFFERED_MESSAGES) -> pubsub_v1.PublisherClient:
    """Google's client as the gateway wants it: ordered, quick, and with an error when its buffer is full."""
    return pubsub_v1.PublisherClient(
        batch_settings=pubsub_v1.types.BatchSettings(max_latency=0.002),
        publisher_options=pubsub_v1.types.PublisherOptions(
            enable_message_ordering=True,
            flow_control=pubsub_v1.types.PublishFlowControl(
                message_limit=messages,
                byte_limit=BUFFERED_BYTES,
                limit_exceeded_behavior=pubsub_v1.types.LimitExceededBehavior.ERROR,
            ),
        ),
    )


class PubSubPublisher:
    """The publisher on Google's client; the ordering key is the desk and the sender."""

    def __init__(
        self, project: str, client: pubsub_v1.PublisherClient | None = None, wall: Clock | None = None
    ) -> None:
        self._project = project
        self._client = client or publisher_client()
        self._wall = wall or WallClock()

    async def publish(self, message: Message) -> None:
        """Publish to the messages topic and wait until Pub/Sub has it."""
        key = f"{message.desk}/{message.sender}"
        await self._send(MESSAGES, message.to_json(), key, attributes_of(message, self._wall))

    async def bury(self, letter: DeadLetter) -> None:
        """Publish to the dead-letters topic."""
        attributes = {
            "job": letter.job,
            "reason": str(letter.reason),
            "event_time": letter.event_time.isoformat(),
        }
        await self._send(DEAD_LETTERS, letter.to_json(), "", attributes)

    async def missing(self) -> str | None:
        """Whether the messages topic is there."""
        path = MESSAGES.path(self._project)
        try:
            await asyncio.to_thread(self._client.get_topic, request={"topic": path}, timeout=3.0)
        except NotFound:
            return f"the topic {path} does not exist: create the desk's topics first"
        except (GoogleAPICallError, RetryError) as error:
            return f"Pub/Sub cannot be reached: {error.message}"
        return None

    async def close(self) -> None:
        """Send what is still buffered."""
        await asyncio.to_thread(self._client.stop)

    async def _send(self, topic: Topic, data: bytes, key: str, attributes: dict[str, str]) -> None:
        path = topic.path(self._project)
        try:
            future = self._client.publish(path, data, ordering_key=key, **attributes)  # type: ignore[arg-type]
            async with asyncio.timeout(PUBLISH_SECONDS):
                await asyncio.wrap_future(future)
        except FlowControlLimitError:
            raise BufferFull from None
        except PublishToPausedOrderingKeyException:
            self._resume(path, key)
            raise PublishFailed(
                "an earlier message of the same sender was not taken: send it again"
            ) from None
        except TimeoutError:
            raise PublishFailed(f"Pub/Sub did not answer within {PUBLISH_SECONDS:g} s") from None
        except (GoogleAPICallError, RetryError, RuntimeError) as error:
            # What was queued behind a failure of the same sender's is given up with a bare RuntimeError.
            self._resume(path, key)
            reason = getattr(error, "message", None) or "an earlier message of the same sender was not taken"
            raise PublishFailed(f"Pub/Sub did not take it: {reason}") from None

    def _resume(self, path: str, key: str) -> None:
        """Let the sender go on: after a failure the client holds its key back, unless another call has resumed it."""
        if key:
            with suppress(RuntimeError):
                self._client.resume_publish(path, key)
