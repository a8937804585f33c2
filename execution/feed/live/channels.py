"""What of the market can be followed, and the venue's streams of it."""

from contracts.market_data import MarketKind

CHANNELS: dict[str, tuple[str, MarketKind]] = {
    "trades": ("aggTrade", MarketKind.TRADE),
    "quotes": ("bookTicker", MarketKind.QUOTE),
    "book": ("depth@100ms", MarketKind.BOOK_UPDATE),
    "marks": ("markPrice@1s", MarketKind.MARK),
    "bars": ("kline_1m", MarketKind.BAR),
}
"""By the name that the user gives: the stream's name after the symbol, and the kind of its events.

The venue's `depth` sends the changes of the whole book, `depth20` only its top; bars are of a minute, and only closed
ones travel on.
"""


def streams_of(symbol: str, channels: tuple[str, ...]) -> list[str]:
    """The venue's stream names, e.g. btcusdt@aggTrade."""
    return [f"{symbol.lower()}@{CHANNELS[channel][0]}" for channel in channels]
