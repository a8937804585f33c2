from datetime import UTC, datetime

from agents.bots.history import KEPT, Bar, BarHistory, bars_in
from contracts.market_data import MarketBatch, MarketKind, rows_of

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


def test_a_batch_of_bars_is_read() -> None:
    columns = {
        "event_time": [NOON],
        "open_time": [NOON.replace(hour=11, minute=59)],
        "open": [1.0],
        "high": [4.0],
        "low": [0.5],
        "close": [2.0],
        "volume": [7.0],
        "quote_volume": [14.0],
        "trades": [3],
        "taker_buy_volume": [1.0],
    }
    batch = MarketBatch.of("BTCUSDT", MarketKind.BAR, 1, rows_of(MarketKind.BAR, columns))
    assert bars_in(batch) == [Bar(NOON, 4.0, 0.5, 2.0, 7.0)]


def test_another_kind_has_no_bars() -> None:
    columns = {"event_time": [NOON], "mark_price": [1.0], "index_price": [1.0], "funding_rate": [0.0]}
    batch = MarketBatch.of("BTCUSDT", MarketKind.MARK, 1, rows_of(MarketKind.MARK, columns))
    assert bars_in(batch) == []


def test_the_history_is_bounded_and_in_order() -> None:
    history = BarHistory()
    for minute in range(200):
        moment = datetime.fromtimestamp(NOON.timestamp() + 60 * minute, UTC)
        assert history.add("BTCUSDT", Bar(moment, 2.0, 1.0, float(minute + 1), 1.0))
    view = history.view("BTCUSDT", -0.5, 0.1)
    assert (len(view.closes), view.closes[0], view.price) == (KEPT, 81.0, 200.0)
    assert (view.position_quantity, view.trade_quantity) == (-0.5, 0.1)
