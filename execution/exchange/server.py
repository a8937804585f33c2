"""The exchange as a server on this machine: its loop on a thread of its own, its clock, and what drives it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from aiohttp import web

from contracts.market_data import MarketBatch
from execution.exchange.api import Api
from execution.exchange.market_board import MarketBoard
from execution.exchange.signatures import MAINNET_CHAIN_ID, new_wallet
from execution.exchange.simulated_exchange import TERMS, SimulatedExchange
from execution.exchange.streams import Streams
from execution.matching.terms import Terms

_TICK_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0

_Answer = TypeVar("_Answer")


class ExchangeServer:
    """Serves on the loopback, and nowhere else, between `start` and `stop`; a context manager too.

    `call` runs something on the server's loop, where everything of the exchange lives; `skip` puts its clock forward.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        port: int = 0,
        terms: Terms = TERMS,
        chain_id: int = MAINNET_CHAIN_ID,
        remembers: bool = False,
    ) -> None:
        self.port = port
        self._skipped = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)
        self.streams = Streams(lambda: self.micros() / 1e6)
        self.exchange = SimulatedExchange(symbols, self.streams.tell, terms)
        self.board = MarketBoard(self.exchange, self.streams.publish)
        self.api = Api(
            self.exchange, self.board, self.streams, self.micros, chain_id=chain_id, remembers=remembers
        )

    @property
    def url(self) -> str:
        """Where its REST API is: put /fapi behind it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        """Where its streams are: put /stream or /ws behind it."""
        return f"ws://127.0.0.1:{self.port}/fstream"

    def micros(self) -> int:
        """The server's clock: the machine's, put forward by what was skipped."""
        return time.time_ns() // 1_000 + self._skipped

    def start(self) -> None:
        """Serve; raises OSError when the port is taken."""
        self._thread.start()
        self._ready.wait(_PATIENCE_SECONDS)
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        """End; connections are closed."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_PATIENCE_SECONDS)

    def __enter__(self) -> "ExchangeServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- from any thread -------------------------------------------------------------------------------

    def call(self, work: Callable[[], _Answer]) -> _Answer:
        """What `work` returns, run on the server's loop."""

        async def run() -> _Answer:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_SECONDS)

    def feed(self, batch: MarketBatch) -> None:
        """Market data that happens now."""
        self.call(lambda: self.board.take(batch, self.micros()))

    def skip(self, seconds: float) -> None:
        """Put the clock forward; what is due meanwhile happens."""

        def forward() -> None:
            self._skipped += int(seconds * 1e6)
            self._tick()

        self.call(forward)

    def open_account(self, deposit: Decimal, address: str | None = None) -> str:
        """An account for an address, or for a new wallet whose private key is returned; else returns the address."""
        private_key, made = ("", address) if address is not None else new_wallet()
        self.call(lambda: self.exchange.open_account(made, deposit))
        return private_key or made

    # --- on the loop -----------------------------------------------------------------------------------

    def _tick(self) -> None:
        self.exchange.advance(self.micros())
        self.streams.expire()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        runner = web.AppRunner(self.api.application(), shutdown_timeout=0, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self.port)
            await site.start()
            self.port = runner.addresses[0][1]
        except OSError as error:
            self._trouble = error
            await runner.cleanup()
            return
        finally:
            self._ready.set()
        while not self._stopping.is_set():
            self._tick()
            try:
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)
            except TimeoutError:
                continue
        self.streams.cut()
        self.api.faults.release()
        await runner.cleanup()
