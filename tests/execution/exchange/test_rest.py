"""The exchange's REST API, driven by ccxt's own Aster class."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from execution.exchange.server import ExchangeServer
from tests.execution.exchange.program import BTC, ETH, Program, connected
from tests.execution.trading_floor import quote

Run = Callable[[Any], Any]


def test_markets_have_the_desks_rules(program: Program) -> None:
    market = program.market(BTC)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert (market["limits"]["cost"]["min"], market["swap"]) == (5.0, True)
    assert {m["symbol"] for m in program.markets.values()} == {BTC, ETH}


def test_an_order_a_fill_and_a_position(program: Program, run: Run) -> None:
    order = run(program.create_order(BTC, "market", "buy", 0.5, None, {"clientOrderId": "mine-1"}))
    assert (order["clientOrderId"], order["status"], order["filled"], order["average"]) == (
        "mine-1", "closed", 0.5, 42_000.1,
    )  # fmt: skip
    [trade] = [t for t in run(program.fetch_my_trades(BTC)) if t["order"] == order["id"]]
    assert (trade["amount"], trade["price"], trade["takerOrMaker"]) == (0.5, 42_000.1, "taker")
    assert trade["fee"]["cost"] == 7.3500175
    [position] = run(program.fetch_positions([BTC]))
    assert (position["contracts"], position["side"], position["entryPrice"]) == (0.5, "long", 42_000.1)
    run(program.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True}))
    assert run(program.fetch_positions([BTC])) == []
    last = run(program.fetch_my_trades(BTC))[-1]
    assert last["info"]["realizedPnl"] == "-0.05"
    balance = run(program.fetch_balance())
    assert balance["USDT"]["total"] == pytest.approx(100_000 - 0.05 - 7.3500175 - 7.35)


def test_a_resting_order_is_listed_found_and_cancelled(program: Program, run: Run) -> None:
    run(program.create_order(BTC, "limit", "buy", 0.5, 41_000, {"clientOrderId": "rest-1"}))
    assert [o["clientOrderId"] for o in run(program.fetch_open_orders(BTC))] == ["rest-1"]
    found = run(program.fetch_order("", BTC, {"clientOrderId": "rest-1"}))
    assert (found["status"], found["price"], found["timeInForce"]) == ("open", 41_000.0, "GTC")
    assert run(program.cancel_order("", BTC, {"clientOrderId": "rest-1"}))["status"] == "canceled"
    assert run(program.fetch_open_orders(BTC)) == []
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        run(program.cancel_order("", BTC, {"clientOrderId": "rest-1"}))
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        run(program.fetch_order("", BTC, {"clientOrderId": "nobody"}))


def test_all_are_cancelled_at_once_and_in_batches(program: Program, run: Run) -> None:
    orders = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.1, "price": 40_000 + n} for n in range(3)
    ]
    made = run(program.create_orders(orders))
    ids = [order["id"] for order in made]
    cancelled = run(program.cancel_orders(ids[:1], BTC))
    assert [order["status"] for order in cancelled] == ["canceled"]
    run(program.cancel_all_orders(BTC))
    assert run(program.fetch_open_orders(BTC)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"newClientOrderId": "same"}, "-4115"),
        ({"quantity": "0.0005"}, "-1111"),
        ({"quantity": "50000"}, "-4005"),
        ({"price": "41000.05"}, "-4014"),
        ({"symbol": "DOGEUSDT"}, "-1121"),
        ({"type": "STOP"}, "-1116"),
        ({"timeInForce": "GTD"}, "-1115"),
        ({"side": "HOLD"}, "-1117"),
        ({"newClientOrderId": "a" * 37}, "-4015"),
        ({"positionSide": "LONG"}, "-4061"),
        ({"quantity": "0.1", "price": "40"}, "-4164"),
        ({"quantity": "900"}, "-2019"),
        ({"reduceOnly": "true"}, "-2022"),
        ({"type": "STOP_MARKET", "side": "SELL", "stopPrice": "43000"}, "-2021"),
        ({"closePosition": "true"}, "-1130"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_venues_code(
    program: Program, run: Run, change: dict[str, str], code: str
) -> None:
    plain = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.1", "price": "41000",
        "timeInForce": "GTC",
    }  # fmt: skip
    run(program.fapiPrivatePostV3Order(plain | {"newClientOrderId": "same"}))
    with pytest.raises(ccxt.BaseError, match=f'"code":{code}'):
        run(program.fapiPrivatePostV3Order(plain | change))
    run(program.cancel_all_orders(BTC))


def test_conditional_orders_fire(program: Program, run: Run, server: ExchangeServer) -> None:
    run(program.create_order(ETH, "market", "buy", 2))
    stop = {"stopLossPrice": 2_400, "reduceOnly": True, "clientOrderId": "eth-stop"}
    run(program.create_order(ETH, "market", "sell", 2, None, stop))
    [waiting] = run(program.fetch_open_orders(ETH))
    assert (waiting["info"]["type"], waiting["triggerPrice"]) == ("STOP_MARKET", 2_400.0)
    server.feed(quote(2_399.0, 2_399.1, symbol="ETHUSDT"))
    fired = run(program.fetch_order("", ETH, {"clientOrderId": "eth-stop"}))
    assert (fired["status"], fired["info"]["type"], fired["info"]["origType"]) == (
        "closed", "MARKET", "STOP_MARKET",
    )  # fmt: skip
    server.feed(quote(2_500.0, 2_500.1, symbol="ETHUSDT"))


def test_hedge_mode_keeps_long_and_short_apart(server: ExchangeServer, run: Run) -> None:
    program = connected(server, server.open_account(Decimal(10_000)))
    run(program.set_position_mode(True))
    assert run(program.fetch_position_mode())["hedged"] is True
    run(program.create_order(ETH, "market", "buy", 2, None, {"positionSide": "LONG"}))
    run(program.create_order(ETH, "market", "sell", 1, None, {"positionSide": "SHORT"}))
    held = {p["side"]: p["contracts"] for p in run(program.fetch_positions([ETH]))}
    assert held == {"long": 2.0, "short": 1.0}
    run(program.create_order(ETH, "market", "buy", 1, None, {"positionSide": "SHORT"}))
    with pytest.raises(ccxt.BaseError, match="-2022"):
        run(program.create_order(ETH, "market", "buy", 1, None, {"positionSide": "SHORT"}))
    with pytest.raises(ccxt.BaseError, match="-4068"):
        run(program.set_position_mode(False))
    run(program.close())


def test_settings_of_the_account(program: Program, run: Run) -> None:
    run(program.set_leverage(7, BTC))
    run(program.set_margin_mode("isolated", BTC))
    with pytest.raises(ccxt.NoChange):
        run(program.set_margin_mode("isolated", BTC))
    assert run(program.fetch_trading_fee(BTC))["taker"] == 0.00035


def test_the_countdown_cancels_what_is_open(program: Program, run: Run, server: ExchangeServer) -> None:
    run(program.create_order(BTC, "limit", "buy", 0.1, 41_000))
    run(program.fapiPrivatePostV3CountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": "60000"}))
    server.skip(30)
    assert len(run(program.fetch_open_orders(BTC))) == 1
    server.skip(31)
    assert run(program.fetch_open_orders(BTC)) == []
    run(program.fapiPrivateDeleteV3ListenKey())


def test_public_data(program: Program, run: Run) -> None:
    book = run(program.fetch_order_book(BTC, 5))
    assert (book["bids"][0][0], book["asks"][0][0]) == (42_000.0, 42_000.1)
    assert run(program.fetch_bids_asks([BTC]))[BTC]["bid"] == 42_000.0
    assert run(program.fetch_funding_rate(BTC))["markPrice"] == pytest.approx(42_000, abs=1)
    assert run(program.fetch_ticker(BTC))["symbol"] == BTC
    assert run(program.fetch_ohlcv(BTC, "1m")) == []
    assert run(program.fetch_trades(BTC)) == []
    assert abs(run(program.fetch_time()) - program.milliseconds()) < 3_600_000
