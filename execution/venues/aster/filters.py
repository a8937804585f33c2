"""The venue's own filters, from exchangeInfo: what breaks one is refused here, never rounded into another order. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.orders import OrderRequest, OrderType
from execution.exact import plain

_WIDEST_CALLBACK = 5
"""The venue's trailing stops follow at 0.1 to 5 percent."""
_AT_MARKET = {
    OrderType.MARKET, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.TRAILING_STOP_MARKET,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """One symbol's rules; zero is no bound."""

    symbol: str
    tick: Decimal
    step: Decimal
    market_step: Decimal
    least: Decimal
    most: Decimal
    market_most: Decimal
    least_price: Decimal
    most_price: Decimal
    least_notional: Decimal

    @classmethod
    def of(cls, market: Mapping[str, Any]) -> "Filters":
        """From one entry of exchangeInfo's `symbols`; raises KeyError and ArithmeticError for what is none."""
        by_type = {one["filterType"]: one for one in market["filters"]}
        price, lot = by_type["PRICE_FILTER"], by_type["LOT_SIZE"]
        at_market, notional = by_type.get("MARKET_LOT_SIZE", lot), by_type.get("MIN_NOTIONAL", {})
        return cls(
            symbol=market["symbol"],
            tick=Decimal(price["tickSize"]),
            step=Decimal(lot["stepSize"]),
            market_step=Decimal(at_market["stepSize"]),
            least=Decimal(lot["minQty"]),
            most=Decimal(lot["maxQty"]),
            market_most=Decimal(at_market["maxQty"]),
            least_price=Decimal(price["minPrice"]),
            most_price=Decimal(price["maxPrice"]),
            least_notional=Decimal(str(notional.get("notional", notional.get("minNotional", 0)))),
        )

    def broken_by(self, request: OrderRequest, quantity: Decimal) -> str | None:
        """Which rule an order of `quantity` breaks, in one line; None when it keeps them all."""
        at_market = request.type in _AT_MARKET
        step, most = (self.market_step, self.market_most) if at_market else (self.step, self.most)
        if step and quantity % step:
            return f"lot: {quantity} is no multiple of {plain(step)}"
        if quantity < self.least or (most and quantity > most):
            return f"lot: {quantity} is not within {plain(self.least)} and {plain(most)}"
        if request.callback_rate is not None and request.callback_rate > _WIDEST_CALLBACK:
            return f"callback_rate {request.callback_rate} is more than {_WIDEST_CALLBACK} percent"
        for name, price in (("limit_price", request.limit_price), ("stop_price", request.stop_price)):
            if price is None:
                continue
            if self.tick and price % self.tick:
                return f"tick: {name} {price} is no multiple of {plain(self.tick)}"
            if price < self.least_price or (self.most_price and price > self.most_price):
                return f"price: {name} {price} is not within {plain(self.least_price)} and {plain(self.most_price)}"
        worth = quantity * (request.limit_price or request.stop_price or request.reference_price)
        if not request.reduce_only and worth < self.least_notional:
            return (
                f"min_notional: the order is worth {plain(worth)}, the least is {plain(self.least_notional)}"
            )
        return None


def filters_of(info: Mapping[str, Any]) -> dict[str, Filters]:
    """By symbol, from an exchangeInfo answer: the perpetuals that are traded."""
    return {
        market["symbol"]: Filters.of(market)
        for market in info["symbols"]
        if market.get("status") == "TRADING" and market.get("contractType") == "PERPETUAL"
    }
