"""The venue's two streams: the account's events and the best prices, kept up.

ccxt 4.5.90 cannot watch an Aster account (`watchOrders` asks for a market type that it never sets), renews its key once
an hour, which is as long as the key lives, and keeps one state an order, so that two trades in one breath are one. So
ccxt holds the connection, and its frames are read here: the key is renewed every half hour, each event goes on as it
came, in whatever order, and after each connection the caller is told, because what happened before it was missed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import structlog
from ccxt.base.errors import BaseError, NetworkError

from execution.feed.live.backoff import Backoff
from execution.venues.aster.signed_exchange import Refused, SignedAster
from execution.venues.venue import Unclear

_log = structlog.get_logger("execution.venues.aster")

_RENEWAL_SECONDS = 1_800.0
_DAY_SECONDS = 86_000.0
"""The venue ends a connection after 24 hours; ours ends a little earlier."""
_EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices, and when we heard them (`time.monotonic`)."""

    bid: Decimal
    ask: Decimal
    heard: float


class Streams:
    """Both streams; everything runs on the loop of the exchange object."""

    def __init__(
        self,
        exchange: SignedAster,
        symbols: tuple[str, ...],
        on_event: Callable[[dict[str, Any]], None],
        on_connected: Callable[[], Awaitable[None]],
        patience: tuple[float, float] = (0.5, 30.0),
        renewal_seconds: float = _RENEWAL_SECONDS,
    ) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._on_event = on_event
        self._on_connected = on_connected
        self._patience = patience
        self._renewal = renewal_seconds
        self.touches: dict[str, Touch] = {}
        self.account_connected = False
        self.counts: Counter[str] = Counter()

    async def run_account(self) -> None:
        """The account's events, until cancelled."""
        backoff = Backoff(*self._patience)
        while True:
            try:
                key = str((await self._exchange.ask("POST", "v3/listenKey", {}))["listenKey"])
                url = f"{self._exchange.urls['api']['ws']['private']['swap']}/{key}"
                await self._stay(url, None, self._take_event, self._account_is_up, backoff)
            except (BaseError, Refused, Unclear, KeyError, TypeError) as error:
                self.counts["account stream lost"] += 1
                _log.warning("account_stream_lost", error=type(error).__name__)
            finally:
                self.account_connected = False
            await asyncio.sleep(backoff.next())

    async def run_prices(self) -> None:
        """The best prices of the symbols, until cancelled."""
        backoff = Backoff(*self._patience)
        request = {
            "method": "SUBSCRIBE",
            "params": [f"{symbol.lower()}@bookTicker" for symbol in self._symbols],
            "id": 1,
        }
        while True:
            try:
                url = self._exchange.urls["api"]["ws"]["public"]["swap"]
                await self._stay(url, request, self._take_touch, None, backoff)
            except BaseError as error:
                self.counts["price stream lost"] += 1
                _log.warning("price_stream_lost", error=type(error).__name__)
            await asyncio.sleep(backoff.next())

    async def _stay(
        self,
        url: str,
        request: dict[str, Any] | None,
        take: Callable[[dict[str, Any]], None],
        came_up: Callable[[], Awaitable[None]] | None,
        backoff: Backoff,
    ) -> None:
        """Connect and stay until the connection ends; raises what ended it."""
        exchange = self._exchange
        client = exchange.client(url)

        def on_frame(data: str | bytes) -> None:
            try:
                frame = orjson.loads(data)
            except orjson.JSONDecodeError:
                self.counts["frames that are not JSON"] += 1
                return
            try:
                take(frame.get("data", frame))
            except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
                # ccxt would read no further frame after one that raises.
                self.counts["frames not understood"] += 1
                _log.error("frame_not_understood", error=type(error).__name__)

        client.handle_text_or_binary_message = on_frame
        # No frame resolves this future: ccxt rejects it when the connection ends.
        ended: asyncio.Future[Any] = exchange.watch_multiple(url, [_EVENTS], request, [_EVENTS])
        began = renewed = time.monotonic()
        try:
            await asyncio.wait({client.connected, ended}, return_when=asyncio.FIRST_COMPLETED)
            if came_up is not None and not ended.done():
                backoff.start_over()
                await came_up()
            while not ended.done():
                await asyncio.wait({ended}, timeout=min(5.0, self._renewal))
                now = time.monotonic()
                if now - began > _DAY_SECONDS:
                    client.on_error(NetworkError("a day is over"))
                elif came_up is not None and now - renewed >= self._renewal:
                    await exchange.ask("PUT", "v3/listenKey", {})
                    renewed = now
            if ended.cancelled():
                raise NetworkError("the connection was closed")
            await ended
        finally:
            exchange.clients.pop(url, None)
            if not ended.done():
                ended.cancel()
            await client.close()

    async def _account_is_up(self) -> None:
        self.counts["account connections"] += 1
        await self._on_connected()
        self.account_connected = True

    def _take_event(self, event: dict[str, Any]) -> None:
        self.counts["events"] += 1
        if event.get("e") == "listenKeyExpired":
            for url, client in list(self._exchange.clients.items()):
                if url.startswith(self._exchange.urls["api"]["ws"]["private"]["swap"]):
                    client.on_error(NetworkError("the key of the stream expired"))
            return
        self._on_event(event)

    def _take_touch(self, event: dict[str, Any]) -> None:
        if event.get("e") != "bookTicker":
            return
        bid, ask = Decimal(str(event["b"])), Decimal(str(event["a"]))
        if 0 < bid <= ask:
            self.touches[str(event["s"])] = Touch(bid, ask, time.monotonic())
        else:
            self.touches.pop(str(event["s"]), None)
