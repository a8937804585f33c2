"""The ledger: opens the database, hands out entries to write, answers what is asked."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine, bindparam, insert, select, text, update

from contracts.message import Message
from contracts.orders import OrderView, PositionView
from contracts.payloads import OrderStatus
from execution.holding import Holding
from execution.ledger.connection import READING, connect
from execution.ledger.digest import state_hash
from execution.ledger.entry import LedgerEntry
from execution.ledger.migration import prepare
from execution.ledger.order import LedgerOrder
from execution.ledger.records import (
    AGENT_POSITIONS,
    OPEN_STATUSES,
    ORDERS,
    OUTBOX,
    POSITIONS,
    PROTECTION_EVENTS,
    order_in,
    position_in,
)
from execution.ledger.verification import verify, write_checkpoint

_MARK = update(OUTBOX).where(OUTBOX.c.number == bindparam("row")).values(published_at=bindparam("moment"))
_HELD = select(AGENT_POSITIONS.c.quantity).where(
    AGENT_POSITIONS.c.desk == bindparam("desk_is"), AGENT_POSITIONS.c.agent == bindparam("agent_is"),
    AGENT_POSITIONS.c.symbol == bindparam("symbol_is"),
)  # fmt: skip
_BY_AGENT = (
    select(ORDERS)
    .where(
        ORDERS.c.desk == bindparam("desk_is"), ORDERS.c.agent == bindparam("agent_is"),
        ORDERS.c.symbol == bindparam("symbol_is"),
    )
    .order_by(ORDERS.c.number.desc())
    .execution_options(yield_per=100)
)  # fmt: skip
_ONE = select(ORDERS).where(ORDERS.c.client_order_id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders to list; None means any."""

    desk: str | None = None
    agent: str | None = None
    symbol: str | None = None
    status: OrderStatus | None = None


@dataclass(frozen=True, slots=True)
class AgentHolding:
    """What one agent holds in a symbol; quantity is signed."""

    desk: str
    agent: str
    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ProtectionEvent:
    """Who stopped or released trading, when (wall clock) and why."""

    action: str
    issued_by: str
    reason: str
    at: datetime


class Ledger:
    """Orders, fills, positions and the outbox in one database. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{READING: True})
        # SQLite takes one writer at a time: queueing here is fair and instant, its own waiting polls.
        self._writing = threading.Lock()

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """The ledger at a SQLAlchemy URL; raises `OldLedger` when it has to be migrated by hand."""
        engine = connect(url)
        prepare(engine)
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def entry(self) -> Iterator[LedgerEntry]:
        """One transaction: committed when the block ends well, as if it had never been otherwise."""
        with self._writing, self._engine.begin() as connection:
            entry = LedgerEntry(connection)
            yield entry
            entry.write()

    # --- what the API asks -----------------------------------------------------------------------------

    def order(self, client_order_id: str) -> OrderView | None:
        """One order."""
        with self._reading.connect() as connection:
            row = connection.execute(_ONE, {"id": client_order_id}).one_or_none()
            return None if row is None else order_in(row).view

    def orders(self, wanted: OrderFilter, limit: int) -> list[OrderView]:
        """The newest orders that fit, newest first."""
        query = select(ORDERS).order_by(ORDERS.c.number.desc()).limit(limit)
        for column, value in (
            (ORDERS.c.desk, wanted.desk),
            (ORDERS.c.agent, wanted.agent),
            (ORDERS.c.symbol, wanted.symbol),
            (ORDERS.c.status, wanted.status and str(wanted.status)),
        ):
            if value is not None:
                query = query.where(column == value)
        with self._reading.connect() as connection:
            return [order_in(row).view for row in connection.execute(query)]

    def open_orders(self) -> list[LedgerOrder]:
        """The orders to which something can still happen, oldest first."""
        query = select(ORDERS).where(ORDERS.c.status.in_(OPEN_STATUSES)).order_by(ORDERS.c.number)
        with self._reading.connect() as connection:
            return [order_in(row) for row in connection.execute(query)]

    def orders_since(self, moment: datetime) -> list[LedgerOrder]:
        """The orders made at or after a moment of the desk's clock, oldest first; reads back from the newest."""
        query = select(ORDERS).order_by(ORDERS.c.number.desc()).execution_options(yield_per=100)
        found: list[LedgerOrder] = []
        with self._reading.connect() as connection:
            for row in connection.execute(query):
                if row.created_at < moment:
                    break
                found.append(order_in(row))
        return found[::-1]

    def positions(self, desk: str | None = None, symbol: str | None = None) -> list[PositionView]:
        """The positions, by desk and symbol; a closed one stays with its realised profit."""
        query = select(POSITIONS).order_by(POSITIONS.c.desk, POSITIONS.c.symbol)
        if desk is not None:
            query = query.where(POSITIONS.c.desk == desk)
        if symbol is not None:
            query = query.where(POSITIONS.c.symbol == symbol)
        with self._reading.connect() as connection:
            return [position_in(row) for row in connection.execute(query)]

    def holdings(self) -> list[AgentHolding]:
        """What each agent holds, closed positions left out, in order of desk, agent and symbol."""
        query = select(AGENT_POSITIONS).order_by(*AGENT_POSITIONS.primary_key)
        with self._reading.connect() as connection:
            held = [
                AgentHolding(row.desk, row.agent, row.symbol, row.quantity)
                for row in connection.execute(query)
            ]
        return [holding for holding in held if holding.quantity]

    def holdings_by_agent(self) -> dict[tuple[str, str, str], Holding]:
        """What each agent traded in each symbol comes to, closed positions included, by (desk, agent, symbol)."""
        with self._reading.connect() as connection:
            rows = connection.execute(select(AGENT_POSITIONS).order_by(*AGENT_POSITIONS.primary_key)).all()
        return {
            (row.desk, row.agent, row.symbol): Holding(row.quantity, row.cost, row.realised_pnl, row.fees)
            for row in rows
        }

    def holding(self, desk: str, agent: str, symbol: str) -> Decimal:
        """What an agent holds in a symbol, signed."""
        with self._reading.connect() as connection:
            key = {"desk_is": desk, "agent_is": agent, "symbol_is": symbol}
            return connection.execute(_HELD, key).scalar_one_or_none() or Decimal(0)

    def newest_orders(
        self, desk: str, agent: str, symbol: str, *, enough: Callable[[LedgerOrder], bool]
    ) -> None:
        """Hand the agent's orders in a symbol to `enough`, from the newest back, until it says so."""
        key = {"desk_is": desk, "agent_is": agent, "symbol_is": symbol}
        with self._reading.connect() as connection:
            for row in connection.execute(_BY_AGENT, key):
                if enough(order_in(row)):
                    return

    # --- the outbox ------------------------------------------------------------------------------------

    def unpublished(self, limit: int, besides: Sequence[int] = ()) -> list[tuple[int, bytes]]:
        """The oldest messages that Pub/Sub does not have yet: row number and Message JSON, as written.

        `besides` are rows that it has, though they are not marked yet.
        """
        query = (
            select(OUTBOX.c.number, OUTBOX.c.message_json)
            .where(OUTBOX.c.published_at.is_(None))
            .order_by(OUTBOX.c.number)
            .limit(limit)
        )
        if besides:
            query = query.where(OUTBOX.c.number.not_in(besides))
        with self._reading.connect() as connection:
            return [(number, message) for number, message in connection.execute(query)]

    def mark_published(self, numbers: Sequence[int], moment: datetime) -> None:
        """Note that Pub/Sub has taken these outbox rows."""
        if not numbers:
            return
        with self._writing, self._engine.begin() as connection:
            connection.execute(_MARK, [{"row": number, "moment": moment} for number in numbers])

    def tell(self, message: Message) -> None:
        """Have a message published that belongs to no order; one that is known by its id is published once."""
        row = {"message_id": message.message_id, "message_json": message.to_json(), "published_at": None}
        with self._writing, self._engine.begin() as connection:
            known = select(OUTBOX.c.number).where(OUTBOX.c.message_id == message.message_id)
            if connection.execute(known).first() is None:
                connection.execute(insert(OUTBOX), [row])

    # --- the protection's audit ------------------------------------------------------------------------

    def note_protection(self, event: ProtectionEvent) -> None:
        """Write down who stopped or released trading."""
        row = {"action": event.action, "issued_by": event.issued_by, "reason": event.reason, "at": event.at}
        with self._writing, self._engine.begin() as connection:
            connection.execute(insert(PROTECTION_EVENTS), [row])

    def protection_events(self, limit: int) -> list[ProtectionEvent]:
        """The newest ones, newest first."""
        query = select(PROTECTION_EVENTS).order_by(PROTECTION_EVENTS.c.number.desc()).limit(limit)
        with self._reading.connect() as connection:
            return [
                ProtectionEvent(row.action, row.issued_by, row.reason, row.at)
                for row in connection.execute(query)
            ]

    # --- health ----------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Raises SQLAlchemyError when the database does not answer."""
        with self._reading.connect() as connection:
            connection.execute(text("SELECT 1"))

    def verify(self, *, from_start: bool = False) -> None:
        """Compare what is kept with what the fills say, since the last time; raises `LedgerDisagrees`."""
        with self._reading.connect() as connection:
            checkpoint = verify(connection, from_start=from_start)
        if checkpoint is not None:
            with self._writing, self._engine.begin() as connection:
                write_checkpoint(connection, *checkpoint)

    def state_hash(self) -> str:
        """A digest of all that was traded and told, the same for equal ledgers on any database."""
        with self._reading.connect() as connection:
            return state_hash(connection)
