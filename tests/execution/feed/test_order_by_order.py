"""The exchange's own book at the end is the oracle: for the orders, for the levels, and for the levels' book."""

import gzip
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market_data import MarketKind
from execution.feed.datasets import DATASETS
from execution.feed.recordings import RecordingError, open_recording
from execution.feed.recordings.orders_book import OrdersBook
from transforms.order_book import OrderBook

EXCERPT = Path(__file__).parent / "coinbase_l3"
WHOLE = DATASETS["coinbase-l3"]

Levels = tuple[dict[float, float], dict[float, float]]


def read(folder: Path, name: str) -> Any:
    packed = folder / f"{name}.json.gz"
    content = (
        gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / f"{name}.json").read_bytes()
    )
    return orjson.loads(content)


def levels_of(content: dict[str, Any]) -> Levels:
    def side(orders: list[list[str]]) -> dict[float, float]:
        totals: defaultdict[float, Decimal] = defaultdict(Decimal)
        for price, size, _ in orders:
            totals[float(price)] += Decimal(size)
        return {price: float(size) for price, size in totals.items()}

    return side(content["bids"]), side(content["asks"])


def orders_of(content: dict[str, Any]) -> dict[str, tuple[bool, Decimal, Decimal]]:
    return {
        identifier: (is_bid, Decimal(price), Decimal(size))
        for is_bid, side in ((True, content["bids"]), (False, content["asks"]))
        for price, size, identifier in side
    }


def followed(folder: Path) -> tuple[OrderBook, int, dict[str, int]]:
    """The levels' book at the end, the trades, and what was refused."""
    recording, book, trades = open_recording(folder), OrderBook(), 0
    for timed in recording.batches():
        match timed.batch.kind:
            case MarketKind.BOOK_SNAPSHOT:
                book.apply_snapshot(timed.batch.rows)
            case MarketKind.BOOK_UPDATE:
                book.apply_updates(timed.batch.rows)
            case MarketKind.TRADE:
                trades += timed.events
    return book, trades, recording.counts.refused


def ends_on_the_exchanges_book(folder: Path) -> tuple[OrdersBook, OrderBook, int, dict[str, int]]:
    ending = read(folder, "ending_level_3")
    orders = OrdersBook.of(read(folder, "beginning_level_3"))
    for message in read(folder, "messages"):
        orders.apply(message)
    assert orders.orders == orders_of(ending)
    book, trades, refused = followed(folder)
    assert (book.is_current, book.last_id, book.counts.gaps) == (True, ending["sequence"], 0)
    assert book.levels() == levels_of(ending)
    return orders, book, trades, refused


def test_the_excerpt_ends_on_the_exchanges_book() -> None:
    _, book, trades, refused = ends_on_the_exchanges_book(EXCERPT)
    assert sum(refused.values()) + book.counts.applied == 2_000
    assert trades == sum(message["type"] == "match" for message in read(EXCERPT, "messages")) > 10


@pytest.mark.skipif(not WHOLE.is_there(), reason="not fetched: sapphire datasets get coinbase-l3")
def test_the_whole_sample_ends_on_the_exchanges_book() -> None:
    orders, book, trades, refused = ends_on_the_exchanges_book(WHOLE.folder())
    assert (len(orders.orders), trades) == (66_833, 501)
    assert (book.counts.applied, refused) == (24_129, {"changes no level": 12_614})


@pytest.fixture(scope="module")
def first_300() -> tuple[list[dict[str, Any]], dict[int, dict[tuple[bool, float], float]]]:
    """The first messages, and the levels after each, by its sequence."""
    orders = OrdersBook.of(read(EXCERPT, "beginning_level_3"))
    messages, states = read(EXCERPT, "messages")[:300], {}
    for number in range(301):
        states[messages[0]["sequence"] - 1 + number] = {
            (is_bid, float(price)): float(size) for (is_bid, price), size in orders.levels.items() if size
        }
        if number < 300:
            orders.apply(messages[number])
    return messages, states


@given(
    faults=st.lists(
        st.tuples(st.sampled_from(["drop", "repeat", "swap", "spoil"]), st.integers(0, 290)), max_size=4
    )
)
def test_what_is_lost_overtaken_or_spoilt_is_never_taken_for_the_book(
    tmp_path_factory: pytest.TempPathFactory,
    first_300: tuple[list[dict[str, Any]], dict[int, dict[tuple[bool, float], float]]],
    faults: list[tuple[str, int]],
) -> None:
    messages, states = first_300
    sent = list(messages)
    for fault, at in faults:
        if fault == "drop":
            del sent[at]
        elif fault == "repeat":
            sent.insert(at + 3, sent[at])
        elif fault == "swap":
            sent[at], sent[at + 1] = sent[at + 1], sent[at]
        else:
            sent[at] = sent[at] | {"type": "open", "price": "much", "remaining_size": "1"}
    folder = tmp_path_factory.mktemp("orders")
    (folder / "messages.json").write_bytes(orjson.dumps(sent))
    (folder / "beginning_level_3.json.gz").write_bytes((EXCERPT / "beginning_level_3.json.gz").read_bytes())
    book, _, _ = followed(folder)
    bids, asks = book.levels()
    ours = {(True, price): size for price, size in bids.items()} | {
        (False, p): size for p, size in asks.items()
    }
    if all(fault == "repeat" for fault, _ in faults):
        assert book.is_current
    if book.is_current:
        assert ours == states[book.last_id]
    else:
        assert book.counts.gaps > 0


def test_a_folder_that_holds_none_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "messages.json").write_text("[]")
    (tmp_path / "beginning_level_3.json").write_text('{"sequence":1,"bids":[],"asks":[]}')
    with pytest.raises(RecordingError, match="holds no order-by-order recording"):
        open_recording(tmp_path).start()
    (tmp_path / "messages.json").write_text("{")
    with pytest.raises(RecordingError, match="cannot be read"):
        open_recording(tmp_path).start()
