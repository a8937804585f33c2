"""The message that tells one step of an order's life to the desk."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.orders import OrderRequest
from contracts.payloads import OrderExecution
from execution.exact import plain
from execution.order_life import Fill, OrderLife

SENDER = "execution"
_PLACES = Decimal("1e-12")


def execution_id(request: OrderRequest, sequence: int) -> str:
    """The id of an order's step number `sequence`: the same on any machine and after any restart."""
    return derived_id(request.decided_at, SENDER, request.desk, request.client_order_id, str(sequence))


def execution_message(
    request: OrderRequest,
    life: OrderLife,
    *,
    venue: str,
    venue_order_id: str | None,
    moment: datetime,
    fill: Fill | None = None,
    reason: str = "",
) -> Message:
    """The ORDER_EXECUTION message of the step that led to `life`; prices are told with 12 places."""
    identifier = execution_id(request, life.steps)
    average = life.average_price
    payload = OrderExecution(
        client_order_id=request.client_order_id,
        execution_id=identifier,
        sequence=life.steps,
        agent=request.agent,
        symbol=request.symbol,
        side=request.side,
        status=life.status,
        quantity=plain(life.quantity),
        filled_quantity=plain(life.filled_quantity),
        last_quantity=plain(fill.quantity) if fill else None,
        last_price=plain(fill.price) if fill else None,
        average_price=plain(average.quantize(_PLACES, ROUND_HALF_EVEN)) if average else None,
        fee=plain(fill.fee) if fill else Decimal(0),
        venue=venue,
        venue_order_id=venue_order_id,
        reason=reason,
    )
    return said_by(
        SENDER,
        payload,
        desk=request.desk,
        event_time=moment,
        correlation_id=request.correlation_id,
        derived_from=(identifier,),
    )
