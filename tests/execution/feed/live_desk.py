"""A live feed that reads from the test server, and what its readers see."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from contracts.live_view import LiveView
from contracts.market_data import MarketBatch, MarketKind, read_market_batch
from execution.feed.live.connection import AsterConnection, ConnectionOptions
from execution.feed.live.frames import Frames
from execution.feed.live.live_feed import LiveFeed
from execution.feed.live.recorder import Recorder
from execution.feed.publishing import MarketPublisher
from execution.feed.replay_flow import FlowReport
from execution.feed.stop import Stop
from tests.execution.feed.aster_server import AsterServer
from transforms.order_book import OrderBook

CHANNELS = ("trades", "quotes", "book", "marks", "bars")
PATIENCE = 30.0


class View:
    """Redis as far as it is used: the latest flow."""

    def __init__(self) -> None:
        self.flow: dict[str, Any] = {}

    def hset(self, key: str, mapping: dict[str, Any]) -> None:
        assert key == "sapphire:main:flow:feed"
        assert mapping["in"] == mapping["out"] + mapping["refused"] + mapping["held"]
        self.flow = mapping


class Desk:
    """Pub/Sub's client as far as it is used, and a reader behind it that keeps the books."""

    def __init__(self, answers: bool = True) -> None:
        self.batches: list[MarketBatch] = []
        self.books: dict[str, OrderBook] = {}
        self.view = View()
        self.error: Exception | None = None
        self.ended = False
        self._answers = answers
        self._changed = threading.Condition()

    def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> Future:
        batch = read_market_batch(data, attributes)
        assert ordering_key == batch.symbol
        with self._changed:
            self.batches.append(batch)
            book = self.books.setdefault(batch.symbol, OrderBook())
            if batch.kind is MarketKind.BOOK_UPDATE:
                book.apply_updates(batch.rows)
            elif batch.kind is MarketKind.BOOK_SNAPSHOT:
                book.apply_snapshot(batch.rows)
            self._changed.notify_all()
        future: Future = Future()
        if self._answers:
            future.set_result("id")
        return future

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        return

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that was published makes `condition` true."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.ended or condition(), PATIENCE), self.view.flow
        if self.error is not None:
            raise self.error
        assert condition(), "the feed ended"

    def until_book_is_at(self, last_id: int, symbol: str = "BTCUSDT") -> None:
        """Wait until the reader's book has come so far."""
        self.until(lambda: symbol in self.books and self.books[symbol].last_id == last_id)

    def rows(self, kind: MarketKind, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        """All rows of a kind so far."""
        found = [b.rows.to_pylist() for b in self.batches if (b.kind, b.symbol) == (kind, symbol)]
        return [row for rows in found for row in rows]

    def end(self, error: Exception | None) -> None:
        with self._changed:
            self.error, self.ended = error, True
            self._changed.notify_all()


@contextmanager
def feeding(
    server: AsterServer,
    desk: Desk,
    symbols: tuple[str, ...] = ("BTCUSDT",),
    channels: tuple[str, ...] = CHANNELS,
    recorder: Recorder | None = None,
    frames: Frames | None = None,
    unconfirmed: int = 1_000,
    silence: float = PATIENCE,
    stop: Stop | None = None,
) -> Iterator[LiveFeed]:
    """A feed that runs until the block ends; what ended it earlier is raised."""
    frames, stop = frames or Frames(), stop or Stop()
    options = ConnectionOptions(
        server.rest_url, server.stream_url, first_wait=0.01, longest_wait=0.02, silence=silence
    )
    connection = AsterConnection(symbols, channels, frames, options)
    publisher = MarketPublisher(desk, "topic", unconfirmed)  # type: ignore[arg-type]
    feed = LiveFeed(connection, frames, publisher, recorder, stop)
    report = FlowReport(desk.view, LiveView("main"), "feed", feed.counts)  # type: ignore[arg-type]

    def run() -> None:
        error: Exception | None = None
        try:
            feed.run(report)
        except Exception as raised:  # noqa: BLE001 - whatever it is, the test shall see it
            error = raised
        desk.end(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield feed
    finally:
        stop.ask()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if desk.error is not None:
        raise desk.error
