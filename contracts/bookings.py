"""What the execution service's books say to the desk besides executions: funding, and how its ledger stands."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from contracts.model import Amounts, Contract, Name, Price, Text
from contracts.payloads import OrderStatus
from contracts.time import UtcTime


class Funding(Contract):
    """What one agent's position received (negative: paid) for being held at a funding time, as the ledger booked it.

    amount = -quantity x mark_price x rate, in quote currency: at a positive rate longs pay shorts. `quantity` is signed, as
    held at `funded_at`; `rate` is a share of the position's value. One for each agent and symbol, so an id each.
    """

    funding_id: Name
    agent: Name
    symbol: Name
    quantity: Decimal
    mark_price: Price
    rate: Annotated[Decimal, Field(ge=-1, le=1, max_digits=20, decimal_places=18)]
    amount: Decimal
    funded_at: UtcTime
    venue: Name


class LedgerQuestion(Contract):
    """What the trading job asks the execution service's ledger: its desk's positions, and how some orders stand."""

    desk: Name
    orders: tuple[Name, ...] = ()
    asked_at: UtcTime


class LedgerOrder(Contract):
    """An order as the execution service's ledger has it; without a status it has none of that id."""

    client_order_id: Name
    status: OrderStatus | None
    filled_quantity: Annotated[Decimal, Field(ge=0)] = Decimal(0)


class LedgerReport(Contract):
    """What the execution service's ledger said when the trading job asked it.

    `positions` are the desk's signed net quantities by symbol, None when there was no answer (`reason` says why);
    `orders` are those that were asked for. `at_start` is set when a job that starts asks.
    """

    positions: Amounts | None
    orders: tuple[LedgerOrder, ...] = ()
    reason: Text = ""
    at_start: bool = False
