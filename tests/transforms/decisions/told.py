"""What reaches an agent's context, for tests: minutes are counted from 10:00."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.payloads import OrderExecution, OrderStatus, Side, Snapshot, TradeThesis
from contracts.roster import AgentProfile, read_roster
from contracts.settings import Settings
from contracts.time import to_micros
from transforms.log import LogEntry

START = datetime(2024, 1, 15, 10, 0, tzinfo=UTC)
AGENT = "deepseek-v3"


def profile() -> AgentProfile:
    return read_roster(Settings().roster).by_agent[AGENT]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def message(minutes: float, sender: str, payload: Contract, *parts: str, to: str | None = None) -> Message:
    return said_by(
        sender, payload, desk="main", event_time=at(minutes), recipient=to, derived_from=parts or (sender,)
    )


def snapshot(
    minutes: float, price: str | None = None, symbol: str = "BTCUSDT", bar_seconds: int = 60
) -> Message:
    """By default the price rises by one a minute, from 100."""
    told = Decimal(price) if price else 100 + Decimal(str(minutes))
    seen = Snapshot(symbol=symbol, bar_seconds=bar_seconds, price=told, features={"return_1": 0.5})
    return message(minutes, "market", seen, symbol)


def thesis(minutes: float, text: str = "It rises.") -> Message:
    said = TradeThesis(side=Side.BUY, symbol="BTCUSDT", thesis=text, conviction=0.8, timeframe="1h")
    return message(minutes, "qwen-7b", said, text, to=AGENT)


def execution(
    minutes: float, filled: str, side: Side = Side.BUY, order: str = "order-1", sequence: int = 1
) -> Message:
    step = OrderExecution(
        client_order_id=order,
        execution_id=f"{order}.{sequence}",
        sequence=sequence,
        agent=AGENT,
        symbol="BTCUSDT",
        side=side,
        status=OrderStatus.PARTIALLY_FILLED,
        quantity=Decimal(10),
        filled_quantity=Decimal(filled),
        venue="paper",
    )
    return message(minutes, "execution", step, step.execution_id, to=AGENT)


def entry(said: Message, position: int = 1) -> LogEntry:
    return LogEntry(f"main/{AGENT}", position, False, to_micros(said.event_time), said)
