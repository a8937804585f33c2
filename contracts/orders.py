"""Orders as the trading job asks for them and the execution service answers."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.model import Contract, Name, Price, Quantity, Text
from contracts.payloads import OrderStatus, Side
from contracts.time import UtcTime


class OrderType(StrEnum):
    """How an order wants to be filled; the last three wait for a price and are market orders from then on."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        """Whether it waits for a price."""
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class TimeInForce(StrEnum):
    """What becomes of a limit order that cannot trade at once, in the venue's words."""

    GTC = "GTC"
    """Rests until it is filled or cancelled."""
    IOC = "IOC"
    """Trades what it can at once; the rest expires."""
    FOK = "FOK"
    """Trades at once and whole, or expires."""
    GTX = "GTX"
    """Post-only: rests, and expires instead of trading at once."""


class OrderRequest(Contract):
    """An order to be placed: the body of POST /orders.

    The same client_order_id is the same order, however often it is sent. `decided_at` is the event time of what it
    follows from; `reference_price` is the mark that it was checked against.

    What an order needs besides its type is told by `misfit`:

        MARKET                  nothing
        LIMIT                   limit_price; time_in_force says what becomes of the rest, which expires if nothing is said
        STOP_MARKET             stop_price: a buy fires when the price rises to it, a sell when it falls to it
        TAKE_PROFIT_MARKET      stop_price: a buy fires when the price falls to it, a sell when it rises to it
        TRAILING_STOP_MARKET    callback_rate: percent between the best price since and where it fires; with a
                                stop_price it follows only once the price has been there (the venue's activation price)
    """

    client_order_id: str = Field(pattern=r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
    desk: Name
    agent: Name
    symbol: Name
    side: Side
    type: OrderType = OrderType.MARKET
    quantity: Quantity
    limit_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.IOC
    stop_price: Price | None = None
    callback_rate: Annotated[Decimal, Field(ge=Decimal("0.1"), le=10, decimal_places=2)] | None = None
    reference_price: Price
    reduce_only: bool = False
    stop_loss: Price | None = None
    take_profit: Price | None = None
    correlation_id: Name
    decided_at: UtcTime

    def misfit(self) -> tuple[str, str] | None:
        """The field that does not go with the order's type, and what to change in a sentence; None when all do."""
        for field, used_by, needed_by in _USES:
            given = getattr(self, field) is not None
            if self.type in needed_by and not given:
                return field, f"a {self.type} order needs one"
            if self.type not in used_by and given:
                return (
                    field,
                    f"a {self.type} order has none: leave it out, or ask for a {' or '.join(used_by)} order",
                )
        return None


_USES: tuple[tuple[str, tuple[OrderType, ...], tuple[OrderType, ...]], ...] = (
    ("limit_price", (OrderType.LIMIT,), (OrderType.LIMIT,)),
    (
        "stop_price",
        (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.TRAILING_STOP_MARKET),
        (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET),
    ),
    ("callback_rate", (OrderType.TRAILING_STOP_MARKET,), (OrderType.TRAILING_STOP_MARKET,)),
)
"""Field, the types that may have it, the types that must."""


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


def bracket_order_id(entry_client_order_id: str, leg: Literal["stop", "target"]) -> str:
    """The client order id of an entry's stop or target: derived and 36 characters long, and no entry begins like it.

    A leg is a reduce_only order of the entry's agent, symbol and correlation_id to the other side.
    """
    digest = hashlib.blake2b(f"{entry_client_order_id}/{leg}".encode(), digest_size=16).hexdigest()
    return f"sp{leg[0]}-{digest}"
