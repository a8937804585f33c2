"""The ledger's tables."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, LargeBinary, Row, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from contracts.orders import OrderRequest, PositionView
from contracts.payloads import OrderStatus
from execution.holding import Holding
from execution.ledger.columns import Exact, Moment, RowNumber
from execution.ledger.order import LedgerOrder
from execution.order_life import OrderLife


class Record(DeclarativeBase):
    """The base of the tables, and their type map."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {Decimal: Exact, datetime: Moment, str: String(64)}


@lru_cache(maxsize=1_024)
def _read_request(request_json: str) -> OrderRequest:
    return OrderRequest.from_json(request_json)


def _of_an_order() -> ForeignKey:
    """Checked at commit, because an order and its first steps are written together, in no particular order."""
    return ForeignKey("orders.client_order_id", deferrable=True, initially="DEFERRED")


class OrderRecord(Record):
    """An order as it stands now: its request and its life so far."""

    __tablename__ = "orders"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    client_order_id: Mapped[str] = mapped_column(unique=True)
    desk: Mapped[str]
    agent: Mapped[str]
    symbol: Mapped[str]
    request_json: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal]
    status: Mapped[str]
    filled_quantity: Mapped[Decimal]
    notional: Mapped[Decimal]
    fees: Mapped[Decimal]
    steps: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    venue: Mapped[str]
    venue_order_id: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("orders_by_desk", "desk", "agent", "symbol", "number"),
        Index("orders_by_status", "status", "number"),
    )


class OrderEventRecord(Record):
    """One step of an order's life; never changed."""

    __tablename__ = "order_events"

    execution_id: Mapped[str] = mapped_column(primary_key=True)
    client_order_id: Mapped[str] = mapped_column(_of_an_order())
    sequence: Mapped[int]
    status: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    event_time: Mapped[datetime]

    __table_args__ = (Index("order_events_by_order", "client_order_id", "sequence", unique=True),)


class FillRecord(Record):
    """One trade; `quantity` is signed, as it moves the position, `trade_id` the venue's name for it. Never changed."""

    __tablename__ = "fills"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    execution_id: Mapped[str] = mapped_column(unique=True)
    client_order_id: Mapped[str] = mapped_column(_of_an_order())
    trade_id: Mapped[str]
    desk: Mapped[str]
    agent: Mapped[str]
    symbol: Mapped[str]
    quantity: Mapped[Decimal]
    price: Mapped[Decimal]
    fee: Mapped[Decimal]
    event_time: Mapped[datetime]

    __table_args__ = (Index("fills_by_trade", "client_order_id", "trade_id", unique=True),)


class _Held:
    """The columns of a holding."""

    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    realised_pnl: Mapped[Decimal]
    fees: Mapped[Decimal]


class PositionRecord(_Held, Record):
    """What a desk holds in a symbol, net of its agents."""

    __tablename__ = "positions"

    desk: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)


class AgentPositionRecord(_Held, Record):
    """What one agent of a desk holds in a symbol: what its reduce-only orders may take from."""

    __tablename__ = "agent_positions"

    desk: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)


class OutboxRecord(Record):
    """A message to publish, written with the step that it tells; published_at is wall-clock time."""

    __tablename__ = "outbox"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    message_json: Mapped[bytes] = mapped_column(LargeBinary)
    published_at: Mapped[datetime | None]


class ProtectionEventRecord(Record):
    """Who stopped or released trading, when (wall clock) and why. Never changed."""

    __tablename__ = "protection_events"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    action: Mapped[str]
    issued_by: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class CheckpointRecord(Record):
    """Up to which fill the ledger was found to agree with itself, and the holdings up to it; one row at most."""

    __tablename__ = "checkpoints"

    fill: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=False)
    holdings_json: Mapped[str] = mapped_column(Text)


_UNPUBLISHED = OutboxRecord.published_at.is_(None)
Index("outbox_unpublished", OutboxRecord.number, sqlite_where=_UNPUBLISHED, postgresql_where=_UNPUBLISHED)

ORDERS = Record.metadata.tables[OrderRecord.__tablename__]
ORDER_EVENTS = Record.metadata.tables[OrderEventRecord.__tablename__]
FILLS = Record.metadata.tables[FillRecord.__tablename__]
POSITIONS = Record.metadata.tables[PositionRecord.__tablename__]
AGENT_POSITIONS = Record.metadata.tables[AgentPositionRecord.__tablename__]
OUTBOX = Record.metadata.tables[OutboxRecord.__tablename__]
PROTECTION_EVENTS = Record.metadata.tables[ProtectionEventRecord.__tablename__]
CHECKPOINTS = Record.metadata.tables[CheckpointRecord.__tablename__]

OPEN_STATUSES = tuple(str(status) for status in OrderStatus if not status.is_final)


def order_in(row: Row[Any]) -> LedgerOrder:
    """The order in a row of `orders`."""
    return LedgerOrder(
        request=_read_request(row.request_json),
        life=OrderLife(
            quantity=row.quantity,
            status=OrderStatus(row.status),
            filled_quantity=row.filled_quantity,
            notional=row.notional,
            fees=row.fees,
            steps=row.steps,
            reason=row.reason,
        ),
        venue=row.venue,
        venue_order_id=row.venue_order_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def position_in(row: Row[Any]) -> PositionView:
    """The position in a row of `positions`."""
    return PositionView(
        desk=row.desk,
        symbol=row.symbol,
        quantity=row.quantity,
        entry_price=Holding(row.quantity, row.cost).entry_price,
        realised_pnl=row.realised_pnl,
        fees=row.fees,
    )
