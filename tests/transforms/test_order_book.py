import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market_data import MarketKind, rows_of
from execution.feed.recordings import open_recording
from transforms.order_book import OrderBook

SHARED = Path(__file__).parents[3] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"

Row = tuple[int, int, int, bool, float, float]
Levels = tuple[dict[float, float], dict[float, float]]


def rows(*content: Row, kind: MarketKind = MarketKind.BOOK_UPDATE) -> pa.RecordBatch:
    names = ("first_id", "last_id", "previous_id", "is_bid", "price", "quantity")
    columns = {name: [row[i] for row in content] for i, name in enumerate(names)}
    return rows_of(kind, {"event_time": [1_700_000_000_000_000] * len(content), **columns})


def snapshot(identifier: int, levels: Levels) -> pa.RecordBatch:
    bids, asks = levels
    content = [(identifier,) * 3 + (True, p, q) for p, q in bids.items()]
    content += [(identifier,) * 3 + (False, p, q) for p, q in asks.items()]
    return rows(*content, kind=MarketKind.BOOK_SNAPSHOT)


def started(identifier: int = 100) -> OrderBook:
    book = OrderBook()
    book.apply_snapshot(snapshot(identifier, ({10.0: 1.0, 9.0: 2.0}, {11.0: 1.0})))
    return book


def test_the_day_of_the_docstring() -> None:
    book = started()
    assert (book.is_current, book.last_id) == (True, 100)
    book.apply_updates(rows((95, 99, 94, True, 10.0, 9.0)))
    assert book.bids(1) == [(10.0, 1.0)]
    book.apply_updates(rows((98, 103, 97, True, 10.0, 0.0)))
    assert (book.last_id, book.bids(5)) == (103, [(9.0, 2.0)])
    continues = rows((104, 107, 103, False, 10.5, 4.0))
    book.apply_updates(continues)
    book.apply_updates(continues)
    assert (book.last_id, book.asks(5), book.counts.old) == (107, [(10.5, 4.0), (11.0, 1.0)], 2)
    book.apply_updates(rows((111, 115, 110, True, 8.0, 1.0)))
    assert (book.is_current, book.counts.gaps) == (False, 1)
    book.apply_snapshot(snapshot(112, ({7.0: 1.0}, {12.0: 1.0})))
    assert (book.is_current, book.last_id) == (True, 115)
    assert book.levels() == ({7.0: 1.0, 8.0: 1.0}, {12.0: 1.0})


def test_what_came_before_the_first_snapshot_is_joined() -> None:
    book = OrderBook()
    book.apply_updates(rows((90, 99, 89, True, 1.0, 1.0), (100, 105, 99, True, 10.0, 3.0)))
    assert book.bids(1) == []
    book.apply_snapshot(snapshot(102, ({10.0: 1.0}, {11.0: 1.0})))
    assert (book.last_id, book.bids(9)) == (105, [(10.0, 3.0)])


def test_an_older_snapshot_changes_nothing() -> None:
    book = started()
    book.apply_snapshot(snapshot(100, ({1.0: 1.0}, {2.0: 1.0})))
    assert book.bids(1) == [(10.0, 1.0)]
    assert book.counts.old_snapshots == 1


def test_the_last_row_of_a_price_wins() -> None:
    book = started()
    book.apply_updates(rows((101, 102, 100, True, 10.0, 0.0), (103, 104, 102, True, 10.0, 5.0)))
    book.apply_updates(rows((105, 106, 104, True, 9.0, 7.0), (107, 108, 106, True, 9.0, 0.0)))
    assert (book.last_id, book.bids(9)) == (108, [(10.0, 5.0)])


@dataclass
class Venue:
    """A book that changes at random, and everything that it has ever been, by id."""

    seed: int
    updates: int

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        bids, asks = {float(p): 1.0 for p in range(90, 100)}, {float(p): 1.0 for p in range(101, 111)}
        last = 1_000
        self.states: dict[int, Levels] = {last: (dict(bids), dict(asks))}
        self.log: list[list[Row]] = []
        for _ in range(self.updates):
            first, new = last + 1, last + chance.randint(1, 4)
            changed: list[Row] = []
            for _ in range(chance.randint(1, 4)):
                is_bid = chance.random() < 0.5
                price = float(chance.randint(80, 99) if is_bid else chance.randint(101, 120))
                quantity = chance.choice([0.0, 1.0, 2.5])
                side = bids if is_bid else asks
                side.pop(price, None)
                if quantity:
                    side[price] = quantity
                changed.append((first, new, last, is_bid, price, quantity))
            self.log.append(changed)
            last = new
            self.states[last] = (dict(bids), dict(asks))


@given(
    seed=st.integers(0, 10_000),
    faults=st.lists(st.tuples(st.sampled_from(["drop", "repeat", "swap"]), st.integers(0, 59)), max_size=6),
    snapshots=st.lists(st.integers(0, 59), max_size=4),
    batch=st.integers(1, 9),
)
def test_never_current_and_different_from_the_venue(
    seed: int, faults: list[tuple[str, int]], snapshots: list[int], batch: int
) -> None:
    venue = Venue(seed, 60)
    ids = list(venue.states)
    sent = list(venue.log)
    for fault, at in faults:
        at = min(at, len(sent) - 2)
        if fault == "drop":
            del sent[at]
        elif fault == "repeat":
            sent.insert(min(at + 3, len(sent)), sent[at])
        else:
            sent[at], sent[at + 1] = sent[at + 1], sent[at]
    book = OrderBook()
    book.apply_snapshot(snapshot(ids[0], venue.states[ids[0]]))
    for place in range(0, len(sent), batch):
        book.apply_updates(rows(*(row for update in sent[place : place + batch] for row in update)))
        for at in snapshots:
            if place <= at < place + batch:
                identifier = sent[min(at, len(sent) - 1)][0][1]
                book.apply_snapshot(snapshot(identifier, venue.states[identifier]))
        if book.is_current:
            assert book.levels() == venue.states[book.last_id]
    if not faults:
        assert book.is_current and book.last_id == ids[-1] and book.counts.gaps == 0
    if not book.is_current:
        assert book.counts.gaps > 0
        book.apply_snapshot(snapshot(ids[-1], venue.states[ids[-1]]))
    if book.is_current:
        assert book.levels() == venue.states[book.last_id]


@pytest.mark.skipif(not SHARED.exists(), reason="the development recording is not on this machine")
def test_the_development_recording_has_no_gap() -> None:
    book = OrderBook()
    differing = compared = 0
    for timed in open_recording(SHARED).batches():
        match timed.batch.kind:
            case MarketKind.BOOK_SNAPSHOT:
                book.apply_snapshot(timed.batch.rows)
            case MarketKind.BOOK_UPDATE:
                book.apply_updates(timed.batch.rows)
        if book.is_current and timed.batch.kind is MarketKind.BOOK_UPDATE:
            compared += 1
            differing += book.bids(1)[0][0] >= book.asks(1)[0][0]
    assert (book.is_current, book.counts.gaps, book.counts.snapshots) == (True, 0, 1)
    assert book.counts.applied + book.counts.old == 6_551
    assert compared > 1_000 and differing == 0, "never crossed"


def test_a_book_of_bounded_size_keeps_the_best_levels() -> None:
    book = OrderBook()
    book.apply_snapshot(
        snapshot(1, ({float(p): 1.0 for p in range(1, 8)}, {float(p): 1.0 for p in range(10, 14)}))
    )
    book.keep_best(4)
    assert len(book.bids(99)) == 7
    book.keep_best(3)
    assert book.levels() == ({7.0: 1.0, 6.0: 1.0, 5.0: 1.0}, {10.0: 1.0, 11.0: 1.0, 12.0: 1.0, 13.0: 1.0})


def test_a_book_goes_on_from_its_state() -> None:
    book, again = started(), OrderBook()
    book.apply_updates(rows((98, 103, 97, True, 9.5, 4.0), (110, 111, 109, False, 11.0, 0.0)))
    again.take_up(book.state())
    assert (again.is_current, again.last_id, again.state()) == (False, 103, book.state())
    for one in (book, again):
        one.apply_snapshot(snapshot(110, ({9.0: 1.0}, {11.0: 1.0, 12.0: 2.0})))
    assert again.levels() == book.levels() == ({9.0: 1.0}, {12.0: 2.0})


def test_a_book_that_is_not_trusted_waits_for_a_snapshot() -> None:
    book = started()
    book.distrust()
    book.apply_updates(rows((98, 103, 97, True, 10.0, 0.0)))
    assert not book.is_current
    book.apply_snapshot(snapshot(102, ({9.0: 1.0}, {11.0: 1.0})))
    assert (book.is_current, book.last_id) == (True, 103)
