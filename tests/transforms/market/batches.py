"""Batches of market data as the tests write them down: times in seconds after ten o'clock."""

from datetime import UTC, datetime

from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.time import to_micros
from transforms.core import Output
from transforms.log import LogEntry
from transforms.market.symbol import Market

TEN = to_micros(datetime(2024, 1, 15, 10, tzinfo=UTC))
SYMBOL = "BTCUSDT"


def at(seconds: float) -> int:
    """Microseconds of so many seconds after ten."""
    return TEN + round(seconds * 1e6)


def batch(kind: MarketKind, sequence: int, **columns: list) -> MarketBatch:
    columns["event_time"] = [at(seconds) for seconds in columns["event_time"]]
    if "open_time" in columns:
        columns["open_time"] = [at(seconds) for seconds in columns["open_time"]]
    return MarketBatch.of(SYMBOL, kind, sequence, rows_of(kind, columns))


def trades(sequence: int, *rows: tuple[float, float, float]) -> MarketBatch:
    """Trades (seconds, price, quantity): a negative quantity was sold by the taker. Ids go by time."""
    return batch(
        MarketKind.TRADE,
        sequence,
        event_time=[second for second, _, _ in rows],
        trade_id=[round(second * 1_000) for second, _, _ in rows],
        price=[price for _, price, _ in rows],
        quantity=[abs(quantity) for _, _, quantity in rows],
        buyer_is_maker=[quantity < 0 for _, _, quantity in rows],
    )


def quotes(sequence: int, *rows: tuple[float, float, float, float, float]) -> MarketBatch:
    """Quotes (seconds, bid, bid quantity, ask, ask quantity)."""
    names = ("event_time", "bid", "bid_quantity", "ask", "ask_quantity")
    return batch(
        MarketKind.QUOTE, sequence, **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    )


def marks(sequence: int, *rows: tuple[float, float, float, float]) -> MarketBatch:
    """Marks (seconds, mark price, index price, funding rate)."""
    names = ("event_time", "mark_price", "index_price", "funding_rate")
    return batch(
        MarketKind.MARK, sequence, **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    )


def book(
    sequence: int,
    second: float,
    ids: tuple[int, int, int],
    *levels: tuple[bool, float, float],
    whole: bool = False,
) -> MarketBatch:
    """One update of the book (first, last and previous id), or the whole book: levels (is bid, price, quantity)."""
    rows = len(levels)
    return batch(
        MarketKind.BOOK_SNAPSHOT if whole else MarketKind.BOOK_UPDATE,
        sequence,
        event_time=[second] * rows,
        first_id=[ids[0]] * rows,
        last_id=[ids[1]] * rows,
        previous_id=[ids[2]] * rows,
        is_bid=[is_bid for is_bid, _, _ in levels],
        price=[price for _, price, _ in levels],
        quantity=[quantity for _, _, quantity in levels],
    )


def venue_bar(
    sequence: int, end: float, close: float, *, seconds: int = 60, volume: float = 10.0
) -> MarketBatch:
    """The venue's bar that closed at `end`, one dollar high and low around its close."""
    return batch(
        MarketKind.BAR,
        sequence,
        event_time=[end],
        open_time=[end - seconds],
        open=[close],
        high=[close + 1],
        low=[close - 1],
        close=[close],
        volume=[volume],
        quote_volume=[volume * close],
        trades=[7],
        taker_buy_volume=[volume / 4],
    )


def tell(market: Market, *log: MarketBatch) -> list[Output]:
    """Apply batches in their order; all that follows."""
    said = []
    for position, value in enumerate(log, 1):
        said += market.apply(LogEntry(value.symbol, position, False, to_micros(value.event_time), value))
    return said
