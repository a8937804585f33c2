"""The endpoints of the v3 API that are simulated: what each weighs, whether it is signed, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from execution.exchange.listing import exchange_info
from execution.exchange.market_board import MarketBoard
from execution.exchange.refusal import ApiError, missing
from execution.exchange.simulated_exchange import SimulatedExchange
from execution.exchange.streams import Streams
from execution.exchange.trading_account import TradingAccount
from execution.exchange.weights import Weights

Parameters = Mapping[str, str]

_DONE = {"code": 200, "msg": "success"}
_DEPTH_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1_000, 20))
_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
_BATCH = 5
_TAKER, _MAKER = "takerCommissionRate", "makerCommissionRate"


@dataclass(slots=True)
class Asked:
    """One request, verified, and what it is asked of; `account` only where it is signed."""

    exchange: SimulatedExchange
    board: MarketBoard
    streams: Streams
    parameters: Parameters
    micros: int
    weights: Weights
    _account: TradingAccount | None = None

    @property
    def ms(self) -> int:
        return self.micros // 1_000

    @property
    def account(self) -> TradingAccount:
        """Who asks."""
        if self._account is None:
            raise ApiError(-2014, "API-key format invalid.", 401)
        return self._account

    @account.setter
    def account(self, account: TradingAccount) -> None:
        self._account = account

    def symbol(self) -> str:
        """The symbol asked for; raises `ApiError`."""
        symbol = self.parameters.get("symbol", "")
        if symbol not in self.exchange.symbols:
            raise ApiError(-1121, "Invalid symbol.") if symbol else missing("symbol")
        return symbol

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number within 0 and `most`; raises `ApiError`."""
        given = self.parameters.get(name)
        if given is None:
            return default
        if not given.isdecimal() or int(given) > most:
            raise missing(name)
        return int(given)

    def ids(self) -> tuple[int | None, str | None]:
        """The ids that an order is asked for by."""
        number = self.parameters.get("orderId", "")
        return int(number) if number.isdecimal() else None, self.parameters.get("origClientOrderId")

    def each(self, answer: Callable[[str], Any]) -> Any:
        """The answer for the symbol asked for, or a list with everyone's."""
        if "symbol" in self.parameters:
            return answer(self.symbol())
        found = (answer(symbol) for symbol in sorted(self.exchange.symbols))
        return [one for one in found if one is not None]


def _one(_: Parameters) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Answerer:
    """How an endpoint is answered; `orders` is how many orders a request counts for."""

    answer: Callable[[Asked], Any]
    weight: Callable[[Parameters], int] = _one
    is_signed: bool = True
    orders: Callable[[Parameters], int] | None = None


def _weighing(weight: int) -> Callable[[Parameters], int]:
    return lambda _: weight


# --- the market ----------------------------------------------------------------------------------------


def _depth_weight(parameters: Parameters) -> int:
    limit = parameters.get("limit", "500")
    return next((w for most, w in _DEPTH_WEIGHTS if limit.isdecimal() and int(limit) <= most), 20)


def _kline_weight(parameters: Parameters) -> int:
    limit = int(parameters["limit"]) if parameters.get("limit", "").isdecimal() else 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


def _all_weigh(all_of_them: int) -> Callable[[Parameters], int]:
    return lambda parameters: 1 if "symbol" in parameters else all_of_them


def _depth(asked: Asked) -> Any:
    limit = asked.number("limit", 500, 1_000)
    if limit not in _DEPTHS:
        raise ApiError(-4021, f"Invalid depth limit: {', '.join(map(str, _DEPTHS))} are known.")
    return asked.board.depth(asked.symbol(), limit, asked.ms)


def _klines(asked: Asked) -> Any:
    try:
        return asked.board.klines(
            asked.symbol(), asked.parameters.get("interval", ""), asked.number("limit", 500, 1_500)
        )
    except KeyError:
        raise ApiError(-1120, "Invalid interval.") from None


def _info(asked: Asked) -> Any:
    return exchange_info(sorted(asked.exchange.symbols), asked.weights, asked.ms)


# --- orders --------------------------------------------------------------------------------------------


def _place(asked: Asked) -> Any:
    return asked.exchange.place(asked.account, asked.parameters, asked.micros).answer()


def _place_batch(asked: Asked) -> Any:
    def place(one: Parameters) -> Any:
        return asked.exchange.place(asked.account, one, asked.micros).answer()

    return [_settled(partial(place, one)) for one in _batch(asked.parameters)]


def _batch(parameters: Parameters) -> list[dict[str, str]]:
    try:
        orders = orjson.loads(parameters.get("batchOrders", ""))
    except orjson.JSONDecodeError:
        raise missing("batchOrders") from None
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        raise missing("batchOrders")
    if not 1 <= len(orders) <= _BATCH:
        raise ApiError(-4082, f"A batch holds 1 to {_BATCH} orders.")
    return [{name: str(value) for name, value in one.items()} for one in orders]


def _batch_size(parameters: Parameters) -> int:
    try:
        return len(_batch(parameters))
    except ApiError:
        return 1


def _settled(answer: Callable[[], Any]) -> Any:
    try:
        return answer()
    except ApiError as refusal:
        return refusal.body


def _cancel(asked: Asked) -> Any:
    return asked.exchange.cancel(asked.account, asked.symbol(), *asked.ids(), asked.micros).answer()


def _cancel_batch(asked: Asked) -> Any:
    symbol = asked.symbol()
    try:
        numbers = orjson.loads(asked.parameters.get("orderIdList", "[]"))
        names = orjson.loads(asked.parameters.get("origClientOrderIdList", "[]"))
        wanted = [(int(number), None) for number in numbers] + [(None, str(name)) for name in names]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise missing("orderIdList") from None
    if not 1 <= len(wanted) <= 10:
        raise missing("orderIdList")

    def cancel(number: int | None, name: str | None) -> Any:
        return asked.exchange.cancel(asked.account, symbol, number, name, asked.micros).answer()

    return [_settled(partial(cancel, number, name)) for number, name in wanted]


def _cancel_all(asked: Asked) -> Any:
    asked.exchange.cancel_all(asked.account, asked.symbol(), asked.micros)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _count_down(asked: Asked) -> Any:
    symbol = asked.symbol()
    ms = asked.number("countdownTime", -1, 10**9)
    if ms < 0:
        raise missing("countdownTime")
    asked.exchange.count_down(asked.account, symbol, ms, asked.micros)
    return {"symbol": symbol, "countdownTime": str(ms)}


def _query(asked: Asked) -> Any:
    order = asked.exchange.find(asked.account, asked.symbol(), *asked.ids())
    if order is None:
        raise ApiError(-2013, "Order does not exist.")
    return order.answer()


def _query_open(asked: Asked) -> Any:
    order = asked.exchange.find(asked.account, asked.symbol(), *asked.ids())
    if order is None or not order.is_open:
        raise ApiError(-2013, "Order does not exist.")
    return order.answer()


def _open_orders(asked: Asked) -> Any:
    symbol = asked.symbol() if "symbol" in asked.parameters else None
    return [order.answer() for order in asked.account.orders(symbol, is_open=True)]


def _all_orders(asked: Asked) -> Any:
    found = list(asked.account.orders(asked.symbol()))
    return [order.answer() for order in found][-asked.number("limit", 500, 1_000) :]


def _user_trades(asked: Asked) -> Any:
    symbol, limit = asked.symbol(), asked.number("limit", 500, 1_000)
    first, last = asked.number("startTime", 0, 10**15), asked.number("endTime", 10**15, 10**15)
    from_id = asked.number("fromId", 0, 10**15)
    trades = [
        trade
        for order in asked.account.orders(symbol)
        for trade in order.trade_answers()
        if first <= trade["time"] <= last and trade["id"] >= from_id
    ]
    trades.sort(key=lambda trade: trade["id"])
    starts = "startTime" in asked.parameters or "fromId" in asked.parameters
    return trades[:limit] if starts else trades[-limit:]


# --- the account ---------------------------------------------------------------------------------------


def _positions(asked: Asked) -> Any:
    rows = asked.exchange.positions(asked.account)
    wanted = asked.symbol() if "symbol" in asked.parameters else None
    return [row for row in rows if wanted in (None, row["symbol"])]


def _account(asked: Asked) -> Any:
    balance = asked.exchange.balance(asked.account)
    return {
        "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False, "updateTime": 0,
        "totalWalletBalance": balance["balance"], "totalUnrealizedProfit": balance["crossUnPnl"],
        "availableBalance": balance["availableBalance"],
        "assets": [
            {
                "asset": "USDT", "walletBalance": balance["balance"],
                "crossWalletBalance": balance["crossWalletBalance"], "crossUnPnl": balance["crossUnPnl"],
                "availableBalance": balance["availableBalance"], "marginAvailable": True, "updateTime": 0,
            }
        ],
        "positions": asked.exchange.positions(asked.account),
    }  # fmt: skip


def _mode(asked: Asked) -> Any:
    return {"dualSidePosition": asked.account.is_hedged}


def _set_mode(asked: Asked) -> Any:
    wanted = asked.parameters.get("dualSidePosition", "").lower()
    if wanted not in ("true", "false"):
        raise missing("dualSidePosition")
    asked.exchange.set_mode(asked.account, wanted == "true")
    return _DONE


def _set_leverage(asked: Asked) -> Any:
    symbol, leverage = asked.symbol(), asked.number("leverage", 0, 125)
    if not leverage:
        raise ApiError(-4028, "Leverage is not valid")
    asked.account.leverage[symbol] = leverage
    return {"symbol": symbol, "leverage": leverage, "maxNotionalValue": "100000000"}


def _set_margin(asked: Asked) -> Any:
    symbol, kind = asked.symbol(), asked.parameters.get("marginType", "")
    if kind not in ("CROSSED", "ISOLATED"):
        raise missing("marginType")
    if asked.account.margin.get(symbol, "CROSSED") == kind:
        raise ApiError(-4046, "No need to change margin type.")
    asked.account.margin[symbol] = kind
    return _DONE


def _brackets(asked: Asked) -> Any:
    terms = asked.exchange.core.terms.margin
    kept = float(terms.maintenance) if terms else 0.0
    only = {"bracket": 1, "initialLeverage": 125, "notionalCap": 10**9, "notionalFloor": 0, "cum": 0}
    return asked.each(lambda symbol: {"symbol": symbol, "brackets": [only | {"maintMarginRatio": kept}]})


def _fees(asked: Asked) -> Any:
    terms = asked.exchange.core.terms
    return {"symbol": asked.symbol(), _MAKER: str(terms.maker_fee), _TAKER: str(terms.taker_fee)}


def _listen(asked: Asked) -> Any:
    return {"listenKey": asked.streams.key_of(asked.account.address)}


def _keep_listening(asked: Asked) -> Any:
    if not asked.streams.renew(asked.account.address):
        raise ApiError(-1125, "This listenKey does not exist.")
    return {}


def _stop_listening(asked: Asked) -> Any:
    asked.streams.close(asked.account.address)
    return {}


def _public(answer: Callable[[Asked], Any], weight: Callable[[Parameters], int] = _one) -> Answerer:
    return Answerer(answer, weight, is_signed=False)


ENDPOINTS: dict[tuple[str, str], Answerer] = {
    ("GET", "v3/ping"): _public(lambda _: {}),
    ("GET", "v3/time"): _public(lambda asked: {"serverTime": asked.ms}),
    ("GET", "v3/exchangeInfo"): _public(_info),
    ("GET", "v3/depth"): _public(_depth, _depth_weight),
    ("GET", "v3/trades"): _public(
        lambda asked: asked.board.trades(asked.symbol(), asked.number("limit", 500, 1_000))
    ),
    ("GET", "v3/klines"): _public(_klines, _kline_weight),
    ("GET", "v3/premiumIndex"): _public(lambda a: a.each(lambda s: a.board.premium(s, a.ms))),
    ("GET", "v3/ticker/24hr"): _public(lambda a: a.each(lambda s: a.board.day(s, a.ms)), _all_weigh(40)),
    ("GET", "v3/ticker/price"): _public(lambda a: a.each(lambda s: a.board.price(s, a.ms)), _all_weigh(2)),
    ("GET", "v3/ticker/bookTicker"): _public(
        lambda a: a.each(lambda s: a.board.book_ticker(s, a.ms)), _all_weigh(2)
    ),
    ("POST", "v3/order"): Answerer(_place, orders=_one),
    ("POST", "v3/batchOrders"): Answerer(_place_batch, _weighing(5), orders=_batch_size),
    ("DELETE", "v3/order"): Answerer(_cancel),
    ("DELETE", "v3/batchOrders"): Answerer(_cancel_batch),
    ("DELETE", "v3/allOpenOrders"): Answerer(_cancel_all),
    ("POST", "v3/countdownCancelAll"): Answerer(_count_down, _weighing(10)),
    ("GET", "v3/order"): Answerer(_query),
    ("GET", "v3/openOrder"): Answerer(_query_open),
    ("GET", "v3/openOrders"): Answerer(_open_orders, _all_weigh(40)),
    ("GET", "v3/allOrders"): Answerer(_all_orders, _weighing(5)),
    ("GET", "v3/userTrades"): Answerer(_user_trades, _weighing(5)),
    ("GET", "v3/positionRisk"): Answerer(_positions, _weighing(5)),
    ("GET", "v3/balance"): Answerer(lambda asked: [asked.exchange.balance(asked.account)], _weighing(5)),
    ("GET", "v3/account"): Answerer(_account, _weighing(5)),
    ("GET", "v3/leverageBracket"): Answerer(_brackets),
    ("GET", "v3/commissionRate"): Answerer(_fees, _weighing(20)),
    ("GET", "v3/positionSide/dual"): Answerer(_mode, _weighing(30)),
    ("POST", "v3/positionSide/dual"): Answerer(_set_mode),
    ("POST", "v3/leverage"): Answerer(_set_leverage),
    ("POST", "v3/marginType"): Answerer(_set_margin),
    ("GET", "v3/builder"): Answerer(lambda _: []),
    ("POST", "v3/listenKey"): Answerer(_listen),
    ("PUT", "v3/listenKey"): Answerer(_keep_listening),
    ("DELETE", "v3/listenKey"): Answerer(_stop_listening),
}
"""By method and path under /fapi."""
