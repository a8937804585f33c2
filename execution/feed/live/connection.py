"""One connection to Aster's public market data through ccxt, kept up in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from ccxt.base.errors import BaseError, DDoSProtection, NetworkError, RateLimitExceeded

from execution.aster_exchange import AsterPerpetuals, aster_exchange
from execution.feed.live.backoff import Backoff
from execution.feed.live.channels import streams_of
from execution.feed.live.errors import FeedError
from execution.feed.live.frames import Frames

_log = structlog.get_logger("execution.feed.live")

_EVERYTHING = "market data"
_STREAM_FRAME = b'{"stream"'


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Addresses other than the venue's own, and patience, in seconds.

    `silence`: a connection that brings nothing for so long is given up; `steady`: one that lasted so long starts the
    back-off over. `snapshot_levels`: levels of each side in a book snapshot (the venue's most is 1,000).
    """

    rest_url: str | None = None
    stream_url: str | None = None
    first_wait: float = 0.5
    longest_wait: float = 30.0
    silence: float = 30.0
    steady: float = 60.0
    snapshot_levels: int = 1_000


class TappedAster(AsterPerpetuals):
    """ccxt's Aster whose frames go to `on_frame` as they came: receive time in ns, and the raw bytes."""

    on_frame: Callable[[int, bytes], None]

    def client(self, url: str) -> Any:
        """The connection to `url` that ccxt keeps, tapped."""
        client = super().client(url)
        client.handle_text_or_binary_message = self._take
        return client

    def _take(self, data: str | bytes) -> None:
        self.on_frame(time.time_ns(), data.encode() if isinstance(data, str) else data)


class AsterConnection:
    """Streams of some symbols into `frames`; snapshots of their books on request.

    Connects, subscribes, and after a loss, a silence or a refusal does so again, waiting longer each time. `counts`
    tells how often what happened. `trouble` is what ended it for good, if anything did.
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        channels: tuple[str, ...],
        frames: Frames,
        options: ConnectionOptions | None = None,
    ) -> None:
        self._symbols = symbols
        self._channels = channels
        self._frames = frames
        self._options = options or ConnectionOptions()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="aster", daemon=True)
        self._stopped = asyncio.Event()
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._last_frame = 0.0
        self._requests = 0
        self.counts: Counter[str] = Counter()
        self.trouble: FeedError | None = None

    def start(self) -> None:
        """Begin, in the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close the connection; returns when nothing more will come."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def request_snapshot(self, symbol: str) -> None:
        """Have the book of `symbol` sent as a frame, once; asks the venue until it answers."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wanted.put_nowait, symbol)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_stopped())
        except FeedError as error:
            self.trouble = error
        finally:
            self._loop.close()

    async def _until_stopped(self) -> None:
        exchange = aster_exchange(
            TappedAster, rest_url=self._options.rest_url, stream_url=self._options.stream_url
        )
        exchange.on_frame = lambda received, raw: self._take(exchange, received, raw)
        work = [
            asyncio.ensure_future(task) for task in (self._stream(exchange), self._send_snapshots(exchange))
        ]
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            done, _ = await asyncio.wait({*work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task  # raises what ended it
        finally:
            for task in (*work, stopped):
                task.cancel()
            await asyncio.wait({*work, stopped})
            await exchange.close()

    async def _stream(self, exchange: TappedAster) -> None:
        await self._load_markets(exchange)
        streams = [name for symbol in self._symbols for name in streams_of(symbol, self._channels)]
        backoff = self._backoff()
        while True:
            began = self._loop.time()
            reason = await self._stream_once(exchange, streams)
            if self._loop.time() - began >= self._options.steady:
                backoff.start_over()
            wait = backoff.next()
            self.counts["connections lost"] += 1
            _log.warning(
                "the venue's stream ended: connecting again", reason=reason, wait_seconds=round(wait, 2)
            )
            await asyncio.sleep(wait)

    async def _stream_once(self, exchange: TappedAster, streams: list[str]) -> str:
        """Connect, subscribe and stay; returns why the connection ended."""
        self._requests += 1
        request = {"method": "SUBSCRIBE", "params": streams, "id": self._requests}
        url = exchange.urls["api"]["ws"]["public"]["swap"]
        self._last_frame = self._loop.time()
        # No frame resolves this future: ccxt rejects it when the connection ends.
        ended: asyncio.Future[Any] = exchange.watch_multiple(url, [_EVERYTHING], request, [_EVERYTHING])
        while not ended.done():
            rest = self._last_frame + self._options.silence - self._loop.time()
            if rest > 0:
                await asyncio.wait({ended}, timeout=rest)
            else:
                self.counts["silences"] += 1
                exchange.client(url).on_error(NetworkError(f"nothing came for {self._options.silence:g} s"))
                await asyncio.wait({ended})
        if ended.cancelled():
            return "closed"
        return str(ended.exception() or "ended")[:300]

    async def _load_markets(self, exchange: TappedAster) -> None:
        """Learn the venue's markets; raises `FeedError` when a symbol is not among them."""
        backoff = self._backoff()
        while True:
            try:
                await exchange.load_markets()
                break
            except BaseError as error:
                wait = self._after_failure(exchange, error, backoff)
                _log.warning(
                    "the venue's markets are not to be had: asking again",
                    error=str(error)[:300],
                    wait_seconds=round(wait, 2),
                )
                await asyncio.sleep(wait)
        listed = {market["id"] for market in exchange.markets.values() if market["swap"]}
        strangers = [symbol for symbol in self._symbols if symbol not in listed]
        if strangers:
            raise FeedError(
                f"Aster lists no perpetual {', '.join(strangers)}: choose with --symbols, e.g. BTCUSDT,ETHUSDT."
            )

    async def _send_snapshots(self, exchange: TappedAster) -> None:
        backoff = self._backoff()
        while True:
            symbol = await self._wanted.get()
            while not await self._send_snapshot(exchange, symbol, backoff):
                pass
            backoff.start_over()

    async def _send_snapshot(self, exchange: TappedAster, symbol: str, backoff: Backoff) -> bool:
        try:
            request = {"symbol": symbol, "limit": self._options.snapshot_levels}
            book = await exchange.fapiPublicGetV3Depth(request)
            if not isinstance(book, dict) or "lastUpdateId" not in book:
                raise NetworkError(f"not a book: {str(book)[:100]}")
        except BaseError as error:
            wait = self._after_failure(exchange, error, backoff)
            self.counts["snapshot requests failed"] += 1
            _log.warning(
                "no book snapshot: asking again",
                symbol=symbol,
                error=str(error)[:300],
                wait_seconds=round(wait, 2),
            )
            await asyncio.sleep(wait)
            return False
        # The venue's answer does not say whose book it is; among several symbols a reader has to know.
        self._frames.put(time.time_ns(), orjson.dumps({"s": symbol, **book}), needed=True)
        return True

    def _after_failure(self, exchange: TappedAster, error: BaseError, backoff: Backoff) -> float:
        """How long to wait after a REST call failed; counts the venue's requests to slow down."""
        if not isinstance(error, RateLimitExceeded | DDoSProtection):  # 429 and 418
            return backoff.next()
        self.counts["rate limited"] += 1
        headers = {name.lower(): value for name, value in (exchange.last_response_headers or {}).items()}
        retry_after = headers.get("retry-after", "")
        return backoff.next(at_least=float(retry_after) if retry_after.isdigit() else 0.0)

    def _take(self, exchange: TappedAster, received_ns: int, raw: bytes) -> None:
        """Pass on what the market sent; the venue's answer to the subscription is for us."""
        if raw.startswith(_STREAM_FRAME) or not self._is_answer(exchange, raw):
            self._last_frame = self._loop.time()
            self._frames.put(received_ns, raw)

    def _is_answer(self, exchange: TappedAster, raw: bytes) -> bool:
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(answer, dict) or "e" in answer or "lastUpdateId" in answer:
            return False
        if "error" in answer or "code" in answer:
            refusal = answer.get("error") or answer
            self.counts["subscriptions refused"] += 1
            url = exchange.urls["api"]["ws"]["public"]["swap"]
            exchange.client(url).on_error(NetworkError(f"the subscription was refused: {refusal}"))
            return True
        if "result" in answer:
            self.counts["connections"] += 1
            _log.info("subscribed", symbols=len(self._symbols), channels=len(self._channels))
            return True
        return False

    def _backoff(self) -> Backoff:
        return Backoff(self._options.first_wait, self._options.longest_wait)
