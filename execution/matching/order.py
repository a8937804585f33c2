"""An order as the matching core takes it: an OrderRequest's terms in units (execution/matching/units.py)."""

from dataclasses import dataclass
from decimal import Decimal

from contracts.orders import OrderRequest, OrderType, TimeInForce
from execution.matching.units import UNIT, units


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `sign` is +1 for a buy, -1 for a sell; a price or rate of 0 is none; quantity is positive.

    `callback` is the trailing stop's distance as a share in units: 1 % is UNIT // 100.
    """

    client_order_id: str
    symbol: str
    sign: int
    quantity: int
    type: OrderType = OrderType.MARKET
    limit: int = 0
    time_in_force: TimeInForce = TimeInForce.GTC
    stop: int = 0
    callback: int = 0
    reduce_only: bool = False

    @classmethod
    def of(cls, request: OrderRequest, quantity: Decimal | None = None) -> "Order":
        """The request's order, for `quantity` of it when that is given.

        Raises ValueError when an amount is finer than 1e-8.
        """
        return cls(
            request.client_order_id,
            request.symbol,
            request.side.sign,
            units(request.quantity if quantity is None else quantity),
            request.type,
            units(request.limit_price or Decimal(0)),
            request.time_in_force,
            units(request.stop_price or Decimal(0)),
            int((request.callback_rate or Decimal(0)) * (UNIT // 100)),
            request.reduce_only,
        )
