"""Rows of the market job."""

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from contracts.model import Name
from contracts.rows.row import Feature, Row
from contracts.time import UtcTime


class MarketBar(Row):
    """A closed bar."""

    table: ClassVar[str] = "market_bars"
    about: ClassVar[str] = "closed bars by symbol and length"
    clustering: ClassVar[tuple[str, ...]] = ("symbol", "bar_seconds")

    symbol: Name
    bar_seconds: int
    open_time: UtcTime
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: int
    taker_buy_volume: float


class SnapshotRow(Row):
    """What the agents were shown."""

    table: ClassVar[str] = "snapshots"
    about: ClassVar[str] = "the features of each symbol as the agents were shown them"
    clustering: ClassVar[tuple[str, ...]] = ("symbol",)

    snapshot_id: Name
    symbol: Name
    bar_seconds: int
    price: Decimal
    features: tuple[Feature, ...]


class QualityKind(StrEnum):
    """What can be wrong, or at least remarkable, with a market's data."""

    GAP = "gap"
    BOOK_GAP = "book_gap"
    FEED_RESTART = "feed_restart"
    CROSSED = "crossed"
    STALE = "stale"
    SOUND_AGAIN = "sound_again"
    PRICE_JUMP = "price_jump"
    ZERO_VOLUME = "zero_volume"


class MarketQuality(Row):
    """Something about a market's data that the desk should know."""

    table: ClassVar[str] = "market_quality"
    about: ClassVar[str] = "gaps, crossed and stale quotes, price jumps and minutes without trades, by symbol"
    clustering: ClassVar[tuple[str, ...]] = ("symbol", "kind")

    symbol: Name
    kind: QualityKind
    value: float
    detail: str
