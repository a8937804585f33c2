"""The one place where ccxt's Aster object is made: perpetuals only, no builder fee, other addresses on request."""

from collections.abc import Callable
from decimal import localcontext
from typing import Any, TypeVar

from ccxt.pro import aster

TESTNET_CHAIN_ID = 714


class AsterPerpetuals(aster):
    """ccxt's Aster with its spot side left out.

    ccxt's own loads the spot markets as well, from another host, and tells a stream's market type by the host's
    name; the desk trades perpetuals alone, so neither a spot outage nor another address may matter.
    """

    def describe(self) -> Any:
        """As ccxt describes Aster, without the currencies, which ccxt takes from the spot side too."""
        return self.deep_extend(super().describe(), {"has": {"fetchCurrencies": False}})

    async def fetch_markets(self, params: dict[str, Any] | None = None) -> list[Any]:
        """The perpetuals' markets, as ccxt parses them."""
        found = await self.fapiPublicGetV3ExchangeInfo(params or {})
        rows = [row for row in self.safe_list(found, "symbols", []) if row.get("baseAsset") is not None]
        markets: list[Any] = self.parse_markets(rows)
        return markets

    def get_account_type_from_url(self, url: str) -> str:
        """Always swap."""
        return "swap"


Kind = TypeVar("Kind", bound=aster)


def aster_exchange(
    kind: type[Kind] = AsterPerpetuals,
    *,
    private_key: str = "",
    rest_url: str | None = None,
    stream_url: str | None = None,
    chain_id: int | None = None,
) -> Kind:
    """A ccxt exchange object of `kind`; public data needs no `private_key`.

    `rest_url` and `stream_url` (no path, e.g. ws://127.0.0.1:9000) replace ccxt's own hosts, for a testnet or a
    test server; a testnet signs for another chain (`TESTNET_CHAIN_ID`). ccxt adds a builder fee to each order and
    approves it when signing in unless it is told not to; here it is always told not to.
    """
    exchange: Kind = kind(
        {
            "privateKey": private_key,
            "enableRateLimit": True,
            "options": {
                "defaultType": "swap",
                "builderFee": False,
                **({"v3ChainId": chain_id} if chain_id is not None else {}),
            },
        }
    )
    exchange.decimal_to_precision = _in_its_own_context(exchange.decimal_to_precision)
    api = exchange.urls["api"]
    if rest_url is not None:
        base = rest_url.rstrip("/")
        api.update(fapiPublic=f"{base}/fapi", fapiPrivate=f"{base}/fapi")
        api.update(sapiPublic=f"{base}/api", sapiPrivate=f"{base}/api")
    if stream_url is not None:
        base = stream_url.rstrip("/")
        api["ws"] = {
            "public": {"swap": f"{base}/stream", "spot": f"{base}/stream"},
            "private": {"swap": f"{base}/ws", "spot": f"{base}/ws"},
        }
    return exchange


def _in_its_own_context(to_precision: Callable[..., str]) -> Callable[..., str]:
    """Rounding as ccxt does it, but for leaving all decimals of the thread, ours included, to round half up."""

    def rounded(*arguments: Any, **options: Any) -> str:
        with localcontext():
            return to_precision(*arguments, **options)

    return rounded
