"""Aster's words and ours: an order as its parameters, its answers and stream events as what became of an order. Pure.

A commission is told with a minus in one place of the venue's documentation and without in another: its amount is
taken, so that a maker's rebate would count as a cost. One in another asset than the quote's counts as if it were worth
as much when that asset is a dollar too; otherwise it is estimated at the taker rate (`TAKER_RATE`).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from contracts.orders import OrderRequest, OrderType
from contracts.payloads import OrderStatus, Side
from execution.exact import EXACT, plain
from execution.order_life import Fill
from execution.venues.aster.settings import PositionMode
from execution.venues.venue import VenueAnswer

TAKER_RATE = Decimal("0.00035")
"""What a commission in an unknown asset is estimated at, as a share of the trade's value."""

_DOLLARS = {"USDT", "USDC", "USDF", "USD1", "USD", "USDE"}
_TRIGGERED = {OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET}
_ENDS = {
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


def order_parameters(
    request: OrderRequest, quantity: Decimal, mode: PositionMode, *, reduce_only: bool
) -> dict[str, str]:
    """The parameters of POST v3/order; `reduce_only` is whether the venue is to hold the order to it.

    In hedge mode the side of the position says it: an order that reduces sells from LONG or buys from SHORT.
    """
    parameters = {
        "symbol": request.symbol,
        "side": str(request.side),
        "type": str(request.type),
        "quantity": f"{plain(quantity):f}",
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "RESULT",
    }
    if request.type is OrderType.LIMIT and request.limit_price is not None:
        parameters |= {"price": f"{plain(request.limit_price):f}", "timeInForce": str(request.time_in_force)}
    if request.type in _TRIGGERED and request.stop_price is not None:
        parameters["stopPrice"] = f"{plain(request.stop_price):f}"
    if request.type is OrderType.TRAILING_STOP_MARKET and request.callback_rate is not None:
        parameters["callbackRate"] = f"{plain(request.callback_rate):f}"
        if request.stop_price is not None:
            parameters["activationPrice"] = f"{plain(request.stop_price):f}"
    if mode is PositionMode.HEDGE:
        is_long = (request.side is Side.BUY) != request.reduce_only
        return parameters | {"positionSide": "LONG" if is_long else "SHORT"}
    return parameters | {"positionSide": "BOTH"} | ({"reduceOnly": "true"} if reduce_only else {})


def answer_of(order: Mapping[str, Any], trades: Iterable[Mapping[str, Any]] = ()) -> VenueAnswer:
    """What a v3/order answer says, with the account's trades of it."""
    identifier = str(order["orderId"])
    fills = tuple(
        _fill(trade["qty"], trade["price"], trade["commission"], trade["commissionAsset"], trade["id"])
        for trade in trades
        if str(trade["orderId"]) == identifier
    )
    status = str(order["status"])
    return VenueAnswer(
        identifier, fills, _ENDS.get(status), _reason(status), filled=Decimal(str(order["executedQty"]))
    )


def news_of(event: Mapping[str, Any]) -> tuple[str, VenueAnswer]:
    """The client_order_id and what an ORDER_TRADE_UPDATE event tells of it."""
    told = event["o"]
    status = str(told["X"])
    fills: tuple[Fill, ...] = ()
    if told.get("x") == "TRADE" and Decimal(str(told["l"])):
        fills = (_fill(told["l"], told["L"], told.get("n", "0"), told.get("N", "USDT"), told["t"]),)
    return str(told["c"]), VenueAnswer(
        str(told["i"]), fills, _ENDS.get(status), _reason(status), filled=Decimal(str(told["z"]))
    )


def positions_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Net signed quantities by symbol, from a positionRisk answer in either mode; a SHORT side counts as negative."""
    net: dict[str, Decimal] = {}
    for row in rows:
        amount = Decimal(str(row["positionAmt"]))
        if row.get("positionSide") == "SHORT":
            amount = -abs(amount)
        net[row["symbol"]] = net.get(row["symbol"], Decimal(0)) + amount
    return net


def _reason(status: str) -> str:
    return "" if status in ("NEW", "PARTIALLY_FILLED", "FILLED") else f"the venue says {status}"


def _fill(quantity: Any, price: Any, commission: Any, asset: Any, trade_id: Any) -> Fill:
    traded, paid = Decimal(str(quantity)), Decimal(str(price))
    fee = abs(Decimal(str(commission)))
    if fee and str(asset) not in _DOLLARS:
        fee = EXACT.multiply(EXACT.multiply(traded, paid), TAKER_RATE)
    return Fill(plain(traded), plain(paid), plain(fee), trade_id=str(trade_id))
