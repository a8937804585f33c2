"""Publishing market data to Pub/Sub: ordered by symbol, with a bound on what is under way."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import structlog
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, Unauthenticated
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.publisher.futures import Future
from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

from contracts.market_data import MarketBatch
from contracts.time import Clock, WallClock

_log = structlog.get_logger(__name__)

_SLOW_AFTER = 1.0


class PublishingError(Exception):
    """Raised when nothing can be published at all; the text is one sentence for the user."""


def ordered_publisher() -> PublisherClient:
    """The ordinary client with ordering keys; it sends what it has after 5 ms.

    Raises `PublishingError` when there are neither credentials nor an emulator.
    """
    try:
        return PublisherClient(
            batch_settings=BatchSettings(max_latency=0.005),
            publisher_options=PublisherOptions(enable_message_ordering=True),
        )
    except DefaultCredentialsError:
        raise PublishingError(
            "There is no Pub/Sub to publish to: set PUBSUB_EMULATOR_HOST, or log in with "
            "`gcloud auth application-default login`."
        ) from None


class MarketPublisher:
    """Publishes batches to one topic, ordered by symbol, at most `most_under_way` unconfirmed at a time.

    When Pub/Sub does not keep up, `publish` waits and says so on the log. `published` and `failed` count
    events by what Pub/Sub answered; `under_way` are those not answered yet. A failed batch is logged and the
    symbol's next one sent all the same: its readers see the gap in the sequence.
    """

    def __init__(
        self, client: PublisherClient, topic: str, most_under_way: int = 1_000, wall: Clock | None = None
    ) -> None:
        self._client = client
        self._topic = topic
        self._slots = threading.BoundedSemaphore(most_under_way)
        self._most = most_under_way
        self._wall = wall or WallClock()
        self._changed = threading.Condition()
        self._handed_over = 0
        self._answers: Counter[str] = Counter()
        self._batches = 0
        self._batches_answered = 0
        self._hopeless: str | None = None

    @property
    def published(self) -> int:
        """Events that Pub/Sub has taken."""
        return self._answers["published"]

    @property
    def failed(self) -> int:
        """Events that Pub/Sub has refused."""
        return self._answers["failed"]

    @property
    def under_way(self) -> int:
        """Events handed over and not answered yet."""
        return self._handed_over - self.published - self.failed

    @property
    def batches(self) -> int:
        """Batches handed over."""
        return self._batches

    def publish(self, batch: MarketBatch, events: int, go_on: Callable[[], bool] = lambda: True) -> bool:
        """Hand over a batch of so many events; False when there was no room until `go_on` said to stop.

        Raises `PublishingError` once Pub/Sub has said that the topic does not exist or may not be written.
        """
        if self._hopeless:
            raise PublishingError(self._hopeless)
        if not self._take_slot(go_on):
            return False
        self._handed_over += events
        self._batches += 1
        attributes = {**batch.attributes(), "sent_at": self._wall.now().isoformat()}
        future = self._client.publish(self._topic, batch.encode(), ordering_key=batch.symbol, **attributes)  # type: ignore[arg-type]
        future.add_done_callback(lambda done: self._answered(done, batch, events))
        return True

    def flush(self, seconds: float) -> bool:
        """Wait for Pub/Sub's answers, at most so long; whether all came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._batches_answered == self._batches, seconds)

    def _take_slot(self, go_on: Callable[[], bool]) -> bool:
        if self._slots.acquire(timeout=_SLOW_AFTER):
            return True
        began = time.monotonic() - _SLOW_AFTER
        while go_on():
            _log.warning(
                "Pub/Sub is slow: waiting",
                topic=self._topic,
                unconfirmed_batches=self._most,
                waited_seconds=round(time.monotonic() - began, 1),
            )
            if self._slots.acquire(timeout=_SLOW_AFTER):
                return True
        return False

    def _answered(self, done: Future, batch: MarketBatch, events: int) -> None:
        error = done.exception()
        if isinstance(error, NotFound | Forbidden | Unauthenticated):
            self._hopeless = f"Pub/Sub takes no market data on {self._topic}: {error}"
        if error is not None:
            _log.error(
                "market data was not published",
                symbol=batch.symbol,
                kind=str(batch.kind),
                sequence=batch.sequence,
                error=str(error)[:300],
            )
            self._resume(batch.symbol)
        with self._changed:
            self._answers["failed" if error is not None else "published"] += events
            self._batches_answered += 1
            self._changed.notify_all()
        self._slots.release()

    def _resume(self, symbol: str) -> None:
        try:
            self._client.resume_publish(self._topic, symbol)
        except (ValueError, RuntimeError, GoogleAPIError) as error:
            _log.warning("the symbol's publishing was not resumed", symbol=symbol, error=str(error))
