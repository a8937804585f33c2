"""Settlement: what the venue says of an order, whenever and however often it says it, written to the ledger once.

An order whose outcome is unclear is asked for by its client_order_id until the venue is definite:

    trades, an end, or that it is open     written as steps
    unclear again                          UNKNOWN stays, and it is asked later
    that there is no such order            believed once it could not arrive any more (`Venue.settle_seconds` after
                                           it was sent): REJECTED, or CANCELLED when the venue had acknowledged it

Steps carry the desk's clock, but never a time before the order's last step, and each lies a microsecond after the one
before it, so that sorting by event time keeps the order of life.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from contracts.time import Clock
from execution.ledger.entry import LedgerEntry
from execution.ledger.ledger import Ledger
from execution.ledger.order import LedgerOrder
from execution.order_life import IllegalStep
from execution.protection.guard import Guard
from execution.venue_news import Step, steps_from
from execution.venues.venue import Unclear, Venue, VenueAnswer

_log = structlog.get_logger("execution.settlement")

_MICROSECOND = timedelta(microseconds=1)
_TRIES = 3


class Settlement:
    """Writes what the venue says. Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        venue: Venue,
        clock: Clock,
        guard: Guard,
        committed: Callable[[], None],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._venue = venue
        self._clock = clock
        self._guard = guard
        self._committed = committed
        self._ticks = ticks
        self._began = ticks()
        self._sent: dict[str, float] = {}
        self._watcher: Callable[[LedgerOrder], None] = lambda order: None

    def watch(self, changed: Callable[[LedgerOrder], None]) -> None:
        """Whom to tell of each order to which something happened, once it is written."""
        self._watcher = changed

    def sent(self, client_order_id: str) -> None:
        """The order is about to leave: from now on the venue may have it."""
        self._sent[client_order_id] = self._ticks()

    def take(self, client_order_id: str, answer: VenueAnswer) -> LedgerOrder | None:
        """Write what is new in an answer; the order after it, None when the ledger does not know it."""
        for _ in range(_TRIES):
            try:
                return self._take(client_order_id, answer)
            except IntegrityError:
                # On PostgreSQL another process wrote the first trade of the same position between our look and ours.
                continue
        return self._take(client_order_id, answer)

    def _take(self, client_order_id: str, answer: VenueAnswer) -> LedgerOrder | None:
        wrong: IllegalStep | None = None
        with self._ledger.entry() as entry:
            order = entry.find(client_order_id)
            if order is None and answer.request is not None:
                order = self._adopt(entry, answer.request)
            if order is None:
                _log.error("unknown_order_at_venue", client_order_id=client_order_id)
                return None
            before = order.life.steps
            order.venue_order_id = order.venue_order_id or answer.venue_order_id
            known = entry.known_trades(client_order_id) if order.life.filled_quantity else set()
            try:
                steps = steps_from(order.life, known, answer)
            except IllegalStep as error:
                wrong = error
                steps = _doubt(order, f"the venue tells what cannot be: {error}")
            self._write(entry, order, steps)
        self._after(order, steps, before)
        if wrong is not None:
            _log.error("venue_disagrees", client_order_id=client_order_id, error=str(wrong))
            self._guard.disagreed(f"{client_order_id}: {wrong}", datetime.now(UTC))
        return order

    def _adopt(self, entry: LedgerEntry, request: OrderRequest) -> LedgerOrder:
        """Open an order that the venue made itself: what it trades is booked like any other's."""
        moment = self._clock.now()
        order = entry.open(request, request.quantity, self._venue.name, moment)
        entry.move(order, OrderStatus.SUBMITTED, moment, f"made by {self._venue.name} itself")
        return order

    def doubt(self, client_order_id: str, reason: str) -> LedgerOrder | None:
        """Write that the outcome is UNKNOWN, unless the order ended meanwhile."""
        with self._ledger.entry() as entry:
            order = entry.find(client_order_id)
            if order is None:
                return None
            before = order.life.steps
            steps = _doubt(order, reason)
            self._write(entry, order, steps)
        self._after(order, steps, before)
        return order

    def ask(self, order: LedgerOrder) -> LedgerOrder | None:
        """Ask the venue how an open order stands and write it; None when that is still unclear."""
        return self._hear(order, lambda: self._venue.query_order(order.request))

    def cancel(self, order: LedgerOrder) -> LedgerOrder | None:
        """Cancel what is open of an order and write how it stands; None when that is still unclear."""
        return self._hear(order, lambda: self._venue.cancel(order.request, self._clock.now()))

    def _hear(self, order: LedgerOrder, question: Callable[[], VenueAnswer | None]) -> LedgerOrder | None:
        identifier = order.request.client_order_id
        try:
            answer = question()
        except Unclear as unclear:
            self.doubt(identifier, str(unclear))
            return None
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the order may be out
            _log.error("venue_failed", client_order_id=identifier, error=type(error).__name__)
            self.doubt(identifier, f"the venue's adapter failed: {type(error).__name__}")
            return None
        if answer is None:
            if self._ticks() - self._sent.get(identifier, self._began) < self._venue.settle_seconds:
                self.doubt(identifier, f"{self._venue.name} has no such order yet: it may still arrive")
                return None
            answer = self._gone(order)
        return self.take(identifier, answer)

    def _gone(self, order: LedgerOrder) -> VenueAnswer:
        if order.venue_order_id is None and not order.life.filled_quantity:
            reason = f"reconciled: {self._venue.name} never saw this order"
            return VenueAnswer(end=OrderStatus.REJECTED, reason=reason)
        reason = f"reconciled: {self._venue.name} has this order no more"
        return VenueAnswer(end=OrderStatus.CANCELLED, reason=reason)

    def _write(self, entry: LedgerEntry, order: LedgerOrder, steps: list[Step]) -> None:
        if not steps:
            return
        moment = max(self._clock.now(), order.updated_at + _MICROSECOND)
        for step in steps:
            if step.fill is not None:
                entry.fill(order, step.fill, moment)
            elif step.status is not None:
                entry.move(order, step.status, moment, step.reason)
            moment += _MICROSECOND

    def _after(self, order: LedgerOrder, steps: list[Step], before: int) -> None:
        """Once the steps are committed: count them, and wake who publishes them."""
        for step in steps:
            self._guard.wrote(order, step.fill)
        if order.life.status.is_final:
            self._sent.pop(order.request.client_order_id, None)
        if order.life.steps != before:
            self._committed()
            self._watcher(order)


def _doubt(order: LedgerOrder, reason: str) -> list[Step]:
    doubtful = order.life.status in (OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED)
    return [Step(status=OrderStatus.UNKNOWN, reason=reason)] if doubtful else []
