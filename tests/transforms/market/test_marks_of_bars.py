"""Whoever follows a bar can wait for its mark: there is one as young as the bar, no later than the bar's snapshot."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from contracts.market_data import MarketBatch
from tests.transforms.market.batches import SYMBOL, quotes, tell, trades, venue_bar
from transforms.market.symbol import MARKS, SNAPSHOTS, Market, MarketSettings


@st.composite
def _feeds(draw: st.DrawFn) -> list[MarketBatch]:
    """Trades, quotes and the venue's own bars of three seconds, in order of time, with stretches without any."""
    moments = sorted(draw(st.sets(st.integers(1, 200), min_size=1, max_size=40)))
    seen: Counter[str] = Counter()
    feed = []
    for tenth in moments:
        second, price = tenth / 10, 100.0 + tenth % 7
        kind = "bar" if tenth % 30 == 0 else draw(st.sampled_from(("trade", "quote")))
        seen[kind] += 1
        if kind == "trade":
            feed.append(trades(seen[kind], (second, price, 1.0)))
        elif kind == "quote":
            feed.append(quotes(seen[kind], (second, price - 0.1, 1.0, price + 0.1, 1.0)))
        else:
            feed.append(venue_bar(seen[kind], second, price, seconds=3))
    return feed


@given(_feeds())
def test_every_snapshot_has_its_mark_by_the_time_it_is_said(feed: list[MarketBatch]) -> None:
    core = Market(SYMBOL, "main", MarketSettings(snapshot_seconds=3))
    marked = None
    for batch in feed:
        said = tell(core, batch)
        for mark in (output.value for output in said if output.port == MARKS):
            marked = mark.event_time
        for snapshot in (output.value for output in said if output.port == SNAPSHOTS):
            assert marked is not None and marked >= snapshot.event_time
