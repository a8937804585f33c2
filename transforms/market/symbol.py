"""The market of one symbol: bars, features and marks from the venue's events, in the order of the symbol's log."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from contracts.market_data import MarketBatch, MarketKind
from contracts.message import said_by
from contracts.payloads import Mark, Snapshot
from contracts.rows.market import MarketBar, SnapshotRow
from contracts.rows.row import Feature
from contracts.time import from_micros, to_micros
from transforms.core import ROWS, Output
from transforms.log import LogEntry
from transforms.market.bars import SECOND, Bar, OpenBars, add_trades, venue_bars
from transforms.market.candles import Trades
from transforms.market.columns import Micros, moments, values
from transforms.market.continuity import Arrived, Continuity
from transforms.market.depth import BookDepth
from transforms.market.features import features_of
from transforms.market.marks import Marks
from transforms.market.prices import at_tick
from transforms.market.quality import Finding, broken_book, feed_restart, findings_of_bar, gap
from transforms.market.quotes import Quotes
from transforms.market.tally import Tally
from transforms.market.venue_marks import VenueMarks
from transforms.market.window import RecentBars

SNAPSHOTS = "snapshots"
"""The port of snapshots."""

MARKS = "marks"
"""The port of marks."""

SENDER = "market"


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """How a market is followed; lengths in seconds.

    A bar of `snapshot_seconds` makes a snapshot. Bars stay open for `lateness_seconds` past their end: by default twice what
    a feed's batch spans, so that trades and quotes need not come in step. A quote older than `stale_seconds` is none.
    """

    snapshot_seconds: int = 60
    lateness_seconds: float = 0.5
    stale_seconds: float = 5.0


class Market:
    """The core of the market job, one for each symbol.

    What a batch goes through, in order:

    1. its sequence is checked; a batch that came already is dropped,
    2. its events join the open bars, or become the latest quote or mark; late and broken ones are counted,
    3. bars whose end has passed are closed: a row each, and a snapshot when they have the snapshot's length,
    4. what the desk should know about the data (gaps, crossed and stale quotes, jumps, no trades) is a row each,
    5. a mark follows, once in a second of event time, and at once when the symbol stops being tradable.

    A snapshot shows what was known when its bar ended and nothing later; that moment is its event_time.

    `counts` says what happened, by name; it is not part of the state. What became of the events adds up: market_events =
    used_events + late_events + unsound_events + duplicate_events (see `Tally`).
    """

    def __init__(self, symbol: str, desk: str, settings: MarketSettings | None = None) -> None:
        self._symbol = symbol
        self._desk = desk
        settings = settings or MarketSettings()
        length = settings.snapshot_seconds
        self._lateness = round(settings.lateness_seconds * SECOND)
        self.counts: Counter[str] = Counter()
        self._latest = 0
        self._continuity = {kind: Continuity() for kind in MarketKind}
        self._second_bars = OpenBars(1)
        self._snapshot_bars = OpenBars(length, flat=True)
        self._recent = RecentBars()
        self._quotes = Quotes(length, round(settings.stale_seconds * SECOND))
        self._venue_marks = VenueMarks(length)
        self._depth = BookDepth(length, round(settings.stale_seconds * SECOND))
        self._marks = Marks(symbol)

    def apply(self, entry: LogEntry) -> list[Output]:
        """The bars, snapshots and marks that follow from one batch."""
        batch: MarketBatch = entry.value
        times, latest = moments(batch.rows), to_micros(batch.event_time)
        closed: list[Bar] = []
        found: list[Finding] = []
        if self._arrived(batch, latest, found) is Arrived.DUPLICATE:
            self._count(Tally(duplicate=_events(batch)))
            return []
        match batch.kind:
            case MarketKind.TRADE:
                tally = self._take_trades(batch.rows)
            case MarketKind.QUOTE:
                tally = self._quotes.put(times, batch.rows)
            case MarketKind.MARK:
                tally = self._venue_marks.put(times, batch.rows)
            case MarketKind.BAR:
                tally = self._take_bars(batch.rows, closed)
            case MarketKind.BOOK_UPDATE | MarketKind.BOOK_SNAPSHOT:
                tally = self._take_book(batch, times, found)
        self._count(tally)
        if batch.kind is not MarketKind.BAR:
            self._snapshot_bars.hear(times)
        self._latest = max(self._latest, latest)
        closed += self._close(self._latest - self._lateness)
        outputs = list(self._say_bars(closed, found))
        mark = self._marks.mark(self._latest, self._quotes, self._venue_marks, found)
        outputs += (Output(ROWS, finding.row(self._symbol, _source(batch))) for finding in found)
        return [*outputs, self._mark(mark, batch)] if mark else outputs

    def flush(self) -> list[Output]:
        """Close what is open. Of a bar whose end has not been seen there is a row, and no snapshot: it may not be whole."""
        found: list[Finding] = []
        outputs = list(self._say_bars(self._close(self._latest), found))
        outputs += (self._row(bar) for bar in self._close(None) if bar.trades)
        return [*outputs, *(Output(ROWS, finding.row(self._symbol, "flush")) for finding in found)]

    # --- taking batches in ------------------------------------------------------------------------------------------

    def _arrived(self, batch: MarketBatch, latest: int, found: list[Finding]) -> Arrived:
        continuity = self._continuity[batch.kind]
        last = continuity.last
        arrived = continuity.take(batch.sequence, latest)
        if arrived in _COUNTED:
            self.counts[_COUNTED[arrived]] += 1
        if arrived is Arrived.AFTER_GAP:
            found.append(gap(latest, batch, batch.sequence - last - 1))
        elif arrived is Arrived.ANEW:
            found.append(feed_restart(latest, batch))
        return arrived

    def _count(self, tally: Tally) -> None:
        self.counts["market_events"] += sum(tally)
        for name, events in zip(_EVENTS, tally, strict=True):
            if events:
                self.counts[name] += events

    def _take_trades(self, rows: pa.RecordBatch) -> Tally:
        trades = Trades.of(rows)
        sound = trades.sound()
        unsound = len(trades.times) - len(sound.times)
        if not len(sound.times):
            return Tally(unsound=unsound)
        late = add_trades(sound, (self._second_bars, self._snapshot_bars), self._latest, self._lateness)
        self._marks.traded(int(sound.times[-1]), float(sound.prices[-1]))
        return Tally(used=len(sound.times) - late, late=late, unsound=unsound)

    def _take_bars(self, rows: pa.RecordBatch, closed: list[Bar]) -> Tally:
        """The venue's own bars: of ours and theirs of the same stretch, the first to close counts."""
        tally = Counter[str]()
        for bar in venue_bars(rows):
            if not bar.is_sound:
                tally["unsound"] += 1
            elif bar.seconds != self._snapshot_bars.seconds:
                tally["used"] += 1
                closed.append(bar)
            elif bar in self._recent:
                tally["duplicate"] += 1
            elif bar.open_micros < self._recent.end_micros:
                tally["late"] += 1
                closed.append(bar)
            else:
                tally["used"] += 1
                closed += self._snapshot_bars.take(bar)
                self._marks.traded(bar.end_micros, bar.close)
        return Tally(**tally)

    def _take_book(self, batch: MarketBatch, times: Micros, found: list[Finding]) -> Tally:
        gaps, events = self._depth.gaps, _events(batch)
        is_snapshot = batch.kind is MarketKind.BOOK_SNAPSHOT
        if not self._depth.put(times, batch.rows, whole=is_snapshot):
            return Tally(unsound=events)
        if self._depth.gaps > gaps:
            found.append(broken_book(int(times[-1]), self._depth.gaps - gaps))
        return Tally(used=events)

    def _close(self, until: int | None) -> list[Bar]:
        return sorted(self._second_bars.close(until) + self._snapshot_bars.close(until), key=_by_end)

    # --- what follows -----------------------------------------------------------------------------------------------

    def _say_bars(self, closed: list[Bar], found: list[Finding]) -> Iterator[Output]:
        for bar in closed:
            yield self._row(bar)
            if bar.seconds == self._snapshot_bars.seconds and bar.open_micros >= self._recent.end_micros:
                self._recent.add(bar)
                yield from self._say_snapshot(bar, found)

    def _say_snapshot(self, bar: Bar, found: list[Finding]) -> Iterator[Output]:
        quote = self._quotes.before(bar.end_micros)
        mark, depth = self._venue_marks.before(bar.end_micros), self._depth.before(bar.end_micros)
        features = features_of(self._recent.window(quote, mark, depth))
        found += findings_of_bar(bar, features)
        self._marks.moves(features, bar.seconds)
        snapshot = Snapshot(
            symbol=self._symbol,
            bar_seconds=bar.seconds,
            price=at_tick(self._symbol, bar.close),
            bid=self._price(quote.bid),
            ask=self._price(quote.ask),
            features=features,
        )
        message = said_by(
            SENDER,
            snapshot,
            desk=self._desk,
            event_time=from_micros(bar.end_micros),
            derived_from=(self._symbol, str(bar.seconds)),
        )
        yield Output(SNAPSHOTS, message)
        row = SnapshotRow(
            row_id=message.message_id,
            event_time=message.event_time,
            snapshot_id=message.message_id,
            symbol=self._symbol,
            bar_seconds=bar.seconds,
            price=snapshot.price,
            features=tuple(Feature(name=name, value=value) for name, value in snapshot.features.items()),
        )
        yield Output(ROWS, row)

    def _mark(self, mark: Mark, batch: MarketBatch) -> Output:
        message = said_by(
            SENDER,
            mark,
            desk=self._desk,
            event_time=from_micros(self._latest),
            derived_from=(self._symbol, _source(batch)),
        )
        return Output(MARKS, message)

    def _price(self, price: float) -> Decimal | None:
        return at_tick(self._symbol, price) if isfinite(price) else None

    def _row(self, bar: Bar) -> Output:
        self.counts["bars"] += 1
        row = MarketBar(
            row_id=f"{bar.end_micros:014x}-{self._symbol}-{bar.seconds}s",
            event_time=from_micros(bar.end_micros),
            symbol=self._symbol,
            bar_seconds=bar.seconds,
            open_time=from_micros(bar.open_micros),
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            quote_volume=bar.quote_volume,
            trades=bar.trades,
            taker_buy_volume=bar.taker_buy_volume,
        )
        return Output(ROWS, row)

    # --- state ------------------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The whole state; its size is bounded by the bars that are kept."""
        return orjson.dumps({name: part.state() for name, part in self._parts()} | {"latest": self._latest})

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        content = orjson.loads(state)
        self._latest = content["latest"]
        for name, part in self._parts():
            if name in content:
                part.take_up(content[name])

    def _parts(self) -> Iterator[tuple[str, Any]]:
        for kind, continuity in self._continuity.items():
            yield f"continuity/{kind}", continuity
        yield "second_bars", self._second_bars
        yield "snapshot_bars", self._snapshot_bars
        yield "recent", self._recent
        yield "quotes", self._quotes
        yield "venue_marks", self._venue_marks
        yield "depth", self._depth
        yield "marks", self._marks


_EVENTS = tuple(f"{name}_events" for name in Tally._fields)

_COUNTED = {
    Arrived.AFTER_GAP: "gaps",
    Arrived.FILLS_GAP: "reordered_batches",
    Arrived.DUPLICATE: "duplicate_batches",
    Arrived.ANEW: "feed_restarts",
}


def _source(batch: MarketBatch) -> str:
    return f"{batch.kind}-{batch.sequence}"


def _by_end(bar: Bar) -> tuple[int, int]:
    return bar.end_micros, bar.seconds


def _events(batch: MarketBatch) -> int:
    """Events in a batch: its rows, of a book its updates (adjacent rows with the same last_id)."""
    if batch.kind not in (MarketKind.BOOK_UPDATE, MarketKind.BOOK_SNAPSHOT):
        return batch.rows.num_rows
    last_ids = values(batch.rows, "last_id")
    return int(np.count_nonzero(last_ids[1:] != last_ids[:-1])) + 1
