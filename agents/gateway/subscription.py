"""Reading one inbox subscription: a streaming pull that comes back after an interruption.

Google's high-level subscriber hands out one message of an ordering key at a time, the next when that one is
acknowledged; an inbox is acknowledged by its agent, so a sender's messages would come one round trip apart.
Hence the stream itself.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.cloud import pubsub_v1
from google.pubsub_v1.types import ReceivedMessage, StreamingPullRequest, StreamingPullResponse

log = structlog.get_logger()

DEADLINE_SECONDS = 60
"""How long Pub/Sub waits for an acknowledgement or a sign that the message is still held."""

OUTSTANDING = 1_000
"""Messages of one inbox that the gateway holds at most; the others wait at Pub/Sub."""

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came from Pub/Sub."""

    data: bytes
    attributes: Mapping[str, str]
    publish_time: float
    receipt: str


class SubscriptionReader:
    """Reads the subscription at `path` on a thread of its own.

    `deliver` is called on that thread for each message, in the order in which they came; `held` tells the
    receipts to keep alive. `problem` says why nothing is being read; None while the stream is open.
    """

    def __init__(
        self,
        client: pubsub_v1.SubscriberClient,
        path: str,
        deliver: Callable[[Received], None],
        held: Callable[[], list[str]],
    ) -> None:
        self._client = client
        self._path = path
        self._deliver = deliver
        self._held = held
        self._stopped = threading.Event()
        self._stream: Iterable[StreamingPullResponse] | None = None
        self._thread = threading.Thread(target=self._run, name=f"read {path}", daemon=True)
        self._answers = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"answer {path}")
        self.problem: str | None = f"{path} has not been opened yet"

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Tell Pub/Sub that these are done; one that does not get through comes again, and is done again."""
        self._answers.submit(self._answer, self._client.acknowledge, {"ack_ids": list(receipts)})

    def keep_alive(self) -> None:
        """Ask Pub/Sub for more time for everything held; call it several times within DEADLINE_SECONDS."""
        self._extend(DEADLINE_SECONDS)

    def stop(self) -> None:
        """Give back what is held, so that the next reader has it at once, and end."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.cancel()  # type: ignore[attr-defined]
        self._extend(0)
        self._answers.shutdown()
        self._thread.join(timeout=5.0)

    def _extend(self, seconds: int) -> None:
        receipts = self._held()
        if receipts:
            request = {"ack_ids": receipts, "ack_deadline_seconds": seconds}
            self._answers.submit(self._answer, self._client.modify_ack_deadline, request)

    def _answer(self, call: Callable[..., None], request: dict[str, object]) -> None:
        try:
            call(request={"subscription": self._path, **request}, timeout=10.0)
        except (GoogleAPICallError, RetryError) as error:
            log.warning("an answer did not reach Pub/Sub", subscription=self._path, error=error.message)

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            ended = threading.Event()
            try:
                stream = self._client.streaming_pull(self._opening(ended), timeout=None)
                self._stream = stream
                self.problem = None
                for response in stream:
                    failures = 0
                    for received in response.received_messages:
                        self._deliver(_received(received))
            except NotFound:
                self.problem = (
                    f"the subscription {self._path} does not exist: create the desk's subscriptions"
                )
            except GoogleAPICallError as error:
                self.problem = f"{self._path} cannot be read: {error.message}"
            finally:
                ended.set()
            if not self._stopped.is_set():
                # A stream ends by itself now and then; only what keeps failing is worth a line in the log.
                if failures:
                    log.warning("an inbox is not being read", subscription=self._path, problem=self.problem)
                self._stopped.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    def _opening(self, ended: threading.Event) -> Iterator[StreamingPullRequest]:
        """What goes up the stream: one request, and then the stream stays open."""
        yield StreamingPullRequest(
            subscription=self._path,
            stream_ack_deadline_seconds=DEADLINE_SECONDS,
            max_outstanding_messages=OUTSTANDING,
        )
        while not (ended.is_set() or self._stopped.is_set()):
            ended.wait(1.0)


def _received(received: ReceivedMessage) -> Received:
    message = received.message
    published = message.publish_time.timestamp() if message.publish_time else time.time()
    return Received(bytes(message.data), dict(message.attributes), published, received.ack_id)
