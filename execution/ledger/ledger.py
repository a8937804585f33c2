"""The ledger: opens the database, hands out entries to write, answers what is asked."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from contracts.orders import OrderView, PositionView
from contracts.payloads import OrderStatus
from execution.exact import EXACT
from execution.holding import Holding
from execution.ledger.connection import READING, connect
from execution.ledger.entry import LedgerEntry
from execution.ledger.records import FillRecord, OrderRecord, OutboxRecord, PositionRecord, Record

_OPEN = tuple(str(status) for status in OrderStatus if not status.is_final)


class LedgerDisagrees(RuntimeError):
    """The ledger contradicts itself; the text says where. Nothing may be traded on it."""


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders to list; None means any."""

    desk: str | None = None
    agent: str | None = None
    symbol: str | None = None
    status: OrderStatus | None = None


class Ledger:
    """Orders, fills, positions and the outbox in one database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{READING: True})
        # SQLite takes one writer at a time: queueing here is fair and instant, its own waiting polls.
        self._writing = threading.Lock()

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """The ledger at a SQLAlchemy URL, its tables made when they are missing."""
        engine = connect(url)
        Record.metadata.create_all(engine)
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def entry(self) -> Iterator[LedgerEntry]:
        """One transaction: committed when the block ends well, as if it had never been otherwise."""
        with (
            self._writing,
            Session(self._engine, autoflush=False, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield LedgerEntry(session)

    # --- what the API asks -----------------------------------------------------------------------------

    def order(self, client_order_id: str) -> OrderView | None:
        """One order."""
        with Session(self._reading) as session:
            record = session.scalar(select(OrderRecord).where(OrderRecord.client_order_id == client_order_id))
            return record.view if record else None

    def orders(self, wanted: OrderFilter, limit: int) -> list[OrderView]:
        """The newest orders that fit, newest first."""
        query = select(OrderRecord).order_by(OrderRecord.number.desc()).limit(limit)
        for column, value in (
            (OrderRecord.desk, wanted.desk),
            (OrderRecord.agent, wanted.agent),
            (OrderRecord.symbol, wanted.symbol),
            (OrderRecord.status, wanted.status and str(wanted.status)),
        ):
            if value is not None:
                query = query.where(column == value)
        with Session(self._reading) as session:
            return [record.view for record in session.scalars(query)]

    def open_orders(self) -> list[str]:
        """The ids of the orders to which something can still happen, oldest first."""
        query = (
            select(OrderRecord.client_order_id)
            .where(OrderRecord.status.in_(_OPEN))
            .order_by(OrderRecord.number)
        )
        with Session(self._reading) as session:
            return list(session.scalars(query))

    def positions(self, desk: str | None = None, symbol: str | None = None) -> list[PositionView]:
        """The positions, by desk and symbol; a closed one stays with its realised profit."""
        query = select(PositionRecord).order_by(PositionRecord.desk, PositionRecord.symbol)
        if desk is not None:
            query = query.where(PositionRecord.desk == desk)
        if symbol is not None:
            query = query.where(PositionRecord.symbol == symbol)
        with Session(self._reading) as session:
            return [record.view for record in session.scalars(query)]

    # --- the outbox ------------------------------------------------------------------------------------

    def unpublished(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest messages that Pub/Sub does not have yet: row number and Message JSON, as written."""
        query = (
            select(OutboxRecord.number, OutboxRecord.message_json)
            .where(OutboxRecord.published_at.is_(None))
            .order_by(OutboxRecord.number)
            .limit(limit)
        )
        with self._reading.connect() as connection:
            return [(number, message) for number, message in connection.execute(query)]

    def mark_published(self, numbers: Sequence[int], moment: datetime) -> None:
        """Note that Pub/Sub has taken these outbox rows."""
        if not numbers:
            return
        with self._writing, self._engine.begin() as connection:
            connection.execute(
                update(OutboxRecord).where(OutboxRecord.number.in_(numbers)).values(published_at=moment)
            )

    # --- health ----------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Raises SQLAlchemyError when the database does not answer."""
        with self._reading.connect() as connection:
            connection.execute(text("SELECT 1"))

    def verify(self) -> None:
        """Compare what is kept with what the fills say; raises `LedgerDisagrees`."""
        held: dict[tuple[str, str], Holding] = defaultdict(Holding)
        filled: dict[str, Decimal] = defaultdict(Decimal)
        with Session(self._reading) as session:
            fills = select(
                FillRecord.desk, FillRecord.symbol, FillRecord.client_order_id, FillRecord.quantity,
                FillRecord.price, FillRecord.fee,
            ).order_by(FillRecord.number)  # fmt: skip
            for desk, symbol, order, quantity, price, fee in session.execute(fills):
                held[desk, symbol] = held[desk, symbol].after(quantity, price, fee)
                filled[order] = EXACT.add(filled[order], abs(quantity))
            for position in session.scalars(select(PositionRecord)):
                if position.holding != held.pop((position.desk, position.symbol), Holding()):
                    raise LedgerDisagrees(
                        f"the position of {position.desk} in {position.symbol} is not its fills' sum"
                    )
            if held:
                raise LedgerDisagrees(f"there are fills without a position: {sorted(held)}")
            for order, quantity in session.execute(
                select(OrderRecord.client_order_id, OrderRecord.filled_quantity)
            ):
                if quantity != filled.pop(order, Decimal(0)):
                    raise LedgerDisagrees(
                        f"order {order} says that {quantity} was filled, and its fills say otherwise"
                    )
