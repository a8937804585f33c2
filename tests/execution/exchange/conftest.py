"""One exchange for a module's tests, with a market that stands still, and a ccxt program that is connected to it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any

import pytest

from execution.exchange.server import ExchangeServer
from tests.execution.exchange.program import Program, connected
from tests.execution.trading_floor import quote


@pytest.fixture(scope="module")
def server() -> Iterator[ExchangeServer]:
    with ExchangeServer(["BTCUSDT", "ETHUSDT"], remembers=True) as server:
        server.feed(quote(42_000.0, 42_000.1))
        server.feed(quote(2_500.0, 2_500.1, symbol="ETHUSDT"))
        yield server


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def run(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return loop.run_until_complete


@pytest.fixture(scope="module")
def wallet(server: ExchangeServer) -> str:
    """The private key of an account with 100,000 USDT."""
    return server.open_account(Decimal(100_000))


@pytest.fixture(scope="module")
def program(server: ExchangeServer, wallet: str, loop: asyncio.AbstractEventLoop) -> Iterator[Program]:
    program = connected(server, wallet)
    loop.run_until_complete(program.load_markets())
    yield program
    loop.run_until_complete(program.close())
