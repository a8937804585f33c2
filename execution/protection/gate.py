"""The gate: whether an order may leave for the venue, by hard limits and the venue's own price. Pure.

What the gate counts as exposure is its own: fills as they are written to the ledger, and what is in flight at its
worst. An order is let through and counted in one step, so that two at once cannot both have the last room.
A reduce-only order takes risk away: the limits of amounts let it pass, the collar and the symbols do not.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from contracts.orders import OrderRequest
from execution.exact import plain
from execution.protection.limits import ProtectionLimits
from execution.reduce_only import is_bracket

_MINUTE = timedelta(minutes=1)
_ZERO = Decimal(0)


class Code(StrEnum):
    """Why an order was not let through."""

    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED"
    NO_VENUE_PRICE = "NO_VENUE_PRICE"
    PRICE_COLLAR = "PRICE_COLLAR"
    ORDER_NOTIONAL = "ORDER_NOTIONAL"
    MINUTE_NOTIONAL = "MINUTE_NOTIONAL"
    POSITION_NOTIONAL = "POSITION_NOTIONAL"
    KILLED = "KILLED"
    DEAD_MAN = "DEAD_MAN"


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not: a code to count by, and a sentence with what was seen and what is allowed."""

    code: Code
    detail: str

    def __str__(self) -> str:
        """As it stands in the order's reason."""
        return f"protection {self.code}: {self.detail}"


@dataclass(slots=True)
class _InFlight:
    symbol: str
    remaining: Decimal


class Gate:
    """Judges orders one at a time; not to be used from two threads at once."""

    def __init__(self, limits: ProtectionLimits) -> None:
        self._limits = limits
        self._positions: dict[str, Decimal] = {}
        self._in_flight: dict[str, _InFlight] = {}
        self._minute: deque[tuple[datetime, Decimal]] = deque()
        self._minute_worth = _ZERO

    def admit(
        self, request: OrderRequest, quantity: Decimal, price: Decimal | None, moment: datetime
    ) -> Denial | None:
        """Let an order of `quantity` through and count it (None), or say why not; `price` is the venue's own."""
        limits, symbol = self._limits, request.symbol
        if symbol not in limits.symbols:
            return Denial(
                Code.SYMBOL_NOT_ALLOWED, f"{symbol} is not among {', '.join(sorted(limits.symbols))}"
            )
        if price is None or not price.is_finite() or price <= 0:
            return Denial(Code.NO_VENUE_PRICE, f"the venue has no price of {symbol} to judge the order by")
        named = request.reference_price if request.limit_price is None else request.limit_price
        distance = abs(named - price) / price
        if not distance <= limits.price_collar:
            return Denial(
                Code.PRICE_COLLAR,
                f"{named} is {distance:.2%} from the venue's {plain(price)}, {limits.price_collar:.2%} is allowed",
            )
        notional = quantity * max(named, price)
        if not request.reduce_only:
            denial = self._too_much(request, quantity, notional, price, moment)
            if denial is not None:
                return denial
            self._spend(moment, notional)
        if not _has_its_stop_in_flight(request):
            self._in_flight[request.client_order_id] = _InFlight(symbol, quantity * request.side.sign)
        return None

    def withdraw(self, client_order_id: str) -> None:
        """Forget what an order may still do: it ended, or was never written."""
        self._in_flight.pop(client_order_id, None)

    def traded(self, client_order_id: str, symbol: str, quantity: Decimal) -> None:
        """Count a trade of the signed `quantity`."""
        self._positions[symbol] = self._positions.get(symbol, _ZERO) + quantity
        order = self._in_flight.get(client_order_id)
        if order is not None:
            order.remaining -= quantity

    def begin(self, positions: dict[str, Decimal]) -> None:
        """Start from what the ledger holds, signed by symbol, with nothing in flight."""
        self._positions = dict(positions)
        self._in_flight.clear()
        self._minute.clear()
        self._minute_worth = _ZERO

    def resume(self, request: OrderRequest, remaining: Decimal, notional: Decimal, moment: datetime) -> None:
        """Count an order of before a restart: what it may still do (0: it ended) and what it was worth."""
        if remaining and not _has_its_stop_in_flight(request):
            self._in_flight[request.client_order_id] = _InFlight(
                request.symbol, remaining * request.side.sign
            )
        if not request.reduce_only:
            self._spend(moment, notional)

    def worst_position(self, symbol: str, side: int) -> Decimal:
        """The position when everything in flight to this side (+1, -1) trades and nothing else, signed."""
        flying = (order.remaining for order in self._in_flight.values() if order.symbol == symbol)
        return self._positions.get(symbol, _ZERO) + sum((q for q in flying if q * side > 0), _ZERO)

    def _spend(self, moment: datetime, notional: Decimal) -> None:
        self._minute.append((moment, notional))
        self._minute_worth += notional

    def _too_much(
        self, request: OrderRequest, quantity: Decimal, notional: Decimal, price: Decimal, moment: datetime
    ) -> Denial | None:
        limits = self._limits
        if not notional <= limits.order_notional:
            return _over(Code.ORDER_NOTIONAL, "the order", notional, limits.order_notional)
        while self._minute and self._minute[0][0] <= moment - _MINUTE:
            self._minute_worth -= self._minute.popleft()[1]
        minute = notional + self._minute_worth
        if not minute <= limits.minute_notional:
            return _over(Code.MINUTE_NOTIONAL, "a minute's orders", minute, limits.minute_notional)
        sign = request.side.sign
        before = self.worst_position(request.symbol, sign)
        after = before + quantity * sign
        if abs(after) > abs(before) and not abs(after) * price <= limits.position_notional:
            return _over(
                Code.POSITION_NOTIONAL,
                f"{request.symbol}'s position",
                abs(after) * price,
                limits.position_notional,
            )
        return None


def _has_its_stop_in_flight(request: OrderRequest) -> bool:
    """Whether this is the target of a bracket with a stop: only one of them can trade, and the stop counts."""
    return is_bracket(request) and request.stop_loss is not None


def _over(code: Code, what: str, seen: Decimal, allowed: Decimal) -> Denial:
    return Denial(code, f"{what} would be worth {seen:.2f} USDT, {plain(allowed)} USDT is allowed")
