"""A program that uses ccxt's own Aster class, as anybody's would, pointed at the local exchange."""

from typing import Any

from ccxt.pro import aster

from execution.exchange.server import ExchangeServer

Program = Any

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"


def connected(server: ExchangeServer, private_key: str, **options: Any) -> Program:
    """The same lines as `sapphire paper-exchange` prints."""
    exchange = aster(
        {
            "privateKey": private_key,
            "enableRateLimit": False,
            "has": {"fetchCurrencies": False},
            "options": {"defaultType": "swap", "builderFee": False, **options},
        }
    )
    exchange.milliseconds = lambda: server.micros() // 1_000  # its clock is put forward in tests
    api = exchange.urls["api"]
    api.update(fapiPublic=f"{server.url}/fapi", fapiPrivate=f"{server.url}/fapi")
    api.update(sapiPublic=f"{server.url}/api", sapiPrivate=f"{server.url}/api")
    for side, path in (("public", "stream"), ("private", "ws")):
        api["ws"][side] = {"swap": f"{server.stream_url}/{path}", "spot": f"{server.stream_url}/{path}"}
    return exchange
