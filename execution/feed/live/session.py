"""One run of the feed, wired: connection, recording, Pub/Sub, the live view, and a clean end."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from contracts.live_view import LiveView
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from contracts.topics import MARKET_DATA
from execution.feed.live.connection import AsterConnection, ConnectionOptions
from execution.feed.live.errors import FeedError
from execution.feed.live.frames import Frames
from execution.feed.live.live_feed import LiveFeed
from execution.feed.live.recorder import Recorder
from execution.feed.publishing import MarketPublisher, ordered_publisher
from execution.feed.replay_flow import FlowReport
from execution.feed.stop import Stop

STAGE = "feed"


@dataclass(frozen=True, slots=True)
class Request:
    """What to feed, and where to; no symbols means the roster's, no seconds until a signal."""

    symbols: tuple[str, ...] | None
    channels: tuple[str, ...]
    record: Path | None = None
    publish: bool = True
    seconds: float | None = None
    snapshot_every: float = 60.0
    unconfirmed: int = 1_000
    rest_url: str | None = None
    stream_url: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: a line for the user, and whether Pub/Sub took all that it was given."""

    summary: str
    all_taken: bool


def run_session(request: Request) -> End:
    """Feed until SIGTERM, SIGINT or the end of the time; raises `FeedError` or `PublishingError` in one sentence."""
    if not request.publish and request.record is None:
        raise FeedError("There is nothing to do: --no-publish needs --record FILE.")
    settings = Settings()
    for chatty in ("ccxt", "aiohttp", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    publisher = None
    if request.publish:
        topic = MARKET_DATA.path(settings.project)
        publisher = MarketPublisher(ordered_publisher(), topic, request.unconfirmed)
    frames = Frames()
    options = ConnectionOptions(rest_url=request.rest_url, stream_url=request.stream_url)
    symbols = request.symbols or _roster_symbols(settings.roster)
    connection = AsterConnection(symbols, request.channels, frames, options)
    stop = Stop(request.seconds)
    recorder = Recorder(request.record) if request.record else None
    feed = LiveFeed(connection, frames, publisher, recorder, stop, request.snapshot_every)
    redis = Redis.from_url(settings.redis_url, socket_connect_timeout=0.5, socket_timeout=0.5)
    began = time.monotonic()
    with stop.on_signals():
        feed.run(FlowReport(redis, LiveView(settings.desk), STAGE, feed.counts))
    taken = publisher is None or not (publisher.failed or publisher.under_way)
    return End(feed.summary(time.monotonic() - began), taken)


def _roster_symbols(path: Path) -> tuple[str, ...]:
    try:
        return read_roster(path).symbols
    except RosterError as error:
        raise FeedError(f"{error}.") from None
