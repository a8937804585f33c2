"""The exchange's WebSockets, driven by ccxt.pro; the account's own stream, which ccxt cannot watch, by its key."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from ccxt.base.errors import ArgumentsRequired

from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.time import to_micros
from execution.exchange.server import ExchangeServer
from tests.execution.exchange.program import BTC, Program
from tests.execution.trading_floor import NOON, bar, quote

Run = Callable[[Any], Any]


def trade(price: float, quantity: float = 0.1) -> MarketBatch:
    columns = {
        "event_time": [to_micros(NOON)], "trade_id": [1], "price": [price], "quantity": [quantity],
        "buyer_is_maker": [True],
    }  # fmt: skip
    return MarketBatch.of("BTCUSDT", MarketKind.TRADE, 1, rows_of(MarketKind.TRADE, columns))


def mark(price: float) -> MarketBatch:
    columns = {
        "event_time": [to_micros(NOON)], "mark_price": [price], "index_price": [price - 1],
        "funding_rate": [0.0001],
    }  # fmt: skip
    return MarketBatch.of("BTCUSDT", MarketKind.MARK, 1, rows_of(MarketKind.MARK, columns))


async def fed(watching: Coroutine[Any, Any, Any], server: ExchangeServer, *batches: MarketBatch) -> Any:
    """What a ccxt.pro call brings, while the market is told again and again."""
    waiting = asyncio.ensure_future(watching)
    while not waiting.done():
        for batch in batches:
            server.feed(batch)
        await asyncio.wait({waiting}, timeout=0.02)
    return waiting.result()


def test_ccxt_watches_the_market(program: Program, run: Run, server: ExchangeServer) -> None:
    touch = run(fed(program.watch_bids_asks([BTC]), server, quote(42_000.0, 42_000.1)))
    assert (touch[BTC]["bid"], touch[BTC]["ask"]) == (42_000.0, 42_000.1)
    [told] = run(fed(program.watch_trades(BTC), server, trade(42_000.0)))[-1:]
    assert (told["price"], told["amount"], told["side"]) == (42_000.0, 0.1, "sell")
    book = run(fed(program.watch_order_book(BTC, 20), server, quote(42_000.0, 42_000.1)))
    assert (book["bids"][0][0], book["asks"][0][0]) == (42_000.0, 42_000.1)
    marks = run(fed(program.watch_mark_price(BTC), server, mark(42_001.0)))
    assert marks["markPrice"] == 42_001.0
    candle = run(fed(program.watch_ohlcv(BTC, "1m"), server, trade(42_000.0)))[-1]
    assert candle[4] == 42_000.0


def test_ccxt_cannot_watch_orders_itself(program: Program, run: Run) -> None:
    """Why the venue reads its own stream: should this fail, ccxt has learned it, and so may we."""
    with pytest.raises(ArgumentsRequired, match="market type"):
        run(program.watch_orders(BTC, params={"type": "swap"}))


async def told_on(
    server: ExchangeServer, key: str, act: Callable[[], Any], count: int
) -> list[dict[str, Any]]:
    """The next `count` events of an account's stream after `act`."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{server.stream_url}/ws/{key}") as ws:
        await asyncio.get_running_loop().run_in_executor(None, server.call, lambda: None)
        await act()
        return [orjson.loads((await ws.receive()).data) for _ in range(count)]


def test_the_accounts_stream_tells_orders_trades_and_positions(
    program: Program, run: Run, server: ExchangeServer
) -> None:
    key = run(program.fapiPrivatePostV3ListenKey())["listenKey"]
    assert run(program.fapiPrivatePostV3ListenKey())["listenKey"] == key, "the same while it is valid"
    order = {"clientOrderId": "told"}
    events = run(
        told_on(server, key, lambda: program.create_order(BTC, "market", "buy", 0.2, None, order), 3)
    )
    assert [event["e"] for event in events] == ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
    new, traded, account = events
    assert (new["o"]["x"], new["o"]["X"], new["o"]["c"]) == ("NEW", "NEW", "told")
    done = traded["o"]
    assert (done["x"], done["X"], done["l"], done["z"], done["N"]) == (
        "TRADE",
        "FILLED",
        "0.2",
        "0.2",
        "USDT",
    )
    [position] = account["a"]["P"]
    assert (position["s"], position["ps"]) == ("BTCUSDT", "BOTH")
    run(program.create_order(BTC, "market", "sell", 0.2, None, {"reduceOnly": True}))


def test_a_key_runs_out_and_is_renewed(program: Program, run: Run, server: ExchangeServer) -> None:
    key = run(program.fapiPrivatePostV3ListenKey())["listenKey"]
    server.skip(3_500)
    run(program.fapiPrivatePutV3ListenKey())
    server.skip(3_500)

    async def pass_time() -> None:
        await asyncio.get_running_loop().run_in_executor(None, server.skip, 200)

    [event] = run(told_on(server, key, pass_time, 1))
    assert event["e"] == "listenKeyExpired"
    server.feed(quote(42_000.0, 42_000.1))


def test_bars_alone_make_a_market_and_candles(program: Program, run: Run) -> None:
    with ExchangeServer(["BTCUSDT"]) as server:
        server.feed(bar(42_000.0, NOON + timedelta(minutes=1)))
        ticker = server.call(lambda: server.board.book_ticker("BTCUSDT", 0))
        assert ticker is not None
        assert (ticker["bidPrice"], ticker["askPrice"]) == ("41995.8", "42004.2")
        [candle] = server.call(lambda: server.board.klines("BTCUSDT", "1h", 10))
        assert candle[4] == "42000.00000000"
