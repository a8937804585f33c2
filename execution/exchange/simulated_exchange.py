"""The exchange behind the API: accounts, orders and trades in Aster's words, over one matching core.

Time is given to every call, in microseconds of the server's clock; nothing here waits. What happens to an account, at once
or later, goes to `told` as the events of its user stream.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from contracts.instruments import INSTRUMENTS
from contracts.orders import OrderType, TimeInForce
from execution.exact import plain
from execution.exchange.listing import MOST_OPEN, MOST_WAITING
from execution.exchange.order_record import OrderRecord, TradeRecord
from execution.exchange.order_terms import read_order
from execution.exchange.refusal import ApiError, missing
from execution.exchange.trading_account import TradingAccount
from execution.holding import Holding
from execution.matching.core import MatchingCore
from execution.matching.events import Accepted, Cancelled, Event, Expired, Filled, Rejected, Triggered
from execution.matching.order import Order
from execution.matching.terms import MarginTerms, Terms
from execution.matching.units import UNIT, amount_of, money_of, units

TERMS = Terms(margin=MarginTerms())
"""Fees, spread model and margin as elsewhere in the project; the network is the latency."""

_CODES = {
    "reduce_only": (-2022, "ReduceOnly Order is rejected."),
    "margin": (-2019, "Margin is insufficient."),
    "min_notional": (-4164, "Order's notional must be no smaller than 5.0 (unless you choose reduce only)"),
    "stop_price": (-2021, "Order would immediately trigger."),
    "duplicate": (-4115, "clientOrderId is duplicated"),
    "no price": (-4131, "There is no price to trade at yet."),
    "lot": (-1111, "Precision is over the maximum defined for this asset."),
    "tick": (-4014, "Price not increased by tick size."),
}
"""What the core's refusals are in the venue's words, by how their reasons begin."""

Heard = Callable[[str, dict[str, Any]], object]
"""Takes an account's address and an event of its user stream."""


class SimulatedExchange:
    """Not to be used from two threads at once."""

    def __init__(self, symbols: Iterable[str], told: Heard, terms: Terms = TERMS) -> None:
        self.symbols = frozenset(symbols)
        self.core = MatchingCore({symbol: INSTRUMENTS[symbol] for symbol in sorted(self.symbols)}, terms)
        self._told = told
        self._accounts: dict[str, TradingAccount] = {}
        self._signers: dict[str, str] = {}
        self._live: dict[tuple[str, str], tuple[TradingAccount, OrderRecord]] = {}
        self._held: dict[tuple[str, str], Holding] = {}
        self._order_id = self._trade_id = 0

    # --- accounts --------------------------------------------------------------------------------------

    def open_account(self, address: str, deposit: Decimal) -> TradingAccount:
        """An account with a deposit in USDT."""
        account = TradingAccount(address.lower(), deposit)
        self._accounts[account.address] = account
        for side in ("BOTH", "LONG", "SHORT"):
            self.core.deposit(account.core_name(side), deposit)
        return account

    def account_of(self, user: str, signer: str) -> TradingAccount:
        """The account that a signer may act for; raises `ApiError`."""
        account = self._accounts.get(user.lower())
        if account is None or signer.lower() not in account.signers | {account.address}:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action", 401)
        return account

    def set_mode(self, account: TradingAccount, is_hedged: bool) -> None:
        """One-way or hedge mode; raises `ApiError` while there are orders or positions."""
        if account.is_hedged == is_hedged:
            raise ApiError(-4059, "No need to change position side.")
        if any(account.orders(is_open=True)):
            raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
        if any(row["positionAmt"] != "0" for row in self.positions(account)):
            raise ApiError(-4068, "Position side cannot be changed if there exists position.")
        account.is_hedged = is_hedged

    # --- orders ----------------------------------------------------------------------------------------

    def place(self, account: TradingAccount, parameters: Mapping[str, str], micros: int) -> OrderRecord:
        """Place an order, as it stands then; raises `ApiError`."""
        self.advance(micros)
        self._order_id += 1
        order = read_order(
            parameters, self.symbols, account=account.address, is_hedged=account.is_hedged,
            order_id=self._order_id, ms=micros // 1_000,
        )  # fmt: skip
        self._check_room(account, order)
        name = account.core_name(order.position_side)
        account.add(order)
        self._live[name, order.client_order_id] = account, order
        events = self.core.submit(name, _core_order(order), micros)
        refused = next((event for event in events if isinstance(event, Rejected)), None)
        if refused is not None:
            account.forget(order)
            del self._live[name, order.client_order_id]
            raise _refusal(refused.reason)
        self._take(events)
        return order

    def cancel(
        self, account: TradingAccount, symbol: str, order_id: int | None, client_id: str | None, micros: int
    ) -> OrderRecord:
        """Cancel an open order; raises `ApiError`."""
        order = self.find(account, symbol, order_id, client_id)
        if order is None or not order.is_open:
            raise ApiError(-2011, "Unknown order sent.")
        self._take(self.core.cancel(account.core_name(order.position_side), order.client_order_id, micros))
        return order

    def cancel_all(self, account: TradingAccount, symbol: str, micros: int) -> None:
        """Cancel everything that is open in a symbol."""
        for order in list(account.orders(symbol, is_open=True)):
            self._take(
                self.core.cancel(account.core_name(order.position_side), order.client_order_id, micros)
            )

    def find(
        self, account: TradingAccount, symbol: str, order_id: int | None, client_id: str | None
    ) -> OrderRecord | None:
        """The order of either id in a symbol; raises `ApiError` when neither is given."""
        if order_id is None and not client_id:
            raise missing("orderId")
        order = account.order(order_id, client_id)
        return order if order is not None and order.symbol == symbol else None

    def count_down(self, account: TradingAccount, symbol: str, ms: int, micros: int) -> None:
        """Cancel everything in a symbol so long from now, unless told anew; 0 is never."""
        if ms:
            account.countdowns[symbol] = micros + ms * 1_000
        else:
            account.countdowns.pop(symbol, None)

    # --- time and market -------------------------------------------------------------------------------

    def advance(self, micros: int) -> None:
        """Let time pass: what is due happens."""
        self._take(self.core.advance(micros))
        for account in self._accounts.values():
            for symbol, due in list(account.countdowns.items()):
                if due <= micros:
                    del account.countdowns[symbol]
                    self.cancel_all(account, symbol, micros)

    def happened(self, events: Iterable[Event]) -> None:
        """What the core told when the market was told to it."""
        self._take(events)

    # --- what is so ------------------------------------------------------------------------------------

    def positions(self, account: TradingAccount) -> list[dict[str, Any]]:
        """GET positionRisk: every symbol, every side of the account's mode."""
        rows = []
        for symbol in sorted(self.symbols):
            mark = self.core.pits[symbol].market.mark
            for side in account.sides:
                held = self.core.position(account.core_name(side), symbol)
                rows.append(
                    {
                        "symbol": symbol,
                        "positionSide": side,
                        "positionAmt": _text(amount_of(held.quantity)),
                        "entryPrice": f"{held.entry_price or 0:.8f}",
                        "markPrice": _text(amount_of(mark)),
                        "unRealizedProfit": f"{money_of(held.unrealised(mark)):.8f}",
                        "liquidationPrice": "0",
                        "leverage": str(account.leverage.get(symbol, 10)),
                        "marginType": account.margin.get(symbol, "CROSSED")
                        .lower()
                        .replace("crossed", "cross"),
                        "isolatedMargin": "0.00000000",
                        "isAutoAddMargin": "false",
                        "maxNotionalValue": "100000000",
                        "notional": f"{money_of(held.quantity * mark):.8f}",
                        "isolatedWallet": "0",
                        "updateTime": 0,
                    }
                )
        return rows

    def balance(self, account: TradingAccount) -> dict[str, Any]:
        """The account's USDT, one row of GET balance."""
        sides = [self.core.balance(account.core_name(side)) for side in account.sides]
        more = (len(sides) - 1) * account.deposit
        wallet = sum((side.wallet for side in sides), Decimal(0)) - more
        unrealised = sum((side.unrealised for side in sides), Decimal(0))
        available = min(side.available for side in sides)
        return {
            "accountAlias": "simulated",
            "asset": "USDT",
            "balance": f"{wallet:.8f}",
            "crossWalletBalance": f"{wallet:.8f}",
            "crossUnPnl": f"{unrealised:.8f}",
            "availableBalance": f"{available:.8f}",
            "maxWithdrawAmount": f"{available:.8f}",
            "marginAvailable": True,
            "updateTime": 0,
        }

    # --- how it goes -----------------------------------------------------------------------------------

    def _check_room(self, account: TradingAccount, order: OrderRecord) -> None:
        waiting = order.type.is_conditional
        open_here = list(account.orders(order.symbol, is_open=True))
        if len(open_here) >= MOST_OPEN:
            raise ApiError(-2025, "Reach max open order limit.")
        if waiting and sum(one.type.is_conditional for one in open_here) >= MOST_WAITING:
            raise ApiError(-4045, "Reach max stop order limit.")
        if any(one.client_order_id == order.client_order_id for one in account.orders(is_open=True)):
            raise ApiError(-4115, "clientOrderId is duplicated")

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Filled):
                self._fill(event)
            elif isinstance(event, Accepted | Triggered | Cancelled | Expired | Rejected):
                self._move(event)

    def _move(self, event: Accepted | Triggered | Cancelled | Expired | Rejected) -> None:
        known = self._live.get((event.account, event.client_order_id))
        if known is None:
            return
        account, order = known
        order.updated_ms = ms = event.micros // 1_000
        match event:
            case Accepted():
                self._told(account.address, order.event("NEW", ms))
            case Triggered():
                order.is_triggered = True
                self._told(account.address, order.event("NEW", ms))
            case Cancelled():
                self._end(account, order, event.account, "CANCELED", ms)
            case Expired() | Rejected():
                self._end(account, order, event.account, "EXPIRED", ms)

    def _end(self, account: TradingAccount, order: OrderRecord, name: str, status: str, ms: int) -> None:
        order.status = status
        self._live.pop((name, order.client_order_id), None)
        self._told(account.address, order.event(status, ms))

    def _fill(self, event: Filled) -> None:
        known = self._live.get((event.account, event.client_order_id)) or self._liquidation(event)
        account, order = known
        price, quantity = amount_of(event.price), amount_of(event.quantity)
        before = self._held.get((event.account, event.symbol), Holding())
        after = before.after(quantity * event.sign, price, Decimal(0))
        self._held[event.account, event.symbol] = after
        self._trade_id += 1
        trade = TradeRecord(
            trade_id=self._trade_id,
            price=price,
            quantity=quantity,
            fee=money_of(event.fee),
            is_maker=event.is_maker,
            realised=after.realised_pnl - before.realised_pnl,
            ms=event.micros // 1_000,
        )
        order.trades.append(trade)
        order.updated_ms = trade.ms
        order.status = "PARTIALLY_FILLED" if event.remaining else "FILLED"
        if not event.remaining:
            self._live.pop((event.account, event.client_order_id), None)
        self._told(account.address, order.event("TRADE", trade.ms, trade))
        self._told(account.address, self._account_update(account, event))

    def _liquidation(self, event: Filled) -> tuple[TradingAccount, OrderRecord]:
        """The order by which the venue closes a liquidated account's position."""
        address, _, side = event.account.partition("/")
        account = self._accounts[address]
        self._order_id += 1
        order = OrderRecord(
            order_id=self._order_id,
            account=address,
            client_order_id=f"autoclose-{self._order_id}",
            symbol=event.symbol,
            side="BUY" if event.sign > 0 else "SELL",
            position_side=side or "BOTH",
            type=OrderType.MARKET,
            quantity=amount_of(event.quantity + event.remaining),
            time_in_force=TimeInForce.GTC,
            ms=event.micros // 1_000,
        )
        account.add(order)
        self._live[event.account, event.client_order_id] = account, order
        return account, order

    def _account_update(self, account: TradingAccount, event: Filled) -> dict[str, Any]:
        ms, balance = event.micros // 1_000, self.balance(account)
        rows = [row for row in self.positions(account) if row["symbol"] == event.symbol]
        told_positions = [
            {
                "s": row["symbol"], "pa": row["positionAmt"], "ep": row["entryPrice"], "cr": "0",
                "up": row["unRealizedProfit"], "mt": row["marginType"], "iw": "0", "ps": row["positionSide"],
            }
            for row in rows
        ]  # fmt: skip
        told_balance = {"a": "USDT", "wb": balance["balance"], "cw": balance["crossWalletBalance"], "bc": "0"}
        update = {"m": "ORDER", "B": [told_balance], "P": told_positions}
        return {"e": "ACCOUNT_UPDATE", "E": ms, "T": ms, "a": update}


def _core_order(order: OrderRecord) -> Order:
    return Order(
        order.client_order_id,
        order.symbol,
        1 if order.side == "BUY" else -1,
        units(order.quantity),
        order.type,
        units(order.price),
        order.time_in_force,
        units(order.stop),
        int(order.callback * (UNIT // 100)),
        order.reduce_only,
    )


def _refusal(reason: str) -> ApiError:
    code, words = _CODES.get(reason.partition(":")[0], (-2010, "Order rejected."))
    return ApiError(code, f"{words} ({reason})")


def _text(number: Decimal) -> str:
    return f"{plain(number):f}"
