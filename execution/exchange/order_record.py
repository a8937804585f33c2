"""An order and its trades as the exchange keeps and tells them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from contracts.orders import OrderType, TimeInForce
from execution.exact import EXACT, plain

_ZERO = Decimal(0)
OPEN = ("NEW", "PARTIALLY_FILLED")


@dataclass(slots=True)
class TradeRecord:
    """One trade of an order; `realised` is the profit that it booked, before its fee."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    is_maker: bool
    realised: Decimal
    ms: int


@dataclass(slots=True)
class OrderRecord:
    """One order: what was asked for, in the API's words, and what became of it."""

    order_id: int
    account: str
    client_order_id: str
    symbol: str
    side: str
    position_side: str
    type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce
    ms: int
    price: Decimal = _ZERO
    stop: Decimal = _ZERO
    callback: Decimal = _ZERO
    reduce_only: bool = False
    working_type: str = "CONTRACT_PRICE"
    status: str = "NEW"
    updated_ms: int = 0
    is_triggered: bool = False
    trades: list[TradeRecord] = field(default_factory=list)

    @property
    def executed(self) -> Decimal:
        """What traded."""
        return sum((trade.quantity for trade in self.trades), _ZERO)

    @property
    def quote(self) -> Decimal:
        """What it was worth."""
        return sum((EXACT.multiply(trade.quantity, trade.price) for trade in self.trades), _ZERO)

    @property
    def is_open(self) -> bool:
        """Whether something can still happen."""
        return self.status in OPEN

    @property
    def average(self) -> Decimal:
        """The average price; 0 before the first trade."""
        return self.quote / self.executed if self.trades else _ZERO

    def answer(self) -> dict[str, Any]:
        """As the API tells it."""
        told = {
            "orderId": self.order_id,
            "symbol": self.symbol,
            "status": self.status,
            "clientOrderId": self.client_order_id,
            "price": _text(self.price),
            "avgPrice": _price(self.average),
            "origQty": _text(self.quantity),
            "executedQty": _text(self.executed),
            "cumQty": _text(self.executed),
            "cumQuote": _text(self.quote),
            "timeInForce": str(self.time_in_force),
            "type": str(OrderType.MARKET if self.is_triggered else self.type),
            "reduceOnly": self.reduce_only,
            "closePosition": False,
            "side": self.side,
            "positionSide": self.position_side,
            "stopPrice": _text(self.stop),
            "workingType": self.working_type,
            "priceProtect": False,
            "origType": str(self.type),
            "time": self.ms,
            "updateTime": self.updated_ms or self.ms,
        }
        if self.type is OrderType.TRAILING_STOP_MARKET:
            told |= {"activatePrice": _text(self.stop), "priceRate": _text(self.callback)}
        return told

    def trade_answers(self) -> list[dict[str, Any]]:
        """Its trades as GET userTrades tells them."""
        return [
            {
                "symbol": self.symbol,
                "id": trade.trade_id,
                "orderId": self.order_id,
                "side": self.side,
                "positionSide": self.position_side,
                "price": _text(trade.price),
                "qty": _text(trade.quantity),
                "quoteQty": _text(EXACT.multiply(trade.price, trade.quantity)),
                "realizedPnl": _text(trade.realised),
                "commission": _text(trade.fee),
                "commissionAsset": "USDT",
                "buyer": self.side == "BUY",
                "maker": trade.is_maker,
                "time": trade.ms,
            }
            for trade in self.trades
        ]

    def event(self, execution: str, ms: int, trade: TradeRecord | None = None) -> dict[str, Any]:
        """The ORDER_TRADE_UPDATE of what just happened to it; `execution` is NEW, TRADE, CANCELED or EXPIRED."""
        order = {
            "s": self.symbol,
            "c": self.client_order_id,
            "S": self.side,
            "o": str(OrderType.MARKET if self.is_triggered else self.type),
            "f": str(self.time_in_force),
            "q": _text(self.quantity),
            "p": _text(self.price),
            "ap": _price(self.average),
            "sp": _text(self.stop),
            "x": execution,
            "X": self.status,
            "i": self.order_id,
            "l": _text(trade.quantity if trade else _ZERO),
            "z": _text(self.executed),
            "L": _text(trade.price if trade else _ZERO),
            "T": ms,
            "t": trade.trade_id if trade else 0,
            "b": "0",
            "a": "0",
            "m": trade.is_maker if trade else False,
            "R": self.reduce_only,
            "wt": self.working_type,
            "ot": str(self.type),
            "ps": self.position_side,
            "cp": False,
            "rp": _text(trade.realised if trade else _ZERO),
        }
        if trade:
            order |= {"N": "USDT", "n": _text(trade.fee)}
        return {"e": "ORDER_TRADE_UPDATE", "E": ms, "T": ms, "o": order}


def _text(amount: Decimal) -> str:
    return f"{plain(amount):f}"


def _price(amount: Decimal) -> str:
    return f"{amount:.8f}" if amount else "0.00000"
