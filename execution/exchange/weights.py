"""The server's request limits: weights by address, orders by account, 429 and then 418. Pure.

Counts are by the minute of the server's clock. Whoever is over a limit gets 429 with Retry-After; an address that asks on
regardless, `_PATIENCE` times within the minute, is banned for two minutes: 418 with Retry-After.
"""

from dataclasses import dataclass, field

WEIGHT_LIMIT = 2_400
ORDER_LIMIT = 1_200

_MINUTE = 60.0
_BAN_SECONDS = 120.0
_PATIENCE = 10


class TooMuch(Exception):
    """The request is over a limit: `status` 429 or 418, and after how many seconds it may be asked again."""

    def __init__(self, status: int, retry_after: int) -> None:
        super().__init__(f"{status}, again in {retry_after} s")
        self.status = status
        self.retry_after = retry_after


@dataclass(slots=True)
class _Minute:
    minute: int = -1
    used: int = 0
    refused: int = 0


@dataclass(slots=True)
class Weights:
    """What addresses and accounts have used; limits may be set lower, to be met sooner."""

    weight_limit: int = WEIGHT_LIMIT
    order_limit: int = ORDER_LIMIT
    _weights: dict[str, _Minute] = field(default_factory=dict)
    _orders: dict[str, _Minute] = field(default_factory=dict)
    _banned: dict[str, float] = field(default_factory=dict)

    def take_weight(self, address: str, weight: int, now: float) -> int:
        """What the address has used with this request (at `now`, seconds); raises `TooMuch`."""
        until = self._banned.get(address, 0.0)
        if now < until:
            raise TooMuch(418, _up(until - now))
        count = self._at(self._weights, address, now)
        if count.used + weight > self.weight_limit:
            count.refused += 1
            if count.refused > _PATIENCE:
                self._banned[address] = now + _BAN_SECONDS
                raise TooMuch(418, int(_BAN_SECONDS))
            raise TooMuch(429, _up(_MINUTE - now % _MINUTE))
        count.used += weight
        return count.used

    def take_orders(self, account: str, orders: int, now: float) -> int:
        """What the account has ordered with these; raises `TooMuch`."""
        count = self._at(self._orders, account, now)
        if count.used + orders > self.order_limit:
            raise TooMuch(429, _up(_MINUTE - now % _MINUTE))
        count.used += orders
        return count.used

    def _at(self, counts: dict[str, _Minute], key: str, now: float) -> _Minute:
        count = counts.setdefault(key, _Minute())
        minute = int(now // _MINUTE)
        if minute > count.minute:
            count.minute, count.used, count.refused = minute, 0, 0
        return count


def _up(seconds: float) -> int:
    return int(-(-seconds // 1))
