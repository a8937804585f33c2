"""The market as the desk hears of it: what the market job's cores say of the data, each with the moment it was known."""

from collections.abc import Iterator
from decimal import Context, localcontext
from functools import lru_cache
from typing import NamedTuple

from agents.bots.history import Bar, bars_in
from contracts.message import Message
from contracts.time import to_micros
from pipelines.backtesting.core_log import CoreLog
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.scenario import MarketTerms
from transforms.market.symbol import MARKS, SNAPSHOTS, Market, MarketSettings


class MarketNews(NamedTuple):
    """What became known of a symbol at `micros`: first the marks, then the venue's bars (which bots follow), the snapshots.

    A mark is known before what is decided on it, as in the live path, where it is one hop away and a decision two.
    """

    micros: int
    symbol: str
    marks: tuple[Message, ...]
    bars: tuple[Bar, ...]
    snapshots: tuple[Message, ...]


@lru_cache(maxsize=2)
def market_news(spec: DataSpec, desk: str, terms: MarketTerms) -> tuple[MarketNews, ...]:
    """All the news of the data, in order; told once a process, for every run that follows the market alike."""
    # The first run that asks makes them for all, in whatever thread: how that one rounds must not matter.
    with localcontext(Context()):
        return tuple(_news(spec, desk, terms))


def settings_of(spec: DataSpec, terms: MarketTerms) -> MarketSettings:
    """The market job's settings: a snapshot is as long as the venue's bars, a minute where there are none.

    Raises `BacktestError` for snapshots that the venue's bars do not fill: nothing would ever be in them.
    """
    data = open_data(spec)
    seconds = terms.snapshot_seconds or data.bar_seconds or 60
    if any(seconds % length for length in data.bar_lengths):
        told = " and ".join(f"{length} s" for length in data.bar_lengths)
        raise BacktestError(
            f"market.snapshot_seconds is {seconds}, but the data's bars last {told}: make it a multiple, or leave it out"
        )
    return MarketSettings(seconds, terms.lateness_seconds, terms.stale_seconds)


def _news(spec: DataSpec, desk: str, terms: MarketTerms) -> Iterator[MarketNews]:
    """A batch is known when all of it has come: at the latest event of any batch so far, by the exchange's clock."""
    settings = settings_of(spec, terms)
    logs: dict[str, CoreLog] = {}
    known = 0
    for timed in open_data(spec).batches():
        batch = timed.batch
        known = max(known, to_micros(batch.event_time))
        if batch.symbol not in logs:
            logs[batch.symbol] = CoreLog(batch.symbol, Market(batch.symbol, desk, settings))
        said = logs[batch.symbol].take(batch)
        marks = tuple(output.value for output in said if output.port == MARKS)
        snapshots = tuple(output.value for output in said if output.port == SNAPSHOTS)
        bars = tuple(bars_in(batch))
        if marks or snapshots or bars:
            yield MarketNews(known, batch.symbol, marks, bars, snapshots)
