"""The depth at the best five levels is that of the whole book."""

from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from contracts.market_data import MarketKind
from contracts.time import to_micros
from execution.feed.recordings import open_recording
from tests.transforms.market.batches import at, book
from transforms.market.columns import moments
from transforms.market.depth import BookDepth
from transforms.market.window import Depth
from transforms.order_book import OrderBook

SHARED = Path(__file__).parents[4] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"
STALE = 5_000_000
WHOLE = [(side > 0, 100.0 - side * level, 1.0) for side in (1, -1) for level in range(1, 7)]


def put(depth: BookDepth, *batches) -> None:
    for batch in batches:
        assert depth.put(moments(batch.rows), batch.rows, whole=batch.kind is MarketKind.BOOK_SNAPSHOT)


def test_it_is_told_before_a_bars_end_also_when_the_book_has_moved_on() -> None:
    depth = BookDepth(60, STALE)
    put(
        depth,
        book(1, 58.0, (10, 10, 10), *WHOLE, whole=True),
        book(1, 59.0, (11, 11, 10), (True, 99.0, 6.0)),
        book(2, 60.0, (12, 12, 11), (True, 99.0, 1.0), (False, 101.0, 2.0)),
    )
    assert depth.before(at(60)) == Depth(10.0, 5.0)
    assert depth.before(at(60) + 1) == Depth(5.0, 6.0)


def test_a_batch_over_the_end_of_a_bar_is_taken_apart() -> None:
    depth = BookDepth(60, STALE)
    before, after = (
        book(1, 59.9, (11, 11, 10), (True, 99.0, 6.0)),
        book(1, 60.1, (12, 12, 11), (True, 99.0, 9.0)),
    )
    joined = pa.Table.from_batches([before.rows, after.rows]).combine_chunks().to_batches()[0]
    put(depth, book(1, 58.0, (10, 10, 10), *WHOLE, whole=True))
    depth.put(moments(joined), joined, whole=False)
    assert depth.before(at(60)) == Depth(10.0, 5.0)
    assert depth.before(at(62)) == Depth(13.0, 5.0)


def known(depth: Depth) -> bool:
    return depth.bid_quantity > 0


def test_there_is_none_while_the_book_is_stale_thin_crossed_or_lost() -> None:
    depth = BookDepth(60, STALE)
    assert not known(depth.before(at(1)))
    put(depth, book(1, 1.0, (10, 10, 10), *WHOLE, whole=True))
    assert known(depth.before(at(6)))
    assert not known(depth.before(at(6) + 1))
    put(depth, book(1, 2.0, (11, 11, 10), (True, 99.0, 0.0), (True, 98.0, 0.0)))
    assert not known(depth.before(at(3)))
    put(depth, book(2, 3.0, (12, 12, 11), (True, 99.0, 1.0)))
    assert known(depth.before(at(4)))
    put(depth, book(3, 4.0, (13, 13, 12), (True, 101.0, 1.0)))
    assert not known(depth.before(at(5)))
    put(depth, book(2, 5.0, (20, 20, 20), *WHOLE, whole=True))
    assert known(depth.before(at(6)))
    put(depth, book(4, 6.0, (23, 23, 22), (True, 99.0, 1.0)))
    assert (known(depth.before(at(7))), depth.gaps) == (False, 1)


@pytest.mark.skipif(not SHARED.exists(), reason="the development recording is not on this machine")
def test_the_best_levels_kept_are_those_of_the_whole_book() -> None:
    whole, depth = OrderBook(), BookDepth(60, STALE)
    compared = latest = 0
    for timed in open_recording(SHARED).batches():
        if timed.batch.kind is MarketKind.BOOK_SNAPSHOT:
            whole.apply_snapshot(timed.batch.rows)
        elif timed.batch.kind is MarketKind.BOOK_UPDATE:
            whole.apply_updates(timed.batch.rows)
        else:
            continue
        put(depth, timed.batch)
        latest = max(latest, to_micros(timed.batch.event_time))
        if compared % 100 == 0:
            restored = BookDepth(60, STALE)
            restored.take_up(orjson.loads(orjson.dumps(depth.state())))
            depth = restored
        if whole.is_current:
            compared += 1
            told = depth.before(latest + 1)
            assert told == Depth(
                sum(quantity for _, quantity in whole.bids(5)), sum(quantity for _, quantity in whole.asks(5))
            )
    assert compared > 1_300
    assert max(map(len, whole.levels())) > 4_000
    assert len(orjson.dumps(depth.state())) < 50_000
