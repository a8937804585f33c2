"""The feed: takes the frames that came in, four times a second, and publishes them as columns."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from contracts.market_data import MarketKind
from execution.feed.live.book_chain import BookChain
from execution.feed.live.errors import FeedError
from execution.feed.live.frames import Frames
from execution.feed.live.recorder import Recorder
from execution.feed.publishing import MarketPublisher
from execution.feed.recordings.recording import WINDOW_NS, BatchCutter, TimedBatch
from execution.feed.recordings.stream_reader import StreamReader
from execution.feed.replay_flow import FlowReport
from execution.feed.stop import Stop

_log = structlog.get_logger("execution.feed.live")

_FLUSH_SECONDS = 10.0


class Connection(Protocol):
    """What brings the frames (AsterConnection)."""

    counts: Counter[str]
    trouble: FeedError | None

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def request_snapshot(self, symbol: str) -> None: ...


class LiveFeed:
    """Publishes what a connection brings, in batches of at most 250 ms and 500 events; records it if asked to.

    Without a publisher it records only. A book whose chain of ids breaks gets a snapshot, and each book gets one
    every `snapshot_every` seconds, for readers that started late or lost a batch. Nothing is dropped in silence:
    every frame is published, or counted by the reason why not.
    """

    def __init__(
        self,
        connection: Connection,
        frames: Frames,
        publisher: MarketPublisher | None,
        recorder: Recorder | None,
        stop: Stop,
        snapshot_every: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._frames = frames
        self._publisher = publisher
        self._recorder = recorder
        self._stop = stop
        self._snapshot_every = snapshot_every
        self._monotonic = monotonic
        self._unread: Counter[str] = Counter()
        self._reader = StreamReader(self._unread)
        self._cutter = BatchCutter()
        self._chains: defaultdict[str, BookChain] = defaultdict(BookChain)
        self._asked: set[str] = set()
        self._refresh_due: dict[str, float] = {}
        self._taken = 0
        self._handed_over = 0
        self._abandoned = 0
        self._said_dropped = 0
        self._reached: datetime | None = None

    def run(self, report: FlowReport) -> None:
        """Feed until the stop is asked for; then publish what has come and wait for Pub/Sub, 10 s at most.

        Raises `FeedError` or `PublishingError` when it cannot go on.
        """
        self._connection.start()
        try:
            while self._stop.sleep(_until_next_window()):
                self.pass_on(self._frames.take())
                report.write_if_due()
                if self._connection.trouble:
                    raise self._connection.trouble
        finally:
            self._connection.stop()
            self._finish()
            report.write()

    def pass_on(self, lines: Sequence[bytes]) -> None:
        """Record these frames, publish them as columns, and ask for the book snapshots that are needed."""
        if self._recorder:
            self._recorder.write(lines)
        self._taken += len(lines)
        for timed in self._cutter.batches(self._reader.stretch(lines)) if lines else ():
            self._follow_book(timed)
            self._publish(timed)
        self._ask_for_snapshots()
        self._say_when_dropping()

    def counts(self) -> Mapping[str, int | str]:
        """The flow: in = out + refused + held.

        in: frames received; out: events taken by Pub/Sub (recorded, when there is no publisher); refused: by the reason
        as `refused:<reason>`, unreadable, unwanted, dropped because Pub/Sub was slow, or not taken by it; held:
        waiting, or not confirmed. Then how the connection and the books fared.
        """
        published, failed = self._handed_over, 0
        if self._publisher:
            published, failed = self._publisher.published, self._publisher.failed
        refused = self._unread + Counter(
            {
                "dropped: too many waited": self._frames.dropped,
                "dropped: no room at the end": self._abandoned,
                "not taken by Pub/Sub": failed,
            }
        )
        waiting = self._frames.waiting
        chains = self._chains.values()
        return {
            "in": self._taken + waiting + self._frames.dropped,
            "out": published,
            "refused": refused.total(),
            "held": waiting + self._handed_over - published - failed,
            "batches": self._publisher.batches if self._publisher else 0,
            "event_time": self._reached.isoformat() if self._reached else "",
            **{f"refused:{reason}": count for reason, count in sorted(refused.items())},
            "book gaps": sum(chain.gaps for chain in chains),
            "book updates repeated": sum(chain.repeated for chain in chains),
            "book snapshots": sum(chain.snapshots for chain in chains),
            "book snapshots that did not join": sum(chain.snapshots_not_joined for chain in chains),
            **self._connection.counts,
        }

    def summary(self, seconds: float) -> str:
        """How it went, in one line."""
        counts = self.counts()
        reasons = ", ".join(
            f"{count:,} {name.removeprefix('refused:')}"
            for name, count in counts.items()
            if name.startswith("refused:")
        )
        recorded = f", {self._recorder.lines:,} recorded" if self._recorder else ""
        return (
            f"Fed {counts['in']:,} events in {seconds:.1f} s: {counts['out']:,} in {counts['batches']:,} batches"
            f"{recorded}; {counts['refused']:,} refused{reasons and f' ({reasons})'}, "
            f"{counts['held']:,} unconfirmed; {counts['book gaps']:,} book gaps."
        )

    def _follow_book(self, timed: TimedBatch) -> None:
        batch = timed.batch
        if batch.kind is MarketKind.BOOK_UPDATE:
            chain = self._chains[batch.symbol]
            gaps = chain.gaps
            chain.apply_updates(batch.rows)
            if chain.gaps > gaps:
                _log.warning("a gap in the book: a snapshot is asked for", symbol=batch.symbol)
        elif batch.kind is MarketKind.BOOK_SNAPSHOT:
            for identifier in dict.fromkeys(batch.rows.column("last_id").to_pylist()):
                self._chains[batch.symbol].apply_snapshot(identifier)
            self._asked.discard(batch.symbol)

    def _publish(self, timed: TimedBatch) -> None:
        self._reached = max(self._reached or timed.batch.event_time, timed.batch.event_time)
        if self._publisher is None or self._publisher.publish(timed.batch, timed.events, self._stop.goes_on):
            self._handed_over += timed.events
        else:
            self._abandoned += timed.events

    def _ask_for_snapshots(self) -> None:
        now = self._monotonic()
        for symbol, chain in self._chains.items():
            lacking = chain.needs_snapshot and symbol not in self._asked
            if lacking or now >= self._refresh_due.setdefault(symbol, now + self._snapshot_every):
                self._connection.request_snapshot(symbol)
                self._asked.add(symbol)
                self._refresh_due[symbol] = now + self._snapshot_every

    def _say_when_dropping(self) -> None:
        dropped = self._frames.dropped - self._said_dropped
        if dropped:
            _log.error(
                "frames were dropped: Pub/Sub does not keep up", dropped=dropped, in_all=self._frames.dropped
            )
            self._said_dropped += dropped

    def _finish(self) -> None:
        try:
            self.pass_on(self._frames.take())
        finally:
            if self._recorder:
                self._recorder.close()
            if self._publisher and not self._publisher.flush(_FLUSH_SECONDS):
                _log.error(
                    "Pub/Sub has not confirmed everything", unconfirmed_events=self._publisher.under_way
                )


def _until_next_window() -> float:
    """Seconds to the next border of the windows that batches are cut at."""
    return (WINDOW_NS - time.time_ns() % WINDOW_NS) / 1e9
