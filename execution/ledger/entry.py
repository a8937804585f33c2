"""One entry in the ledger: what a single transaction writes about an order.

Every step writes three things or none: where the order stands now, the step itself, and the message that
tells it.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.execution_message import execution_id, execution_message
from execution.holding import Holding
from execution.ledger.records import (
    AgentPositionRecord,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    OutboxRecord,
    PositionRecord,
)
from execution.order_life import Fill, OrderLife


class LedgerEntry:
    """Writes in an open transaction; `Ledger.entry()` opens and commits it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[tuple[str, str, str], AgentPositionRecord] = {}

    def find(self, client_order_id: str) -> OrderRecord | None:
        """The order with this id, if the ledger has it."""
        return self._session.scalar(select(OrderRecord).where(OrderRecord.client_order_id == client_order_id))

    def held_by(self, desk: str, agent: str, symbol: str) -> Decimal:
        """What an agent holds in a symbol, signed."""
        return self._agent_position(desk, agent, symbol).quantity

    def open(self, request: OrderRequest, quantity: Decimal, venue: str, moment: datetime) -> OrderRecord:
        """A NEW order for `quantity` of what was requested; the commit raises IntegrityError when its id is taken."""
        order = OrderRecord(
            client_order_id=request.client_order_id,
            desk=request.desk,
            agent=request.agent,
            symbol=request.symbol,
            request_json=request.to_json().decode(),
            quantity=quantity,
            venue=venue,
            venue_order_id=None,
            created_at=moment,
        )
        order.take(OrderLife(quantity), moment)
        self._session.add(order)
        return order

    def move(self, order: OrderRecord, status: OrderStatus, moment: datetime, reason: str = "") -> None:
        """Write a step without a fill; raises `IllegalStep`."""
        self._write(order, order.life.move(status, reason), moment, reason=reason)

    def fill(self, order: OrderRecord, fill: Fill, moment: datetime) -> None:
        """Write a trade and what it makes of the positions; raises `IllegalStep`."""
        self._write(order, order.life.fill(fill), moment, fill=fill)
        request = order.request
        traded = fill.quantity * request.side.sign
        self._session.add(
            FillRecord(
                execution_id=execution_id(request, order.steps),
                client_order_id=order.client_order_id,
                desk=order.desk,
                agent=order.agent,
                symbol=order.symbol,
                quantity=traded,
                price=fill.price,
                fee=fill.fee,
                event_time=moment,
            )
        )
        for record in self._positions(order):
            record.take(record.holding.after(traded, fill.price, fill.fee))

    def _positions(self, order: OrderRecord) -> tuple[PositionRecord, AgentPositionRecord]:
        """The desk's and the agent's position that an order moves, locked until the transaction ends."""
        of_desk = self._session.get(PositionRecord, (order.desk, order.symbol), with_for_update=True)
        if of_desk is None:
            of_desk = PositionRecord(desk=order.desk, symbol=order.symbol)
            of_desk.take(Holding())
            self._session.add(of_desk)
        of_agent = self._agent_position(order.desk, order.agent, order.symbol)
        self._session.add(of_agent)
        return of_desk, of_agent

    def _agent_position(self, desk: str, agent: str, symbol: str) -> AgentPositionRecord:
        """The position, locked and read once in a transaction; an empty one is written only when it is moved."""
        key = (desk, agent, symbol)
        if key not in self._held:
            record = self._session.get(AgentPositionRecord, key, with_for_update=True)
            if record is None:
                record = AgentPositionRecord(desk=desk, agent=agent, symbol=symbol)
                record.take(Holding())
            self._held[key] = record
        return self._held[key]

    def _write(
        self,
        order: OrderRecord,
        life: OrderLife,
        moment: datetime,
        fill: Fill | None = None,
        reason: str = "",
    ) -> None:
        order.take(life, moment)
        request = order.request
        message = execution_message(
            request,
            life,
            venue=order.venue,
            venue_order_id=order.venue_order_id,
            moment=moment,
            fill=fill,
            reason=reason,
        )
        self._session.add_all(
            [
                OrderEventRecord(
                    execution_id=execution_id(request, life.steps),
                    client_order_id=order.client_order_id,
                    sequence=life.steps,
                    status=str(life.status),
                    reason=reason,
                    event_time=moment,
                ),
                OutboxRecord(
                    message_id=message.message_id, message_json=message.to_json(), published_at=None
                ),
            ]
        )
