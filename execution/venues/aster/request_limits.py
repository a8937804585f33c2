"""What the venue still lets us ask: its weights and order counts, and how long to be silent after 429 and 418. Pure.

The venue counts by the minute of its clock, weights for the address and orders for the account, and tells both in each
answer. We count along, so that what is under way counts too, and believe the larger. New risk is given the first
`_SHARE` of each limit; the rest is kept for cancels, questions and orders that reduce.

    429   silence for Retry-After, or 1 s, 2 s, 4 s ... up to a minute
    418   the address is banned: silence for Retry-After, at least 2 minutes
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MINUTE = 60.0
_SHARE = 0.8
_BAN = 120.0
_BANNED, _TOO_MANY = 418, 429

WEIGHTS = {
    ("GET", "v3/time"): 1,
    ("GET", "v3/exchangeInfo"): 1,
    ("GET", "v3/order"): 1,
    ("POST", "v3/order"): 1,
    ("DELETE", "v3/order"): 1,
    ("DELETE", "v3/allOpenOrders"): 1,
    ("POST", "v3/countdownCancelAll"): 10,
    ("GET", "v3/openOrders"): 1,
    ("GET", "v3/userTrades"): 5,
    ("GET", "v3/positionRisk"): 5,
    ("GET", "v3/balance"): 5,
    ("GET", "v3/positionSide/dual"): 30,
    ("POST", "v3/positionSide/dual"): 1,
    ("POST", "v3/leverage"): 1,
    ("POST", "v3/marginType"): 1,
    ("POST", "v3/listenKey"): 1,
    ("PUT", "v3/listenKey"): 1,
    ("DELETE", "v3/listenKey"): 1,
}
"""What each request of ours weighs, by the venue's documentation."""


@dataclass(slots=True)
class _Count:
    """One limit of the venue within the minute at hand."""

    limit: int
    minute: int = -1
    used: int = 0

    def at(self, now: float) -> int:
        """What is used up at `now`."""
        minute = int(now // _MINUTE)
        if minute > self.minute:
            self.minute, self.used = minute, 0
        return self.used


@dataclass(slots=True)
class RequestLimits:
    """Counts along; `now` is seconds of the venue's clock since 1970."""

    weight: _Count = field(default_factory=lambda: _Count(2_400))
    orders: _Count = field(default_factory=lambda: _Count(1_200))
    _silent_until: float = 0.0
    _refusals: int = 0

    def learn(self, limits: list[dict[str, Any]]) -> None:
        """Take the limits by the minute from exchangeInfo's `rateLimits`."""
        for limit in limits:
            if limit.get("interval") == "MINUTE" and limit.get("intervalNum") == 1:
                if limit.get("rateLimitType") == "REQUEST_WEIGHT":
                    self.weight.limit = int(limit["limit"])
                elif limit.get("rateLimitType") == "ORDERS":
                    self.orders.limit = int(limit["limit"])

    def wait(self, now: float, weight: int, *, orders: int = 0, adds_risk: bool = False) -> float:
        """Seconds until a request may be sent; 0 when it may be sent now."""
        if now < self._silent_until:
            return self._silent_until - now
        share = _SHARE if adds_risk else 1.0
        full = self.weight.at(now) + weight > self.weight.limit * share or (
            orders > 0 and self.orders.at(now) + orders > self.orders.limit * share
        )
        return _MINUTE - now % _MINUTE if full else 0.0

    def sending(self, now: float, weight: int, orders: int = 0) -> None:
        """A request is about to leave."""
        self.weight.at(now)
        self.weight.used += weight
        self.orders.at(now)
        self.orders.used += orders

    def heard(self, now: float, status: int, headers: Mapping[str, str]) -> None:
        """An answer came: believe its counts, and be silent when it says so."""
        told = {name.lower(): value for name, value in headers.items()}
        for header, count in (
            ("x-mbx-used-weight-1m", self.weight),
            ("x-mbx-order-count-1m", self.orders),
        ):
            if told.get(header, "").isdigit():
                count.used = max(count.at(now), int(told[header]))
        if status not in (_TOO_MANY, _BANNED):
            self._refusals = 0
            return
        asked = float(told["retry-after"]) if told.get("retry-after", "").isdigit() else 0.0
        own = _BAN if status == _BANNED else min(_MINUTE, 2.0**self._refusals)
        self._refusals = min(self._refusals + 1, 10)
        self._silent_until = max(self._silent_until, now + max(asked, own))
