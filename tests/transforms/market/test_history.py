"""A history is what a market says event by event, all at once."""

import numpy as np
import pyarrow as pa
import pytest

from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.time import to_micros
from tests.transforms.market.batches import SYMBOL, at, tell
from transforms.market.history import history
from transforms.market.symbol import SNAPSHOTS, Market, MarketSettings

SECONDS = 300


def tape(seed: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Trades and quotes of five minutes; some seconds have no trade but all a quote, of which some are crossed."""
    random = np.random.default_rng(seed)
    traded = np.sort(random.integers(at(0), at(SECONDS), 900))
    traded = traded[(traded // 1_000_000) % 7 != 3]
    quoted = np.arange(at(0), at(SECONDS), 250_000) + random.integers(0, 250_000, 4 * SECONDS)
    price = np.round(100 + np.cumsum(random.normal(0, 0.05, len(traded))), 1)
    middle = np.round(100 + np.cumsum(random.normal(0, 0.02, len(quoted))), 1)
    trades = {
        "event_time": traded,
        "trade_id": np.arange(len(traded)),
        "price": price,
        "quantity": np.round(random.exponential(1, len(traded)) + 0.001, 3),
        "buyer_is_maker": random.random(len(traded)) < 0.5,
    }
    quotes = {
        "event_time": quoted,
        "bid": middle - np.where(random.random(len(quoted)) < 0.05, -0.1, 0.1),
        "bid_quantity": random.integers(1, 9, len(quoted)) / 4,
        "ask": middle + 0.05,
        "ask_quantity": random.integers(1, 9, len(quoted)) / 4,
    }
    return rows_of(MarketKind.TRADE, trades), rows_of(MarketKind.QUOTE, quotes)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_market_of_the_same_length_says_the_same(seed: int) -> None:
    trades, quotes = tape(seed)
    told = history(trades, quotes, seconds=1, stale_seconds=0.2)
    columns = told.features()

    market = Market(SYMBOL, "main", MarketSettings(snapshot_seconds=1, lateness_seconds=3, stale_seconds=0.2))
    batches = [
        MarketBatch.of(SYMBOL, kind, number, rows.slice(start, 2))
        for kind, rows in ((MarketKind.TRADE, trades), (MarketKind.QUOTE, quotes))
        for number, start in enumerate(range(0, rows.num_rows, 2), 1)
    ]
    batches.sort(key=lambda batch: batch.event_time)
    snapshots = [o.value for o in tell(market, *batches) + market.flush() if o.port == SNAPSHOTS]
    assert market.counts["used_events"] == trades.num_rows + quotes.num_rows

    places = {end: place for place, end in enumerate((told.opened + 1_000_000).tolist())}
    assert len(snapshots) > SECONDS - 10
    for snapshot in snapshots:
        place = places[to_micros(snapshot.event_time)]
        features = {name: column[place] for name, column in columns.items() if np.isfinite(column[place])}
        assert snapshot.payload.features == pytest.approx(features, rel=1e-9, abs=1e-12)


def test_a_second_without_a_trade_is_flat() -> None:
    rows = rows_of(
        MarketKind.TRADE,
        {
            "event_time": [at(0.5), at(3.2), at(3.4)],
            "trade_id": [1, 2, 3],
            "price": [100.0, 102.0, 101.0],
            "quantity": [1.0, 2.0, 3.0],
            "buyer_is_maker": [False, True, False],
        },
    )
    told = history(rows, None, seconds=1)
    assert told.opened.tolist() == [at(0), at(1), at(2), at(3)]
    assert [column.tolist() for column in told.window[:8]] == [
        [100.0, 100.0, 100.0, 102.0], [100.0, 100.0, 100.0, 102.0], [100.0, 100.0, 100.0, 101.0],
        [100.0, 100.0, 100.0, 101.0], [1.0, 0.0, 0.0, 5.0], [100.0, 0.0, 0.0, 507.0], [1.0, 0.0, 0.0, 3.0],
        [1.0, 0.0, 0.0, 2.0],
    ]  # fmt: skip
    assert "spread" not in {name for name, column in told.features().items() if np.isfinite(column).any()}
