"""What the tests of the Aster venue stand on: the local exchange, the venue, and what the venue told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.exchange.faults import Fault
from execution.exchange.server import ExchangeServer
from execution.venues.aster.aster_venue import AsterVenue
from execution.venues.aster.settings import AsterSettings
from execution.venues.venue import VenueAnswer
from tests.execution.trading_floor import NOON, quote, request

PATIENCE = 30.0
ORDER = "POST /fapi/v3/order"


@contextmanager
def opened(**options: Any) -> Iterator[ExchangeServer]:
    with ExchangeServer(["BTCUSDT"], remembers=True, **options) as server:
        server.feed(quote(42_000.0, 42_000.1))
        yield server


@contextmanager
def connected(server: ExchangeServer, **changes: Any) -> Iterator[AsterVenue]:
    """A venue on an account of its own with 1,000,000 USDT, once it is ready."""
    key = changes.pop("private_key", None) or server.open_account(Decimal(1_000_000))
    settings = AsterSettings(network=server.url, private_key=SecretStr(key), **changes)
    venue = AsterVenue(settings, frozenset({"BTCUSDT"}))
    venue.listen(lambda *_: None)
    # Tests put the server's clock forward; the venue follows it, as it does by asking for the time.
    venue._exchange.ticks = lambda: server.micros() / 1e6
    # Countdowns are told anew when a test says so.
    venue._countdown.run = _never  # type: ignore[method-assign]
    venue.start()
    try:

        def ready() -> bool:
            server.feed(quote(42_000.0, 42_000.1))
            return venue.missing() is None

        until(ready)
        yield venue
    finally:
        venue.stop()


async def _never() -> None:
    await asyncio.Event().wait()


def until(condition: Callable[[], bool]) -> None:
    """Look again and again; what is waited for is other threads' work."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("it did not come to be")


@dataclass
class Stand:
    server: ExchangeServer
    venue: AsterVenue
    told: list[tuple[str, VenueAnswer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.venue.listen(lambda identifier, answer: self.told.append((identifier, answer)))

    def prices(self, bid: float = 42_000.0, ask: float = 42_000.1) -> None:
        """The market is there, and the venue has heard of it."""
        middle = (Decimal(str(bid)) + Decimal(str(ask))) / 2

        def heard() -> bool:
            self.server.feed(quote(bid, ask))
            return self.venue.price("BTCUSDT") == middle

        until(heard)

    def place(self, wanted: OrderRequest) -> VenueAnswer:
        return self.venue.place(wanted, wanted.quantity, NOON)

    def faults(self, endpoint: str, *faults: Fault) -> None:
        self.server.call(lambda: self.server.api.faults.add(endpoint, *faults))

    def heard(self, endpoint: str) -> list[dict[str, str]]:
        """The parameters of each request to an endpoint since the test began."""
        return [one.parameters for one in list(self.server.api.heard) if one.endpoint == endpoint]

    def told_of(self, wanted: OrderRequest) -> list[VenueAnswer]:
        return [answer for identifier, answer in list(self.told) if identifier == wanted.client_order_id]

    def until_told(self, wanted: OrderRequest, end: OrderStatus) -> None:
        until(lambda: any(answer.end is end for answer in self.told_of(wanted)))


_numbers = iter(range(1_000_000))


def order(**changes: Any) -> OrderRequest:
    """Half a bitcoin, bought at the market, under an id that no other test uses."""
    return request(f"aster-{next(_numbers)}", **changes)
