"""Batches told to the core: every kind of row, books by their chain of ids, and what may be left out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.orders import OrderType
from execution.matching.batch_feed import BatchFeed
from execution.matching.core import MatchingCore
from execution.matching.events import Filled
from execution.matching.market import Source
from execution.matching.order import Order
from execution.matching.units import UNIT
from tests.execution.matching.tape import INSTRUMENTS
from tests.execution.matching.test_orders import at

BTC = "BTCUSDT"


def batch(kind: MarketKind, *rows: dict[str, Any], symbol: str = BTC) -> MarketBatch:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return MarketBatch.of(symbol, kind, 1, rows_of(kind, columns))


def level(
    first: int, last: int, previous: int, is_bid: bool, price: float, quantity: float
) -> dict[str, Any]:
    return {
        "event_time": last, "first_id": first, "last_id": last, "previous_id": previous, "is_bid": is_bid,
        "price": price, "quantity": quantity,
    }  # fmt: skip


def trade(moment: int, price: float, quantity: float = 1.0, *, maker: bool = True) -> dict[str, Any]:
    return {
        "event_time": moment,
        "trade_id": moment,
        "price": price,
        "quantity": quantity,
        "buyer_is_maker": maker,
    }


@pytest.fixture
def core() -> MatchingCore:
    return MatchingCore({BTC: INSTRUMENTS[BTC]})


def snapshot(identifier: int) -> MarketBatch:
    ids = (identifier, identifier, identifier)
    return batch(MarketKind.BOOK_SNAPSHOT, level(*ids, True, 100.0, 1.0), level(*ids, False, 101.0, 2.0))


def test_a_book_counts_while_its_chain_is_whole(core: MatchingCore) -> None:
    feed, market = BatchFeed(core), core.pits[BTC].market
    feed.take(
        batch(
            MarketKind.BOOK_UPDATE, level(95, 99, 94, True, 100.0, 9.0), level(100, 103, 99, True, 99.5, 3.0)
        )
    )
    assert market.source is None
    feed.take(snapshot(100))
    # Of the two that were kept the first is old, the second straddles the snapshot.
    assert market.bids.levels == {at(100): UNIT, at("99.5"): 3 * UNIT}
    feed.take(batch(MarketKind.BOOK_UPDATE, level(104, 105, 103, True, 100.0, 0.0)))
    assert (market.best(-1), market.source) == (at("99.5"), Source.BOOK)
    feed.take(batch(MarketKind.BOOK_UPDATE, level(108, 109, 107, True, 100.0, 7.0)))
    assert market.source is None
    feed.take(snapshot(108))
    assert market.bids.levels == {at(100): 7 * UNIT}


def test_rows_without_numbers_and_unknown_symbols_are_passed_over(core: MatchingCore) -> None:
    feed = BatchFeed(core)
    feed.take(batch(MarketKind.TRADE, trade(1, float("nan")), trade(2, -1.0), trade(3, 1e300), trade(4, 0.0)))
    feed.take(batch(MarketKind.TRADE, trade(1, 5.0), symbol="DOGEUSDT"))
    assert core.pits[BTC].market.source is None
    columns = {"open_time": 0, "event_time": 60, "quote_volume": 1.0, "trades": 1, "taker_buy_volume": 1.0}
    prices = dict.fromkeys(("open", "high", "low"), 5.0)
    feed.take(batch(MarketKind.BAR, columns | prices | {"close": float("inf"), "volume": 1.0}))
    assert core.pits[BTC].market.source is None
    feed.take(batch(MarketKind.BAR, columns | prices | {"close": 5.0, "volume": 1.0}))
    assert core.pits[BTC].market.last == at(5)


def test_a_mark_without_a_rate_keeps_the_last(core: MatchingCore) -> None:
    feed, market = BatchFeed(core), core.pits[BTC].market
    for rate in (0.0001, float("nan")):
        mark = {"event_time": 1, "mark_price": 100.5, "index_price": 100.0, "funding_rate": rate}
        feed.take(batch(MarketKind.MARK, mark))
    assert (market.mark, market.rate) == (at("100.5"), 10_000)


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(95, 105), st.integers(1, 30), st.booleans()), min_size=1, max_size=8),
        min_size=1,
        max_size=8,
    )
)
def test_leaving_out_what_cannot_matter_changes_nothing(batches: list[list[tuple[int, int, bool]]]) -> None:
    fed, plain = ([], [])  # type: list[Any], list[Any]
    for told, in_batches in ((fed, True), (plain, False)):
        core, now = MatchingCore({BTC: INSTRUMENTS[BTC]}), 0
        feed = BatchFeed(core)
        for number, rows in enumerate(batches):
            times = [now := now + 1 for _ in rows]
            trades = [
                trade(moment, float(price), lots / 10, maker=maker)
                for moment, (price, lots, maker) in zip(times, rows, strict=True)
            ]
            if in_batches:
                told += feed.take(batch(MarketKind.TRADE, *trades))
            else:
                for row in trades:
                    amounts = round(row["price"] * UNIT), round(row["quantity"] * UNIT)
                    told += core.on_trade(BTC, row["event_time"], *amounts, row["buyer_is_maker"])
            kinds: list[dict[str, Any]] = [
                {"type": OrderType.LIMIT, "limit": at(97 + number)},
                {"type": OrderType.STOP_MARKET, "stop": at(104)},
                {"type": OrderType.TRAILING_STOP_MARKET, "callback": UNIT // 50},
            ]
            order = Order(f"o-{number}", BTC, 1, UNIT, **kinds[number % 3])
            told += core.submit("a", order, now)
    assert fed == plain
    assert all(fill.quantity > 0 for fill in fed if isinstance(fill, Filled))
