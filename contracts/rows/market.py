"""Rows of the market job."""

from decimal import Decimal
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
