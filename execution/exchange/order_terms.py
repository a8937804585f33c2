"""The parameters of POST v3/order, read and judged: what an order is, or the refusal that the venue would give. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from contracts.instruments import INSTRUMENTS
from contracts.orders import OrderType, TimeInForce
from execution.exchange.listing import amount, check_filters, client_id
from execution.exchange.order_record import OrderRecord
from execution.exchange.refusal import ApiError, missing

_ZERO = Decimal(0)
_TRIGGERED = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
_CALLBACKS = (Decimal("0.1"), Decimal(5))


def read_order(
    parameters: Mapping[str, str],
    symbols: frozenset[str],
    *,
    account: str,
    is_hedged: bool,
    order_id: int,
    ms: int,
) -> OrderRecord:
    """The order that the parameters ask for; raises `ApiError`."""
    symbol = parameters.get("symbol", "")
    if symbol not in symbols:
        raise ApiError(-1121, "Invalid symbol.")
    side = parameters.get("side", "")
    if side not in ("BUY", "SELL"):
        raise ApiError(-1117, "Invalid side.")
    if parameters.get("closePosition", "false").lower() == "true":
        raise ApiError(-1130, "closePosition is not simulated here: give a quantity.")
    try:
        kind = OrderType(parameters.get("type", ""))
    except ValueError:
        raise ApiError(-1116, "Invalid orderType.") from None
    quantity = amount(parameters, "quantity")
    price = amount(parameters, "price") if kind is OrderType.LIMIT else None
    stop = amount(parameters, "stopPrice") if kind in _TRIGGERED else None
    callback = _ZERO
    if kind is OrderType.TRAILING_STOP_MARKET:
        callback = amount(parameters, "callbackRate")
        if not _CALLBACKS[0] <= callback <= _CALLBACKS[1]:
            raise ApiError(-2007, "Invalid callBack rate")
        stop = amount(parameters, "activationPrice") if "activationPrice" in parameters else None
    check_filters(INSTRUMENTS[symbol], kind, quantity, price, stop)
    position_side, reduce_only = _position_side(parameters, side, is_hedged=is_hedged)
    given = "newClientOrderId" in parameters
    return OrderRecord(
        order_id=order_id,
        account=account,
        client_order_id=client_id(parameters, "newClientOrderId") if given else f"sim-{order_id}",
        symbol=symbol,
        side=side,
        position_side=position_side,
        type=kind,
        quantity=quantity,
        time_in_force=_time_in_force(parameters, kind),
        ms=ms,
        price=price or _ZERO,
        stop=stop or _ZERO,
        callback=callback,
        reduce_only=reduce_only,
        working_type=parameters.get("workingType", "CONTRACT_PRICE"),
    )


def _time_in_force(parameters: Mapping[str, str], kind: OrderType) -> TimeInForce:
    if kind is OrderType.LIMIT and "timeInForce" not in parameters:
        raise missing("timeInForce")
    try:
        return TimeInForce(parameters.get("timeInForce", "GTC"))
    except ValueError:
        raise ApiError(-1115, "Invalid timeInForce.") from None


def _position_side(parameters: Mapping[str, str], side: str, *, is_hedged: bool) -> tuple[str, bool]:
    """The side of the position, and whether the order may only reduce it."""
    position_side = parameters.get("positionSide", "BOTH")
    if position_side not in (("LONG", "SHORT") if is_hedged else ("BOTH",)):
        raise ApiError(-4061, "Order's position side does not match user's setting.")
    asked = parameters.get("reduceOnly", "false").lower() == "true"
    if not is_hedged:
        return position_side, asked
    if "reduceOnly" in parameters:
        raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")
    return position_side, (side == "BUY") == (position_side == "SHORT")
