"""The ledger's tables."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from contracts.orders import OrderRequest, OrderView, PositionView
from contracts.payloads import OrderStatus
from execution.exact import plain
from execution.holding import Holding
from execution.ledger.columns import Exact, Moment, RowNumber
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

    @property
    def request(self) -> OrderRequest:
        """What was asked for."""
        return _read_request(self.request_json)

    @property
    def life(self) -> OrderLife:
        """Where it stands."""
        return OrderLife(
            quantity=self.quantity,
            status=OrderStatus(self.status),
            filled_quantity=self.filled_quantity,
            notional=self.notional,
            fees=self.fees,
            steps=self.steps,
            reason=self.reason,
        )

    def take(self, life: OrderLife, moment: datetime) -> None:
        """Stand where `life` says, since `moment`."""
        self.status = str(life.status)
        self.filled_quantity = life.filled_quantity
        self.notional = life.notional
        self.fees = life.fees
        self.steps = life.steps
        self.reason = life.reason
        self.updated_at = moment

    @property
    def view(self) -> OrderView:
        """The order as the API shows it."""
        life = self.life
        average = life.average_price
        return OrderView(
            request=self.request,
            status=life.status,
            filled_quantity=plain(life.filled_quantity),
            average_price=None if average is None else plain(average),
            fees=plain(life.fees),
            venue=self.venue,
            venue_order_id=self.venue_order_id,
            reason=life.reason,
            created_at=self.created_at,
            updated_at=self.updated_at,
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
    """One trade; `quantity` is signed, as it moves the position. Never changed."""

    __tablename__ = "fills"

    number: Mapped[int] = mapped_column(RowNumber, primary_key=True, autoincrement=True)
    execution_id: Mapped[str] = mapped_column(unique=True)
    client_order_id: Mapped[str] = mapped_column(_of_an_order(), index=True)
    desk: Mapped[str]
    agent: Mapped[str]
    symbol: Mapped[str]
    quantity: Mapped[Decimal]
    price: Mapped[Decimal]
    fee: Mapped[Decimal]
    event_time: Mapped[datetime]


class _Held:
    """The columns of a holding."""

    quantity: Mapped[Decimal]
    cost: Mapped[Decimal]
    realised_pnl: Mapped[Decimal]
    fees: Mapped[Decimal]

    @property
    def holding(self) -> Holding:
        """What is held."""
        return Holding(self.quantity, self.cost, self.realised_pnl, self.fees)

    def take(self, holding: Holding) -> None:
        """Hold what `holding` says."""
        self.quantity = holding.quantity
        self.cost = holding.cost
        self.realised_pnl = holding.realised_pnl
        self.fees = holding.fees


class PositionRecord(_Held, Record):
    """What a desk holds in a symbol, net of its agents."""

    __tablename__ = "positions"

    desk: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)

    @property
    def view(self) -> PositionView:
        """The position as the API shows it."""
        return PositionView(
            desk=self.desk,
            symbol=self.symbol,
            quantity=self.quantity,
            entry_price=self.holding.entry_price,
            realised_pnl=self.realised_pnl,
            fees=self.fees,
        )


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


_UNPUBLISHED = OutboxRecord.published_at.is_(None)
Index("outbox_unpublished", OutboxRecord.number, sqlite_where=_UNPUBLISHED, postgresql_where=_UNPUBLISHED)
