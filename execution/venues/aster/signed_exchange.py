"""ccxt's Aster as the venue uses it: answers judged by what they mean, nonces that never repeat, no builder fee.

ccxt signs, connects and parses; what is decided here:

nonce     ccxt's is its millisecond clock, so that two requests within one are one nonce, and the venue refuses the
          second. Ours counts up by microseconds, on the venue's clock.
answers   ccxt maps them to its exceptions by the code alone; ours are judged by `meaning_of`, with the status, so that
          a 503 is unclear whatever its body says.
builder   no request may name a builder or its fee, and none may approve one: `BuilderFee` instead of a signature.
texts     ccxt's exceptions carry addresses with the signature in them: none of their texts goes any further.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ccxt.base.errors import BaseError

from execution.aster_exchange import AsterPerpetuals, aster_exchange
from execution.venues.aster.request_limits import WEIGHTS, RequestLimits
from execution.venues.aster.settings import AsterSettings
from execution.venues.http_answers import Meaning, meaning_of
from execution.venues.venue import AlreadyThere, Unclear

_BUILDER_WORDS = {"builder", "feeRate", "builderName", "maxFeeRate"}


class BuilderFee(Exception):
    """A request would have paid a builder's fee; it was not signed."""


class Refused(Exception):
    """The venue said no, definitely; the text is what it said."""


class NoSuchOrder(Exception):
    """The venue says that it has no such order."""


class NotSent(Unclear):
    """The request was held back, because the venue's limits are used up; it never left."""


class SignedAster(AsterPerpetuals):
    """ccxt's object; `ask` is the way to everything."""

    limits: RequestLimits
    account: str | None = None
    skew_micros: int = 0
    ticks: Callable[[], float] = staticmethod(time.time)
    _last_nonce: int = 0

    @property
    def venue_seconds(self) -> float:
        """Seconds since 1970 by the venue's clock."""
        return self.ticks() + self.skew_micros / 1e6

    async def ask(
        self, method: str, path: str, parameters: Mapping[str, Any], *, adds_risk: bool = False
    ) -> Any:
        """The venue's answer; raises `Refused`, `NoSuchOrder`, `AlreadyThere`, `NotSent` or `Unclear`."""
        orders = 1 if (method, path) == ("POST", "v3/order") else 0
        weight = WEIGHTS[method, path]
        wait = self.limits.wait(self.venue_seconds, weight, orders=orders, adds_risk=adds_risk)
        if wait:
            raise NotSent(f"the venue's request limits are used up: not sent, in {wait:.0f} s it may be")
        self.limits.sending(self.venue_seconds, weight, orders)
        side = "fapiPublic" if path in ("v3/time", "v3/exchangeInfo") else "fapiPrivate"
        try:
            answer = await self.fetch2(path, [side], method, dict(parameters))
        except BaseError as error:
            raise Unclear(f"no answer: {type(error).__name__}") from None
        if not isinstance(answer, dict | list):
            raise Unclear("the answer is not JSON")
        return answer

    def sign(
        self,
        path: str,
        api: Any = ("public",),
        method: str = "GET",
        params: dict[str, Any] | None = None,
    ) -> Any:
        """As ccxt signs, with our nonce and account; raises `BuilderFee`."""
        given = dict(params or {})
        if "uilder" in path or _BUILDER_WORDS & given.keys():
            raise BuilderFee(f"{path} would pay a builder's fee")
        if str(api[0]).endswith("Private"):
            self._last_nonce = max(self._last_nonce + 1, int(self.venue_seconds * 1e6))
            given = {"nonce": str(self._last_nonce), **given}
            if self.account is not None:
                given = {"user": self.account, **given}
        return super().sign(path, api, method, given)

    def handle_errors(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Any,
        body: str,
        response: Any,
        request_headers: Any,
        request_body: Any,
    ) -> None:
        """Judge an answer, before ccxt does."""
        self.limits.heard(self.venue_seconds, code, headers or {})
        if 200 <= code < 300 and isinstance(response, list):
            return
        meaning, said = meaning_of(code, body.encode())
        if meaning is Meaning.DONE:
            return
        if meaning is Meaning.DUPLICATE:
            raise AlreadyThere(said)
        if meaning is Meaning.NOT_FOUND:
            raise NoSuchOrder(said)
        raise (Refused if meaning is Meaning.REFUSED else Unclear)(said)


def signed_exchange(settings: AsterSettings) -> SignedAster:
    """The exchange object for what the settings say; raises `AsterSettingsError`."""
    rest_url, stream_url, chain_id = settings.addresses
    exchange = aster_exchange(
        SignedAster,
        private_key=settings.key(),
        rest_url=rest_url,
        stream_url=stream_url,
        chain_id=chain_id,
    )
    exchange.limits = RequestLimits()
    exchange.account = settings.account
    exchange.timeout = int(settings.deadline * 1000)
    # The venue's limits are kept by RequestLimits; ccxt's own pace is three requests a second.
    exchange.enableRateLimit = False
    exchange.enableLastHttpResponse = exchange.enableLastJsonResponse = False
    return exchange
