from decimal import Decimal
from math import log, sqrt

import pytest

from contracts.market_data import MarketKind
from contracts.message import Message
from contracts.rows.market import MarketBar, MarketQuality, QualityKind, SnapshotRow
from contracts.time import from_micros
from tests.transforms.market.batches import SYMBOL, at, batch, book, marks, quotes, tell, trades, venue_bar
from transforms.core import ROWS, Output
from transforms.market.quotes import CROSSED, STALE
from transforms.market.symbol import MARKS, SNAPSHOTS, Market, MarketSettings


def market(lateness: float = 0.5) -> Market:
    return Market(SYMBOL, "main", MarketSettings(lateness_seconds=lateness))


def said(outputs: list[Output], port: str) -> list:
    return [output.value for output in outputs if output.port == port]


def bars(outputs: list[Output], seconds: int) -> list[MarketBar]:
    return [row for row in said(outputs, ROWS) if isinstance(row, MarketBar) and row.bar_seconds == seconds]


def adds_up(core: Market) -> bool:
    parts = ("used", "late", "unsound", "duplicate")
    return core.counts["market_events"] == sum(core.counts[f"{part}_events"] for part in parts)


def test_a_venue_bar_becomes_a_row_a_snapshot_and_a_mark() -> None:
    outputs = tell(market(), venue_bar(1, 60, 42_000.04))
    row, snapshot, snapshot_row, mark = (output.value for output in outputs)
    assert [output.port for output in outputs] == [ROWS, SNAPSHOTS, ROWS, MARKS]
    assert row == MarketBar(
        row_id=f"{at(60):014x}-BTCUSDT-60s", event_time=from_micros(at(60)), symbol=SYMBOL, bar_seconds=60,
        open_time=from_micros(at(0)), open=42_000.04, high=42_001.04, low=41_999.04, close=42_000.04, volume=10.0,
        quote_volume=420_000.4, trades=7, taker_buy_volume=2.5,
    )  # fmt: skip
    assert isinstance(snapshot, Message)
    assert (snapshot.sender, snapshot.desk, snapshot.event_time) == ("market", "main", from_micros(at(60)))
    assert snapshot.payload.model_dump(exclude={"features"}) == {
        "symbol": SYMBOL, "bar_seconds": 60, "price": Decimal("42000.0"), "bid": None, "ask": None,
    }  # fmt: skip
    assert snapshot.payload.features == {
        "bar_close": 42_000.04, "bar_high": 42_001.04, "bar_low": 41_999.04, "bar_open": 42_000.04, "bar_trades": 7.0,
        "bar_volume": 10.0, "signed_volume_share": -0.5,
    }  # fmt: skip
    assert isinstance(snapshot_row, SnapshotRow)
    assert snapshot_row.snapshot_id == snapshot.message_id
    assert {f.name: f.value for f in snapshot_row.features} == snapshot.payload.features
    assert mark.payload.model_dump() == {
        "symbol": SYMBOL, "price": Decimal("42000.0"), "bid": None, "ask": None, "tradable": True, "reason": "",
        "volatility": None, "atr": None,
    }  # fmt: skip
    assert mark.event_time == from_micros(at(60))


def test_trades_make_bars_of_a_second_and_snapshots_of_a_minute() -> None:
    core = market(lateness=0)
    outputs = tell(
        core,
        trades(1, (0.1, 100.0, 1.0), (0.9, 101.0, -2.0), (30.0, 99.0, 1.0)),
        trades(2, (59.9, 102.0, 1.0), (60.0, 103.0, 1.0)),
    )
    assert [(bar.open_time, bar.close, bar.volume) for bar in bars(outputs, 1)] == [
        (from_micros(at(0)), 101.0, 3.0),
        (from_micros(at(30)), 99.0, 1.0),
        (from_micros(at(59)), 102.0, 1.0),
    ]
    (minute,) = bars(outputs, 60)
    assert (minute.open, minute.high, minute.low, minute.close) == (100.0, 102.0, 99.0, 102.0)
    assert (minute.volume, minute.quote_volume, minute.taker_buy_volume, minute.trades) == (
        5.0,
        503.0,
        3.0,
        4,
    )
    (snapshot,) = said(outputs, SNAPSHOTS)
    assert (snapshot.event_time, snapshot.payload.price) == (from_micros(at(60)), Decimal("102.0"))
    assert core.counts == {"market_events": 5, "used_events": 5, "bars": 4}


def test_a_snapshot_shows_the_quote_and_the_mark_as_of_its_bars_end() -> None:
    outputs = tell(
        market(),
        trades(1, (1.0, 100.0, 1.0)),
        quotes(1, (59.5, 99.0, 1.0, 101.0, 3.0), (60.2, 199.0, 1.0, 201.0, 1.0)),
        marks(1, (59.0, 101.0, 100.0, 0.0001), (60.3, 300.0, 100.0, 0.5)),
        quotes(2, (60.6, 199.0, 1.0, 201.0, 1.0)),
    )
    (snapshot,) = said(outputs, SNAPSHOTS)
    assert (snapshot.payload.bid, snapshot.payload.ask) == (Decimal("99.0"), Decimal("101.0"))
    features = snapshot.payload.features
    assert (features["microprice"], features["top_imbalance"], features["quote_age"]) == (99.5, -0.5, 0.5)
    assert features["spread"] == pytest.approx(0.02)
    assert features["funding_rate"] == 0.0001
    assert features["mark_index_basis"] == pytest.approx(0.01)


def test_a_stale_quote_is_not_in_the_snapshot() -> None:
    core = market(lateness=0)
    outputs = tell(
        core, quotes(1, (54.0, 99.0, 1.0, 101.0, 1.0)), trades(1, (55.0, 100.0, 1.0), (60.0, 100.0, 1.0))
    )
    (snapshot,) = said(outputs, SNAPSHOTS)
    assert snapshot.payload.bid is None
    assert not {"spread", "microprice", "top_imbalance", "quote_age"} & set(snapshot.payload.features)


WHOLE = [(side > 0, 100.0 - side * level, 1.0 + level / 4) for side in (1, -1) for level in range(1, 7)]
"""Six levels of each side around 100; the best five hold 1.25 + ... + 2.25 = 8.75 each."""


def test_a_snapshot_shows_the_depth_as_of_its_bars_end() -> None:
    outputs = tell(
        market(lateness=0),
        book(1, 50.0, (10, 10, 10), *WHOLE, whole=True),
        book(1, 59.0, (11, 12, 10), (True, 99.0, 3.75)),
        trades(1, (59.5, 100.0, 1.0)),
        book(2, 60.5, (13, 14, 12), (True, 99.0, 0.0)),
    )
    (snapshot,) = said(outputs, SNAPSHOTS)
    assert snapshot.payload.features["book_imbalance_5"] == pytest.approx((11.25 - 8.75) / (11.25 + 8.75))


def test_a_broken_book_is_told_and_has_no_depth_until_the_next_snapshot() -> None:
    core = market(lateness=0)
    outputs = tell(
        core,
        book(1, 50.0, (10, 10, 10), *WHOLE, whole=True),
        book(1, 51.0, (13, 14, 12), (True, 99.0, 3.75)),
        trades(1, (59.5, 100.0, 1.0), (61.0, 100.0, 1.0)),
        book(2, 110.0, (20, 20, 20), *WHOLE, whole=True),
        trades(2, (119.5, 100.0, 1.0), (121.0, 100.0, 1.0)),
    )
    (gap,) = (row for row in said(outputs, ROWS) if isinstance(row, MarketQuality))
    assert (gap.kind, gap.event_time) == (QualityKind.BOOK_GAP, from_micros(at(51)))
    first, second = said(outputs, SNAPSHOTS)
    assert "book_imbalance_5" not in first.payload.features
    assert "book_imbalance_5" not in second.payload.features  # 10 s old by then
    outputs = tell(core, book(3, 178.0, (30, 30, 30), *WHOLE, whole=True), trades(3, (181.0, 100.0, 1.0)))
    assert said(outputs, SNAPSHOTS)[0].payload.features["book_imbalance_5"] == 0.0


@pytest.mark.parametrize("level", [(True, float("nan"), 1.0), (True, 0.0, 1.0), (False, 101.0, -1.0)])
def test_a_level_that_cannot_be_makes_the_book_unknown(level: tuple[bool, float, float]) -> None:
    core = market(lateness=0)
    outputs = tell(
        core,
        book(1, 59.0, (10, 10, 10), *WHOLE, whole=True),
        book(1, 59.1, (11, 12, 10), level),
        trades(1, (59.5, 100.0, 1.0), (61.0, 100.0, 1.0)),
    )
    assert "book_imbalance_5" not in said(outputs, SNAPSHOTS)[0].payload.features
    assert core.counts["unsound_events"] == 1


def test_marks_come_once_a_second() -> None:
    outputs = tell(
        market(),
        quotes(1, (0.1, 99.0, 1.0, 101.0, 1.0)),
        quotes(2, (0.9, 98.0, 1.0, 100.0, 1.0)),
        quotes(3, (1.2, 97.0, 1.0, 99.0, 1.0)),
        marks(1, (2.0, 97.53, 97.0, 0.0)),
    )
    assert [(mark.event_time, mark.payload.price, mark.payload.bid) for mark in said(outputs, MARKS)] == [
        (from_micros(at(0.1)), Decimal("100.0"), Decimal("99.0")),
        (from_micros(at(1.2)), Decimal("98.0"), Decimal("97.0")),
        (from_micros(at(2.0)), Decimal("97.5"), Decimal("97.0")),
    ]


def test_a_mark_tells_how_the_price_moves_once_there_are_enough_bars() -> None:
    closes = [100.0 if number % 2 else 101.0 for number in range(22)]
    core = market(lateness=0)
    told = said(tell(core, *(venue_bar(n, 60 * n, c) for n, c in enumerate(closes, 1))), MARKS)
    assert [mark.payload.volatility is None for mark in told] == [True] * 20 + [False] * 2
    assert [mark.payload.atr is None for mark in told] == [True] * 14 + [False] * 8
    # ln(101/100) a minute, either way; a range of one dollar to each side of the close, from the close before
    assert told[-1].payload.volatility == pytest.approx(log(1.01) * sqrt(1_440))
    assert told[-1].payload.atr == pytest.approx(2.0)
    anew = market()
    anew.restore(core.dump())
    assert tell(anew, venue_bar(99, 1_320.5, 100.0, seconds=1))[-1].value.payload.atr == told[-1].payload.atr


def test_a_crossed_quote_stops_trading_at_once_and_a_sound_one_lets_it_go_on() -> None:
    outputs = tell(
        market(),
        quotes(1, (0.1, 99.0, 1.0, 101.0, 1.0)),
        quotes(2, (0.2, 101.0, 1.0, 101.0, 1.0)),
        quotes(3, (0.3, 102.0, 1.0, 101.0, 1.0)),
        quotes(4, (0.4, 99.0, 1.0, 101.0, 1.0)),
    )
    assert [
        (mark.payload.tradable, mark.payload.reason, mark.payload.bid) for mark in said(outputs, MARKS)
    ] == [
        (True, "", Decimal("99.0")),
        (False, CROSSED, None),
        (True, "", Decimal("99.0")),
    ]
    assert [(row.kind, row.event_time) for row in said(outputs, ROWS)] == [
        (QualityKind.CROSSED, from_micros(at(0.2))),
        (QualityKind.SOUND_AGAIN, from_micros(at(0.4))),
    ]


def test_a_jump_and_a_minute_without_trades_are_told_and_can_be_traded_on() -> None:
    closes = [100.0 + (n % 3) / 10 for n in range(30)] + [110.0]
    log = [venue_bar(n, 60 * n, close) for n, close in enumerate(closes, 1)]
    outputs = tell(market(), *log, venue_bar(32, 60 * 32, 110.0, volume=0.0))
    jump, empty = (row for row in said(outputs, ROWS) if isinstance(row, MarketQuality))
    assert (jump.kind, jump.event_time, jump.row_id) == (
        QualityKind.PRICE_JUMP, from_micros(at(60 * 31)), f"{at(60 * 31):014x}-BTCUSDT-price_jump-bar-31",
    )  # fmt: skip
    assert jump.detail == f"a return of +9.7804%, {jump.value:+.1f} robust deviations from the bars before"
    assert (empty.kind, empty.value, empty.detail) == (
        QualityKind.ZERO_VOLUME,
        0.0,
        "nothing was traded in 60 s",
    )
    assert [(mark.payload.tradable, mark.payload.reason) for mark in said(outputs, MARKS)][-3:] == [
        (True, ""), (True, jump.detail), (True, empty.detail),
    ]  # fmt: skip


def test_a_stale_quote_stops_trading() -> None:
    outputs = tell(
        market(),
        quotes(1, (0.1, 99.0, 1.0, 101.0, 1.0)),
        trades(1, (5.1, 100.0, 1.0)),
        trades(2, (5.2, 104.0, 1.0)),
        trades(3, (6.2, 105.0, 1.0)),
    )
    assert [
        (mark.payload.price, mark.payload.tradable, mark.payload.reason) for mark in said(outputs, MARKS)
    ] == [
        (Decimal("100.0"), True, ""),
        (Decimal("100.0"), True, ""),
        (Decimal("104.0"), False, STALE),
        (Decimal("105.0"), False, STALE),
    ]


def test_gaps_duplicates_and_restarts_of_the_feed_are_counted() -> None:
    core = market(lateness=0)
    first, fourth = trades(1, (0.1, 100.0, 1.0)), trades(4, (0.4, 101.0, 1.0))
    outputs = tell(core, first, first, fourth, trades(3, (0.3, 200.0, 1.0)), trades(1, (0.5, 102.0, 1.0)))
    outputs += core.flush()
    assert bars(outputs, 1)[0].trades == 4
    assert core.counts["gaps"] == 1
    assert core.counts["reordered_batches"] == 1
    assert core.counts["duplicate_batches"] == 1
    assert core.counts["duplicate_events"] == 1
    assert core.counts["feed_restarts"] == 1
    assert adds_up(core)
    assert [
        (row.kind, row.value, row.detail) for row in said(outputs, ROWS) if isinstance(row, MarketQuality)
    ] == [
        (QualityKind.GAP, 2.0, "2 batches of trade are missing before number 4"),
        (QualityKind.FEED_RESTART, 1.0, "the feed counts its trade batches from 1 again"),
    ]
    assert [mark.payload.reason for mark in said(outputs, MARKS)] == [
        "", "2 batches of trade are missing before number 4", "the feed counts its trade batches from 1 again",
    ]  # fmt: skip


def test_every_event_is_accounted_for() -> None:
    core = market(lateness=0)
    nan = float("nan")
    level = {
        "first_id": [1, 1, 2],
        "last_id": [1, 1, 2],
        "previous_id": [0, 0, 1],
        "is_bid": [True, False, True],
    }
    tell(
        core,
        trades(1, (0.1, 100.0, 1.0), (5.0, nan, 1.0), (5.1, 101.0, 1.0)),
        trades(2, (0.2, 99.0, 1.0), (5.2, 99.0, 1.0)),
        trades(3, (5.3, nan, 1.0)),
        quotes(1, (5.0, 99.0, 1.0, 101.0, 1.0), (5.1, nan, 1.0, 101.0, 1.0)),
        quotes(2, (4.0, 99.0, 1.0, 101.0, 1.0)),
        marks(1, (5.0, 100.0, nan, 0.0)),
        venue_bar(1, 60, 100.0),
        venue_bar(2, 60, 100.0),
        venue_bar(3, -60, 100.0),
        venue_bar(4, 120, nan),
        venue_bar(5, 120, 100.0, seconds=300),
        batch(MarketKind.BOOK_UPDATE, 1, event_time=[5, 5, 6], price=[1.0] * 3, quantity=[1.0] * 3, **level),
    )
    assert {name: count for name, count in core.counts.items() if name.endswith("_events")} == {
        "market_events": 17, "used_events": 8, "late_events": 3, "unsound_events": 5, "duplicate_events": 1,
    }  # fmt: skip
    assert adds_up(core)


def test_a_late_venue_bar_is_a_row_and_no_snapshot() -> None:
    outputs = tell(market(), venue_bar(1, 120, 100.0), venue_bar(2, 60, 99.0), venue_bar(3, 120, 98.0))
    assert [bar.close for bar in bars(outputs, 60)] == [100.0, 99.0]
    assert len(said(outputs, SNAPSHOTS)) == 1


def test_the_first_bar_to_close_counts_ours_or_the_venues() -> None:
    outputs = tell(
        market(),
        trades(1, (10.0, 100.0, 1.0)),
        venue_bar(1, 60, 105.0),
        trades(2, (61.0, 106.0, 1.0), (121.0, 107.0, 1.0)),
        venue_bar(2, 120, 110.0),
    )
    assert [bar.close for bar in bars(outputs, 60)] == [105.0, 106.0]
    assert [snapshot.payload.price for snapshot in said(outputs, SNAPSHOTS)] == [
        Decimal("105.0"),
        Decimal("106.0"),
    ]


def test_venue_bars_may_come_long_after_quotes_that_are_past_their_end() -> None:
    outputs = tell(market(), quotes(1, (58.0, 1.0, 1.0, 2.0, 1.0)), quotes(2, (63.0, 9.0, 1.0, 10.0, 1.0)))
    assert bars(outputs, 60) == []
    core = market()
    outputs = tell(
        core, quotes(1, (58.0, 1.0, 1.0, 2.0, 1.0), (63.0, 9.0, 1.0, 10.0, 1.0)), venue_bar(1, 60, 1.5)
    )
    (snapshot,) = said(outputs, SNAPSHOTS)
    assert (snapshot.payload.bid, snapshot.event_time) == (Decimal("1.0"), from_micros(at(60)))


def test_a_bar_whose_end_was_not_seen_is_flushed_without_a_snapshot() -> None:
    core = market()
    tell(core, trades(1, (30.0, 100.0, 1.0)), trades(2, (60.2, 101.0, 1.0)))
    outputs = core.flush()
    assert [(bar.bar_seconds, bar.close) for bar in said(outputs, ROWS) if isinstance(bar, MarketBar)] == [
        (60, 100.0), (1, 101.0), (60, 101.0),
    ]  # fmt: skip
    assert [snapshot.payload.price for snapshot in said(outputs, SNAPSHOTS)] == [Decimal("100.0")]
    assert core.flush() == []


def test_the_length_of_a_snapshot_is_a_setting() -> None:
    core = Market(SYMBOL, "main", MarketSettings(snapshot_seconds=5, lateness_seconds=0))
    outputs = tell(
        core, trades(1, (1.0, 100.0, 1.0), (4.0, 101.0, 1.0), (5.0, 102.0, 1.0)), venue_bar(1, 60, 100.0)
    )
    assert [s.payload.bar_seconds for s in said(outputs, SNAPSHOTS)] == [5, 5]
    assert [bar.close for bar in bars(outputs, 60)] == [100.0]
