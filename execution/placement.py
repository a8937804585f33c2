"""Placing orders: the same client_order_id is the same order, however often and from how many sides it comes.

    T0  a request comes in; one ledger transaction begins
    T1  the id is known: the answer is the order as it stands (another body is a conflict); nothing is written
    T2  it is new: NEW, then SUBMITTED (sequence 1), the venue is asked, and each thing that it did is a step
    T3  the transaction commits order, steps, fills, positions and messages together; the outbox is woken
    T4  the answer goes out

A crash before T3 leaves nothing, a crash after it leaves all: whoever asks again gets the one order. This
holds for a venue inside this process. One outside must find its acceptance committed before it is asked,
and is reconciled on start.

Steps carry the desk's clock, but never a time before the order's own decision; each step lies a microsecond
after the one before it, so that sorting by event time keeps the order of life.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError

from contracts.model import Name
from contracts.orders import OrderRequest, OrderType, OrderView
from contracts.payloads import OrderStatus, Side
from contracts.time import Clock
from execution.ledger.entry import LedgerEntry
from execution.ledger.ledger import Ledger, LedgerDisagrees
from execution.ledger.records import OrderRecord
from execution.reduce_only import reducible_quantity
from execution.venues.venue import Venue, VenueAnswer

_MICROSECOND = timedelta(microseconds=1)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


class Unplaceable(ValueError):
    """A request that no venue could take: `field` says where, the text says what to change."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class NotReady(RuntimeError):
    """Orders cannot be taken yet; the same request may be sent again."""


class OrderConflict(ValueError):
    """The client_order_id belongs to another order already."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The order as it stands, and whether this request made it."""

    order: OrderView
    is_new: bool


class Placement:
    """Takes order requests to the ledger and the venue. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, venue: Venue, clock: Clock, committed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._venue = venue
        self._clock = clock
        self._committed = committed
        self._reconciled = threading.Event()
        self._trouble = "open orders are still being reconciled"

    def trouble(self) -> str | None:
        """Why nothing can be placed (not reconciled yet, or not at all); None when orders are taken."""
        return None if self._reconciled.is_set() else self._trouble

    def reconcile(self) -> None:
        """Verify the ledger and settle what was open when the service stopped; raises `LedgerDisagrees`."""
        try:
            self._ledger.verify()
        except LedgerDisagrees as error:
            self._trouble = f"the ledger disagrees with itself: {error}"
            raise
        for client_order_id in self._ledger.open_orders():
            answer = self._venue.answer_to(client_order_id)
            with self._ledger.entry() as entry:
                order = entry.find(client_order_id)
                if order is None or order.life.status.is_final:
                    continue
                moment = max(self._now(), order.updated_at + _MICROSECOND)
                self._settle(entry, order, answer or _never_seen(self._venue.name), moment)
        self._reconciled.set()
        self._committed()

    def place(self, request: OrderRequest) -> Placed:
        """Place an order, once. What the venue refuses is a REJECTED order.

        Raises `NotReady`, `Unplaceable` and `OrderConflict`; then nothing was written.
        """
        trouble = self.trouble()
        if trouble is not None:
            raise NotReady(trouble)
        _check_form(request)
        try:
            placed = self._place(request)
        except IntegrityError:
            # On PostgreSQL another process may have written the same id between our look and our insert.
            placed = self._place(request)
        if placed.is_new:
            self._committed()
        return placed

    def _place(self, request: OrderRequest) -> Placed:
        with self._ledger.entry() as entry:
            known = entry.find(request.client_order_id)
            if known is not None:
                if known.request != request:
                    raise OrderConflict(
                        f"client_order_id {request.client_order_id} was used for another order"
                    )
                return Placed(known.view, is_new=False)
            moment = max(self._now(), request.decided_at)
            held = entry.held_by(request.desk, request.agent, request.symbol)
            quantity = reducible_quantity(request, held)
            order = entry.open(request, quantity or request.quantity, self._venue.name, moment)
            capped = (
                f"reduce_only: {request.quantity} capped to the {quantity} held"
                if quantity < request.quantity
                else ""
            )
            if not quantity:
                answer = VenueAnswer(
                    end=OrderStatus.REJECTED,
                    reason=f"reduce_only: {request.agent} holds {held} {request.symbol}, nothing to {request.side}",
                )
                entry.move(order, OrderStatus.SUBMITTED, moment)
            else:
                answer = self._venue.place(request, quantity, moment)
                order.venue_order_id = answer.venue_order_id
                entry.move(order, OrderStatus.SUBMITTED, moment, capped)
            self._settle(entry, order, answer, moment + _MICROSECOND)
        return Placed(order.view, is_new=True)

    def _now(self) -> datetime:
        try:
            return self._clock.now()
        except FileNotFoundError:
            raise NotReady("the replay clock's file (SAPPHIRE_CLOCK) is not there yet") from None

    def _settle(self, entry: LedgerEntry, order: OrderRecord, answer: VenueAnswer, moment: datetime) -> None:
        for fill in answer.fills:
            entry.fill(order, fill, moment)
            moment += _MICROSECOND
        if answer.end is not None:
            entry.move(order, answer.end, moment, answer.reason)


def _check_form(request: OrderRequest) -> None:
    """What the contract leaves open and no order can do without."""
    try:
        _NAME.validate_python(request.client_order_id)
    except ValidationError:
        raise Unplaceable(
            "client_order_id", "begin with a letter or digit and use letters, digits and . _ : - only"
        ) from None
    if request.side is Side.HOLD:
        raise Unplaceable("side", "an order is a BUY or a SELL")
    if request.type is OrderType.LIMIT and request.limit_price is None:
        raise Unplaceable("limit_price", "a LIMIT order needs one")
    if request.type is OrderType.MARKET and request.limit_price is not None:
        raise Unplaceable("limit_price", "a MARKET order has none: leave it out, or ask for a LIMIT order")


def _never_seen(venue: str) -> VenueAnswer:
    return VenueAnswer(end=OrderStatus.REJECTED, reason=f"reconciled on start: {venue} never saw this order")
