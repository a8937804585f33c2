"""What is traded, as exchangeInfo tells it, and whether an order keeps to it. Pure."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.instruments import INSTRUMENTS, Instrument
from contracts.orders import OrderType, TimeInForce
from execution.exact import plain
from execution.exchange.refusal import ApiError, missing
from execution.exchange.weights import Weights

MOST_PRICE, MOST_QUANTITY, MOST_AT_MARKET = Decimal(10_000_000), Decimal(10_000), Decimal(1_000)
MOST_OPEN, MOST_WAITING = 200, 100
"""Open orders of an account in a symbol, and those of them that wait for a price."""

_PERPETUAL_END = 4_133_404_800_000
_LISTED = 1_600_000_000_000
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")


def exchange_info(symbols: Iterable[str], weights: Weights, server_ms: int) -> dict[str, Any]:
    """The answer of GET exchangeInfo."""
    minute = {"interval": "MINUTE", "intervalNum": 1}
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", **minute, "limit": weights.weight_limit},
            {"rateLimitType": "ORDERS", **minute, "limit": weights.order_limit},
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [_market(INSTRUMENTS[symbol]) for symbol in symbols],
    }


def amount(parameters: Mapping[str, str], name: str) -> Decimal:
    """A parameter that is a positive number; raises `ApiError`."""
    try:
        value = Decimal(parameters[name])
    except (KeyError, InvalidOperation):
        raise missing(name) from None
    if not value.is_finite() or value <= 0:
        raise missing(name)
    return value


def client_id(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that is a client order id; raises `ApiError`."""
    value = parameters.get(name, "")
    if not _CLIENT_ID.fullmatch(value):
        raise ApiError(-4015, "Client order id length should be less than 36 chars")
    return value


def check_filters(
    instrument: Instrument, kind: OrderType, quantity: Decimal, price: Decimal | None, stop: Decimal | None
) -> None:
    """Raises `ApiError` with the venue's code when an order breaks a filter."""
    most = MOST_QUANTITY if kind is OrderType.LIMIT else MOST_AT_MARKET
    if quantity % instrument.lot:
        raise ApiError(-1111, "Precision is over the maximum defined for this asset.")
    if quantity < instrument.lot:
        raise ApiError(-4003, "Quantity less than zero.")
    if quantity > most:
        raise ApiError(-4005, "Quantity greater than max quantity.")
    for value in (price, stop):
        if value is not None and value % instrument.tick:
            raise ApiError(-4014, "Price not increased by tick size.")
        if value is not None and value > MOST_PRICE:
            raise ApiError(-4002, "Price greater than max price.")


def _market(instrument: Instrument) -> dict[str, Any]:
    tick, lot = str(plain(instrument.tick)), str(plain(instrument.lot))
    return {
        "symbol": instrument.symbol, "pair": instrument.symbol, "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_END, "onboardDate": _LISTED, "status": "TRADING",
        "maintMarginPercent": "0.5000", "requiredMarginPercent": "10.0000",
        "baseAsset": instrument.base, "quoteAsset": instrument.quote, "marginAsset": instrument.quote,
        "pricePrecision": _places(instrument.tick), "quantityPrecision": _places(instrument.lot),
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "underlyingSubType": [],
        "settlePlan": 0, "triggerProtect": "0.0500", "liquidationFee": "0.010000", "marketTakeBound": "0.10",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": str(MOST_PRICE), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": str(MOST_QUANTITY), "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": str(MOST_AT_MARKET), "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": MOST_OPEN},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": MOST_WAITING},
            {"filterType": "MIN_NOTIONAL", "notional": str(plain(instrument.min_notional))},
        ],
        "orderTypes": [str(kind) for kind in OrderType],
        "timeInForce": [str(kind) for kind in TimeInForce],
    }  # fmt: skip


def _places(step: Decimal) -> int:
    return max(-int(plain(step).as_tuple().exponent), 0)
