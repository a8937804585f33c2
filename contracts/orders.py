"""Orders as the trading job asks for them and the execution service answers."""

import hashlib
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from contracts.model import Contract, Name, Price, Quantity, Text
from contracts.payloads import OrderStatus, Side
from contracts.time import UtcTime


class OrderType(StrEnum):
    """How an order wants to be filled."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"


class OrderRequest(Contract):
    """An order to be placed: the body of POST /orders.

    The same client_order_id is the same order, however often it is sent. `decided_at` is the event time of what it
    follows from; `reference_price` is the mark that it was checked against.
    """

    client_order_id: str = Field(pattern=r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
    desk: Name
    agent: Name
    symbol: Name
    side: Side
    type: OrderType = OrderType.MARKET
    quantity: Quantity
    limit_price: Price | None = None
    reference_price: Price
    reduce_only: bool = False
    stop_loss: Price | None = None
    take_profit: Price | None = None
    correlation_id: Name
    decided_at: UtcTime


class OrderView(Contract):
    """An order as the ledger holds it: the answer of POST /orders and the rows of GET /orders."""

    request: OrderRequest
    status: OrderStatus
    filled_quantity: Decimal
    average_price: Decimal | None
    fees: Decimal
    venue: Name
    venue_order_id: Name | None
    reason: Text
    created_at: UtcTime
    updated_at: UtcTime


class PositionView(Contract):
    """What the ledger says that the desk holds in a symbol: the rows of GET /positions; quantity is signed."""

    desk: Name
    symbol: Name
    quantity: Decimal
    entry_price: Decimal | None
    realised_pnl: Decimal
    fees: Decimal


def client_order_id(desk: str, correlation_id: str) -> str:
    """The client order id that follows from a decision: 36 characters that any venue accepts, so a retry is no new order."""
    return f"sph-{hashlib.blake2b(f'{desk}/{correlation_id}'.encode(), digest_size=16).hexdigest()}"
