"""Brackets: what an entry filled is protected by a stop and a target at the venue, as a set that is reconciled.

An entry that names a stop_loss or take_profit gets, for what it filled and its agent still holds, one reduce-only order
each. They are orders like any other: placed, written, told and asked for in the same way. What is at the venue is compared
with what should be there again and again, so that whatever happened in between ends in the same set:

    T0  the entry fills, wholly or in part       a stop and a target of that size are placed
    T1  it fills some more                       they are cancelled, and once that is sure, placed in the new size
    T2  the target trades                        the stop shrinks by as much; when nothing is held, it is cancelled
    T3  the agent closes by itself               both shrink, the oldest entry's first
    T4  the venue lost one, or cancelled it      it is placed anew
    T5  the service starts again                 the same comparison, from the ledger alone

At no time are two stops (or two targets) of one entry open: the next is placed when the one before it has ended, under the
id that follows from its id (`bracket_order_id` of an entry, then of the leg before). A leg whose price was passed before it
could be placed is a market order. While trading is killed nothing is placed; while the desk is silent, brackets stand.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

import structlog

from contracts.instruments import INSTRUMENTS
from contracts.orders import OrderRequest, OrderType, bracket_order_id
from contracts.payloads import OrderStatus, Side
from contracts.time import Clock
from execution.ledger.ledger import Ledger
from execution.ledger.order import LedgerOrder
from execution.placement import NotReady, Placement
from execution.protection.guard import Guard
from execution.reduce_only import is_bracket
from execution.venues.venue import Venue

_log = structlog.get_logger("execution.brackets")

Leg = Literal["stop", "target"]
LEGS: tuple[Leg, Leg] = ("stop", "target")

MOST_ENTRIES = 7
"""Of an agent's entries in a symbol, so many have a bracket of their own; the oldest of them protects what is older too.
The venue lets 100 orders of a symbol wait for a price: seven agents with two legs each need 98."""

_LONGEST_PAUSE = 60.0
_ZERO = Decimal(0)

_Key = tuple[str, str, str]


@dataclass(slots=True)
class Protected:
    """An entry, how much of what it filled is still held, and the legs that were placed for it, each kind in order."""

    entry: OrderRequest
    quantity: Decimal
    legs: dict[Leg, list[LedgerOrder]]


@dataclass(slots=True)
class Lots:
    """Whose fills make up a holding: fed with the agent's orders from the newest back, until all of it is explained.

    Closing takes the oldest first, so that what is held was bought last.
    """

    held: Decimal
    protected: list[Protected] = field(default_factory=list)
    _known: dict[str, LedgerOrder] = field(default_factory=dict)
    _unexplained: Decimal = field(init=False)

    def __post_init__(self) -> None:
        self._unexplained = abs(self.held)

    def add(self, order: LedgerOrder) -> bool:
        """Take the next older order; whether the holding is explained."""
        request = order.request
        self._known[request.client_order_id] = order
        if request.reduce_only or request.side.sign * self.held <= 0:
            return not self._unexplained
        legs: dict[Leg, list[LedgerOrder]] = {leg: list(self._legs(request, leg)) for leg in LEGS}
        closed = sum((leg.life.filled_quantity for kind in legs.values() for leg in kind), _ZERO)
        quantity = min(max(order.life.filled_quantity - closed, _ZERO), self._unexplained)
        self._unexplained -= quantity
        if quantity and (request.stop_loss is not None or request.take_profit is not None):
            self.protected.append(Protected(request, quantity, legs))
        return not self._unexplained

    def wanted(self) -> list[Protected]:
        """The brackets that should be there: the newest entries', the last of them with what is older added."""
        first, rest = self.protected[:MOST_ENTRIES], self.protected[MOST_ENTRIES:]
        if rest:
            first[-1].quantity += sum((older.quantity for older in rest), _ZERO)
        return first

    def _legs(self, entry: OrderRequest, leg: Leg) -> Iterator[LedgerOrder]:
        identifier = bracket_order_id(entry.client_order_id, leg)
        while identifier in self._known:
            yield self._known[identifier]
            identifier = bracket_order_id(identifier, leg)


def level_of(entry: OrderRequest, leg: Leg) -> Decimal | None:
    """The price at which a leg fires, on the tick, rounded towards the entry; None when there is none above zero."""
    price = entry.stop_loss if leg == "stop" else entry.take_profit
    if price is None:
        return None
    tick = INSTRUMENTS[entry.symbol].tick
    upwards = (entry.side is Side.BUY) == (leg == "stop")
    level = (price / tick).to_integral_value(ROUND_CEILING if upwards else ROUND_FLOOR) * tick
    return level if level > 0 else None


def is_passed(entry: OrderRequest, leg: Leg, level: Decimal, price: Decimal) -> bool:
    """Whether the leg would fire at once at this price."""
    towards = -entry.side.sign if leg == "stop" else entry.side.sign
    return (price - level) * towards >= 0


def leg_request(
    entry: OrderRequest, leg: Leg, identifier: str, quantity: Decimal, price: Decimal, moment: datetime
) -> OrderRequest | None:
    """The order that a leg is, when the venue's price is `price`; None when the entry has no such leg."""
    level = level_of(entry, leg)
    if level is None:
        return None
    kind = OrderType.STOP_MARKET if leg == "stop" else OrderType.TAKE_PROFIT_MARKET
    fires_now = is_passed(entry, leg, level, price)
    return OrderRequest(
        client_order_id=identifier,
        desk=entry.desk,
        agent=entry.agent,
        symbol=entry.symbol,
        side=Side.SELL if entry.side is Side.BUY else Side.BUY,
        type=OrderType.MARKET if fires_now else kind,
        quantity=quantity,
        stop_price=None if fires_now else level,
        reference_price=price.quantize(Decimal("1e-12")).normalize(),
        reduce_only=True,
        # Tells the gate that a stop of the same size is in flight beside this: only one of them can trade.
        stop_loss=entry.stop_loss if leg == "target" else None,
        correlation_id=entry.correlation_id,
        decided_at=moment,
    )


class Brackets:
    """Keeps the set as it should be; `tick` is one comparison, `touched` says where one is due."""

    def __init__(
        self,
        ledger: Ledger,
        placement: Placement,
        venue: Venue,
        guard: Guard,
        clock: Clock,
        *,
        wake: Callable[[], None],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._placement = placement
        self._venue = venue
        self._guard = guard
        self._clock = clock
        self._wake = wake
        self._ticks = ticks
        self._due: deque[_Key] = deque()
        self._bracketed: set[_Key] = set()
        self._retry_at: dict[str, float] = {}
        self._swept = False
        placement.settlement.watch(self.touched)

    def touched(self, order: LedgerOrder) -> None:
        """Something happened to an order: where brackets are concerned, compare soon. Any thread."""
        request = order.request
        key = (request.desk, request.agent, request.symbol)
        if is_bracket(request) or request.stop_loss is not None or request.take_profit is not None:
            self._bracketed.add(key)
        if key in self._bracketed:
            self._due.append(key)
            self._wake()

    def tick(self, *, everything: bool = False) -> None:
        """Compare where something happened, or `everything`; the first time, everything."""
        if self._guard.switch.kill is not None:
            self._swept = False
            return
        due = {self._due.popleft() for _ in range(len(self._due))}
        legs: dict[_Key, list[LedgerOrder]] = {}
        if everything or due or not self._swept:
            for order in self._ledger.open_orders():
                if is_bracket(order.request):
                    request = order.request
                    legs.setdefault((request.desk, request.agent, request.symbol), []).append(order)
        if everything or not self._swept:
            due |= legs.keys() | {(held.desk, held.agent, held.symbol) for held in self._ledger.holdings()}
            self._swept = True
        for key in sorted(due):
            try:
                self._compare(key, legs.get(key, []))
            except (ValueError, ArithmeticError, KeyError) as error:
                # Whatever one bracket is wrong in must not keep the others, nor the kill switch, from working.
                _log.error("bracket_impossible", agent=key[1], symbol=key[2], error=str(error)[:300])

    def _compare(self, key: _Key, open_legs: list[LedgerOrder]) -> None:
        held = self._ledger.holding(*key)
        lots = Lots(held)
        if held:
            self._ledger.newest_orders(*key, enough=lots.add)
        wanted = lots.wanted()
        if wanted or open_legs:
            self._bracketed.add(key)
        else:
            self._bracketed.discard(key)
        kept: set[str] = set()
        for protected in wanted:
            for leg in LEGS:
                if not self._keep(key, protected, leg, kept):
                    self._due.append(key)
                    return
        for order in open_legs:
            if order.request.client_order_id not in kept:
                self._end(key, order)

    def _keep(self, key: _Key, protected: Protected, leg: Leg, kept: set[str]) -> bool:
        """Have one leg of the right size, noted in `kept`; False when it traded at once, and all is to be seen anew."""
        entry, placed = protected.entry, protected.legs[leg]
        if level_of(entry, leg) is None:
            return True
        last = placed[-1] if placed else None
        if last is not None and not last.life.status.is_final:
            kept.add(last.request.client_order_id)
            remaining = last.life.quantity - last.life.filled_quantity
            if remaining != protected.quantity and last.life.status is not OrderStatus.UNKNOWN:
                self._end(key, last)
            return True
        return self._must_wait(key, placed) or self._place(key, protected, leg, last)

    def _place(self, key: _Key, protected: Protected, leg: Leg, last: LedgerOrder | None) -> bool:
        entry = protected.entry
        price = self._venue.price(entry.symbol)
        if price is None or not price.is_finite() or price <= 0:
            self._due.append(key)
            return True
        before = entry.client_order_id if last is None else last.request.client_order_id
        identifier = bracket_order_id(before, leg)
        request = leg_request(entry, leg, identifier, protected.quantity, price, self._clock.now())
        if request is None:
            return True
        try:
            order = self._placement.place(request).order
        except NotReady:
            self._due.append(key)
            return True
        if order.status is OrderStatus.REJECTED:
            self._due.append(key)
            self._retry_at[identifier] = self._ticks() + self._pause_after(protected.legs[leg])
            _log.error(
                "bracket_rejected",
                client_order_id=identifier,
                entry=entry.client_order_id,
                reason=order.reason,
            )
        return not order.filled_quantity

    def _must_wait(self, key: _Key, placed: list[LedgerOrder]) -> bool:
        """After a leg that was rejected: whether it is too early for another."""
        if not placed:
            return False
        identifier = placed[-1].request.client_order_id
        if self._ticks() >= self._retry_at.get(identifier, 0.0):
            self._retry_at.pop(identifier, None)
            return False
        self._due.append(key)
        return True

    def _pause_after(self, placed: list[LedgerOrder]) -> float:
        """Seconds before the next try after one more rejection in a row: 1, 2 ... a minute."""
        rejected = 0
        for order in reversed(placed):
            if order.life.status is not OrderStatus.REJECTED:
                break
            rejected += 1
        return min(2.0**rejected, _LONGEST_PAUSE)

    def _end(self, key: _Key, order: LedgerOrder) -> None:
        """Cancel a leg that is too many or of the wrong size; what comes in its place is seen once that is sure."""
        self._placement.cancel(order)
        self._due.append(key)
