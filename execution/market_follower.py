"""Follows market data on a subscription of its own and tells the paper venue the prices."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from google.api_core.exceptions import GoogleAPICallError

from contracts.market_data import MarketBatch, read_market_batch
from contracts.refusals import Refusal

_log = structlog.get_logger("execution.market_follower")

_PAUSE_SECONDS = 1.0


class ReceivedMessage(Protocol):
    """What we use of a message that Pub/Sub's streaming pull hands over."""

    data: bytes
    attributes: Any

    def ack(self) -> None:
        """Tell Pub/Sub that it need not come again."""
        ...


class Pull(Protocol):
    """What we use of a StreamingPullFuture."""

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the pull to end; raises what ended it."""
        ...

    def cancel(self) -> Any:
        """End the pull."""
        ...


class Subscriber(Protocol):
    """What we use of Pub/Sub's SubscriberClient."""

    def subscribe(self, subscription: str, callback: Callable[[Any], None]) -> Pull:
        """Start a streaming pull."""
        ...


class MarketFollower:
    """Pulls batches and hands each to `take`, on threads of its own; a pull that ends is begun anew."""

    def __init__(
        self, subscriber: Subscriber, subscription: str, take: Callable[[MarketBatch], None]
    ) -> None:
        self._subscriber = subscriber
        self._subscription = subscription
        self._take = take
        self._taking = threading.Lock()
        self._stopping = threading.Event()
        self._pull: Pull | None = None
        self._thread = threading.Thread(target=self._run, name="market-follower", daemon=True)
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End the pull."""
        self._stopping.set()
        if self._pull is not None:
            self._pull.cancel()
        self._thread.join(5.0)

    def receive(self, message: ReceivedMessage) -> None:
        """Take one message; what cannot be read is counted and let go: the market job dead-letters it."""
        try:
            batch = read_market_batch(message.data, message.attributes)
        except Refusal as refusal:
            self.counts["market_refused"] += 1
            _log.warning("market_data_refused", reason=str(refusal.reason), error=refusal.error)
        else:
            # Pub/Sub calls from several threads; prices are learned one batch at a time.
            with self._taking:
                self._take(batch)
                self.counts["market_batches"] += 1
        message.ack()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._pull = self._subscriber.subscribe(self._subscription, callback=self.receive)
                if self._stopping.is_set():
                    self._pull.cancel()
                self._pull.result()
            except GoogleAPICallError as error:
                _log.warning("market_data_interrupted", error=str(error), subscription=self._subscription)
            self._stopping.wait(_PAUSE_SECONDS)
