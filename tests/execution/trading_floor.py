"""What the tests of orders share: a morning on the floor, with a clock that stands where it is put."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.orders import OrderRequest, client_order_id
from contracts.payloads import Side
from contracts.time import to_micros
from execution.ledger.ledger import Ledger
from execution.placement import Placement
from execution.protection.dead_man import DeadManTimer
from execution.protection.gate import Gate
from execution.protection.guard import Guard
from execution.protection.kill_switch import KillSwitch
from execution.protection.limits import ProtectionLimits
from execution.service.upkeep import Upkeep
from execution.venues.paper.options import PaperOptions
from execution.venues.paper.paper_venue import PaperVenue
from execution.venues.venue import Venue

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


class StandingClock:
    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def request(decision: str = "decision-1", /, **changes: Any) -> OrderRequest:
    """A market order to buy half a bitcoin, decided a second before noon."""
    values: dict[str, Any] = {
        "client_order_id": client_order_id("main", decision),
        "desk": "main",
        "agent": "qwen-7b",
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "quantity": Decimal("0.5"),
        "reference_price": Decimal(42_000),
        "correlation_id": decision,
        "decided_at": NOON - timedelta(seconds=1),
    }
    return OrderRequest(**(values | changes))


def quote(bid: float, ask: float, at: datetime = NOON, symbol: str = "BTCUSDT") -> MarketBatch:
    columns = {
        "event_time": [to_micros(at)],
        "bid": [bid],
        "bid_quantity": [1.0],
        "ask": [ask],
        "ask_quantity": [1.0],
    }
    return MarketBatch.of(symbol, MarketKind.QUOTE, 1, rows_of(MarketKind.QUOTE, columns))


def bar(close: float, at: datetime = NOON, symbol: str = "BTCUSDT") -> MarketBatch:
    prices = {key: [close] for key in ("open", "high", "low", "close")}
    volumes = {key: [1.0] for key in ("volume", "quote_volume", "taker_buy_volume")}
    times = {"event_time": [to_micros(at)], "open_time": [to_micros(at - timedelta(minutes=1))]}
    rows = rows_of(MarketKind.BAR, prices | volumes | times | {"trades": [1]})
    return MarketBatch.of(symbol, MarketKind.BAR, 1, rows)


WIDE = {
    "order_notional": "1000000000 USDT", "minute_notional": "1000000000 USDT",
    "position_notional": "1000000000 USDT", "price_collar": "100 %", "dead_man": "30 s",
    "symbols": ["BTCUSDT", "ETHUSDT", "SOLUSDT"],
}  # fmt: skip
"""Limits that nothing runs into, to be narrowed one at a time."""


class StandingTicks:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Floor:
    """A ledger, a paper venue and a placement; made again on the same folder, the service restarted.

    `prices` is the paper venue, whom the market is told to; its quotes are not used up unless a test asks for it.
    """

    folder: Path
    options: PaperOptions = field(default_factory=lambda: PaperOptions(remembers_taken=False))
    limits: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    other_venue: Venue | None = None

    def __post_init__(self) -> None:
        self.clock = StandingClock()
        self.ticks = StandingTicks()
        self.prices = PaperVenue(self.options)
        self.venue: Venue = self.other_venue or self.prices
        self.ledger = Ledger.open(self._remembered_url())
        self.protection_limits = ProtectionLimits.model_validate(WIDE | self.limits)
        dead_man = DeadManTimer(float(self.protection_limits.dead_man))
        switch = KillSwitch(self.folder / "kill-switch.json", NOON)
        self.guard = Guard(Gate(self.protection_limits), switch, dead_man, self.ticks)
        self.commits: list[None] = []
        self.placement = Placement(
            self.ledger, self.venue, self.clock, self.guard, lambda: self.commits.append(None), self.ticks
        )
        self.upkeep = Upkeep(self.ledger, self.placement, self.venue, self.guard, self.clock, self.ticks)

    def _remembered_url(self) -> str:
        """A restart on the same folder is one on the same ledger."""
        note = self.folder / "ledger-url"
        if self.url:
            note.write_text(self.url)
        return note.read_text() if note.exists() else f"sqlite:///{self.folder}/ledger.db"

    def open(self) -> "Floor":
        """With what the ledger holds taken up, a quote of BTC, and the ledger reconciled."""
        self.prices.resume(self.ledger.open_orders(), self.ledger.holdings_by_agent())
        self.prices.take(quote(42_000.0, 42_000.1))
        self.placement.reconcile()
        return self
