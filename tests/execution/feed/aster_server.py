"""Aster's public API on the loopback, as far as the feed uses it, with faults on request."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

SYMBOLS = ("BTCUSDT", "ETHUSDT")

Play = Callable[["Subscriber"], Any]
"""What one connection is sent after it has subscribed: a coroutine function; the connection closes when it returns."""

Book = dict[str, Any]
Failure = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Subscriber:
    """One WebSocket connection that has subscribed."""

    def __init__(self, socket: web.WebSocketResponse, streams: list[str]) -> None:
        self.socket = socket
        self.streams = streams
        self._ponged = asyncio.Event()

    async def send(self, event: dict[str, Any]) -> None:
        """One event, wrapped as combined streams wrap it; only what was subscribed to."""
        [stream] = [name for name in self.streams if _belongs(name, event)]
        await self.raw(orjson.dumps({"stream": stream, "data": event}))

    async def raw(self, content: bytes) -> None:
        await self.socket.send_str(content.decode())

    async def arrived(self) -> None:
        """Wait until the other side has handled all that was sent: its answer to a ping comes after it."""
        self._ponged.clear()
        await self.socket.ping()
        await self._ponged.wait()

    async def stay(self) -> None:
        """Send nothing more and keep the connection."""
        await asyncio.Event().wait()

    async def answer_pings(self) -> None:
        """Read until the other side closes."""
        async for message in self.socket:
            if message.type is WSMsgType.PING:
                await self.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._ponged.set()


def _belongs(stream: str, event: dict[str, Any]) -> bool:
    symbol, _, channel = stream.partition("@")
    names = {
        "aggTrade": "aggTrade",
        "bookTicker": "bookTicker",
        "depthUpdate": "depth@100ms",
        "markPriceUpdate": "markPrice@1s",
        "kline": "kline_1m",
    }
    return symbol == event["s"].lower() and channel == names[event["e"]]


class AsterServer:
    """Serves exchangeInfo, depth and combined streams from a thread of its own.

    `plays` has one coroutine function for each connection, in turn (the last one again and again); `books` the
    answers to depth requests, in turn (the last one again and again). A play that awaits `step` goes on when the test
    calls `go`.
    `requests` is what was asked over REST, `subscriptions` what the sockets sent.
    """

    def __init__(self) -> None:
        self.plays: deque[Play] = deque()
        self.books: deque[Book | Failure | Callable[[], Book]] = deque()
        self.info_failures = 0
        self.requests: list[str] = []
        self.subscriptions: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._ready = threading.Event()
        self._steps = asyncio.Semaphore(0)
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self.port = 0

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> "AsterServer":
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(30)
        self._loop.close()

    async def step(self) -> None:
        """Wait for the test, in a play."""
        await self._steps.acquire()

    def go(self) -> None:
        """Let a play that waits go on."""
        self._loop.call_soon_threadsafe(self._steps.release)

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/fapi/v3/exchangeInfo", self._exchange_info)
        app.router.add_get("/fapi/v3/depth", self._depth)
        app.router.add_get("/stream", self._stream)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _exchange_info(self, request: web.Request) -> web.Response:
        self.requests.append("exchangeInfo")
        if self.info_failures:
            self.info_failures -= 1
            return web.Response(status=503, body=b"<html>unavailable</html>")
        return _json({"timezone": "UTC", "symbols": [_market(symbol) for symbol in SYMBOLS]})

    async def _depth(self, request: web.Request) -> web.Response:
        self.requests.append(f"depth {request.query['symbol']} {request.query['limit']}")
        answer = self.books[0] if len(self.books) == 1 else self.books.popleft()
        if callable(answer):
            answer = answer()
        if isinstance(answer, tuple):
            status, headers, body = answer
            return web.Response(status=status, headers=headers, body=body)
        return _json(answer)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        message = await socket.receive()
        assert message.type is WSMsgType.TEXT
        asked = orjson.loads(message.data)
        self.subscriptions.append(asked)
        play = self.plays[0] if len(self.plays) == 1 else self.plays.popleft()
        subscriber = Subscriber(socket, asked["params"])
        reading = asyncio.ensure_future(subscriber.answer_pings())
        playing = asyncio.ensure_future(play(subscriber))
        try:
            await asyncio.wait({reading, playing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            playing.cancel()
        await socket.close()
        return socket


async def accept(subscriber: Subscriber) -> None:
    """The venue's answer to a subscription that it takes."""
    await subscriber.raw(b'{"result":null,"id":1}')


def _json(content: object) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


def _market(symbol: str) -> dict[str, Any]:
    base = symbol.removesuffix("USDT")
    return {
        "symbol": symbol, "pair": symbol, "contractType": "PERPETUAL", "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_600_000_000_000, "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
        "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
        "quotePrecision": 8, "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }  # fmt: skip
