"""One entry in the ledger: what a single transaction writes about an order.

Every step writes three things or none: where the order stands now, the step itself, and the message that
tells it. They are gathered, and written table by table when the entry ends: a statement costs more than a row.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.execution_message import execution_id, execution_message
from execution.holding import Holding
from execution.ledger.order import LedgerOrder
from execution.ledger.records import (
    AGENT_POSITIONS,
    FILLS,
    OPEN_STATUSES,
    ORDER_EVENTS,
    ORDERS,
    OUTBOX,
    POSITIONS,
    order_in,
)
from execution.order_life import Fill, OrderLife
from execution.reduce_only import is_bracket

_CHANGING = (
    "status", "filled_quantity", "notional", "fees", "steps", "reason", "venue_order_id", "updated_at",
)  # fmt: skip

_FIND = select(ORDERS).where(ORDERS.c.client_order_id == bindparam("id")).with_for_update()
_TRADES = select(FILLS.c.trade_id).where(FILLS.c.client_order_id == bindparam("id"))
_REDUCING = select(ORDERS).where(
    ORDERS.c.status.in_(OPEN_STATUSES), ORDERS.c.desk == bindparam("desk_is"),
    ORDERS.c.agent == bindparam("agent_is"), ORDERS.c.symbol == bindparam("symbol_is"),
)  # fmt: skip
_UPDATE_ORDER = (
    update(ORDERS)
    .where(ORDERS.c.client_order_id == bindparam("id"))
    .values({name: bindparam(name) for name in _CHANGING})
)

_Key = tuple[str, ...]


def _of(table: Table) -> tuple[Any, Any]:
    """How a position is looked up (locked until the transaction ends) and changed, by its whole key."""
    this = [column == bindparam(f"{column.name}_is") for column in table.primary_key]
    held: dict[str, Any] = {name: bindparam(name) for name in ("quantity", "cost", "realised_pnl", "fees")}
    return select(table).where(*this).with_for_update(), update(table).where(*this).values(held)


_POSITION = {POSITIONS.name: _of(POSITIONS), AGENT_POSITIONS.name: _of(AGENT_POSITIONS)}

_INSERT = {
    table.name: insert(table) for table in (ORDERS, ORDER_EVENTS, OUTBOX, FILLS, POSITIONS, AGENT_POSITIONS)
}
"""Made once: making a statement costs as much as running it."""


class LedgerEntry:
    """Writes in an open transaction; `Ledger.entry()` opens and commits it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._new: dict[str, LedgerOrder] = {}
        self._changed: dict[str, LedgerOrder] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {
            table.name: [] for table in (ORDER_EVENTS, OUTBOX, FILLS)
        }
        self._held: dict[tuple[str, _Key], tuple[Holding, bool]] = {}
        self._traded: set[tuple[str, _Key]] = set()

    def find(self, client_order_id: str) -> LedgerOrder | None:
        """The order with this id, if the ledger has it; locked until the entry ends."""
        row = self._connection.execute(_FIND, {"id": client_order_id}).one_or_none()
        return None if row is None else order_in(row)

    def known_trades(self, client_order_id: str) -> set[str]:
        """The ids of the trades of an order that are written already."""
        return set(self._connection.execute(_TRADES, {"id": client_order_id}).scalars())

    def held_by(self, desk: str, agent: str, symbol: str) -> Decimal:
        """What an agent holds in a symbol, signed."""
        return self._holding(AGENT_POSITIONS, (desk, agent, symbol)).quantity

    def reducing(self, desk: str, agent: str, symbol: str) -> Decimal:
        """What the agent's open reduce-only orders in the symbol may still trade, signed; legs of brackets left out."""
        rows = self._connection.execute(_REDUCING, {"desk_is": desk, "agent_is": agent, "symbol_is": symbol})
        orders = [
            order
            for order in map(order_in, rows)
            if order.request.reduce_only and not is_bracket(order.request)
        ]
        return sum((_remaining(order) for order in orders), Decimal(0))

    def open(self, request: OrderRequest, quantity: Decimal, venue: str, moment: datetime) -> LedgerOrder:
        """A NEW order for `quantity` of what was requested; IntegrityError when its id is taken."""
        order = LedgerOrder(request, OrderLife(quantity), venue, None, moment, moment)
        self._new[request.client_order_id] = order
        return order

    def move(self, order: LedgerOrder, status: OrderStatus, moment: datetime, reason: str = "") -> None:
        """Write a step without a fill; raises `IllegalStep`."""
        self._step(order, order.life.move(status, reason), moment, reason=reason)

    def fill(self, order: LedgerOrder, fill: Fill, moment: datetime) -> None:
        """Write a trade and what it makes of the positions; raises `IllegalStep`."""
        self._step(order, order.life.fill(fill), moment, fill=fill)
        request = order.request
        traded = fill.quantity * request.side.sign
        self._rows[FILLS.name].append(
            {
                "execution_id": execution_id(request, order.life.steps),
                "client_order_id": request.client_order_id,
                "trade_id": fill.trade_id or str(order.life.steps),
                "desk": request.desk,
                "agent": request.agent,
                "symbol": request.symbol,
                "quantity": traded,
                "price": fill.price,
                "fee": fill.fee,
                "event_time": moment,
            }
        )
        for table, key in (
            (POSITIONS, (request.desk, request.symbol)),
            (AGENT_POSITIONS, (request.desk, request.agent, request.symbol)),
        ):
            holding = self._holding(table, key)
            known = self._held[table.name, key][1]
            self._held[table.name, key] = holding.after(traded, fill.price, fill.fee), known
            self._traded.add((table.name, key))

    def write(self) -> None:
        """Send everything to the database; `Ledger.entry()` calls it before the commit."""
        if self._new:
            self._connection.execute(
                _INSERT[ORDERS.name], [_order_row(order) for order in self._new.values()]
            )
        for identifier, order in self._changed.items():
            self._connection.execute(_UPDATE_ORDER, _life_row(order) | {"id": identifier})
        for table in (ORDER_EVENTS, OUTBOX, FILLS):
            if rows := self._rows[table.name]:
                self._connection.execute(_INSERT[table.name], rows)
        for table in (POSITIONS, AGENT_POSITIONS):
            names = [column.name for column in table.primary_key]
            for name, key in self._traded:
                if name == table.name:
                    self._write_position(table, dict(zip(names, key, strict=True)), *self._held[name, key])

    def _write_position(self, table: Table, key: Mapping[str, str], holding: Holding, known: bool) -> None:
        row = {
            "quantity": holding.quantity,
            "cost": holding.cost,
            "realised_pnl": holding.realised_pnl,
            "fees": holding.fees,
        }
        if known:
            where = {f"{name}_is": value for name, value in key.items()}
            self._connection.execute(_POSITION[table.name][1], row | where)
        else:
            self._connection.execute(_INSERT[table.name], [row | dict(key)])

    def _holding(self, table: Table, key: _Key) -> Holding:
        """What is held, read once in a transaction."""
        if (table.name, key) not in self._held:
            where = {f"{column.name}_is": value for column, value in zip(table.primary_key, key, strict=True)}
            row = self._connection.execute(_POSITION[table.name][0], where).one_or_none()
            holding = (
                Holding() if row is None else Holding(row.quantity, row.cost, row.realised_pnl, row.fees)
            )
            self._held[table.name, key] = holding, row is not None
        return self._held[table.name, key][0]

    def _step(
        self,
        order: LedgerOrder,
        life: OrderLife,
        moment: datetime,
        fill: Fill | None = None,
        reason: str = "",
    ) -> None:
        request = order.request
        order.life, order.updated_at = life, moment
        if request.client_order_id not in self._new:
            self._changed[request.client_order_id] = order
        message = execution_message(
            request,
            life,
            venue=order.venue,
            venue_order_id=order.venue_order_id,
            moment=moment,
            fill=fill,
            reason=reason,
        )
        self._rows[ORDER_EVENTS.name].append(
            {
                "execution_id": execution_id(request, life.steps),
                "client_order_id": request.client_order_id,
                "sequence": life.steps,
                "status": str(life.status),
                "reason": reason,
                "event_time": moment,
            }
        )
        self._rows[OUTBOX.name].append(
            {"message_id": message.message_id, "message_json": message.to_json(), "published_at": None}
        )


def _remaining(order: LedgerOrder) -> Decimal:
    return (order.life.quantity - order.life.filled_quantity) * order.request.side.sign


def _life_row(order: LedgerOrder) -> dict[str, Any]:
    life = order.life
    return {
        "status": str(life.status),
        "filled_quantity": life.filled_quantity,
        "notional": life.notional,
        "fees": life.fees,
        "steps": life.steps,
        "reason": life.reason,
        "venue_order_id": order.venue_order_id,
        "updated_at": order.updated_at,
    }


def _order_row(order: LedgerOrder) -> dict[str, Any]:
    request = order.request
    return _life_row(order) | {
        "client_order_id": request.client_order_id,
        "desk": request.desk,
        "agent": request.agent,
        "symbol": request.symbol,
        "request_json": request.to_json().decode(),
        "quantity": order.life.quantity,
        "venue": order.venue,
        "created_at": order.created_at,
    }
