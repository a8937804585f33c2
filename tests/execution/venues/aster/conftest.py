"""One local exchange and one venue connected to it for a module's tests; ccxt and connections are slow to set up."""

from collections.abc import Iterator

import pytest

from execution.exchange.server import ExchangeServer
from execution.venues.aster.aster_venue import AsterVenue
from tests.execution.venues.aster.stand import Stand, connected, opened


@pytest.fixture(scope="module")
def server() -> Iterator[ExchangeServer]:
    with opened() as server:
        yield server


@pytest.fixture(scope="module")
def venue(server: ExchangeServer) -> Iterator[AsterVenue]:
    with connected(server) as venue:
        yield venue


@pytest.fixture
def stand(server: ExchangeServer, venue: AsterVenue) -> Stand:
    """The venue with a fresh price, nobody listening yet but the test, and nothing left to see of earlier tests."""
    stand = Stand(server, venue)
    stand.prices()
    server.api.heard.clear()
    return stand
