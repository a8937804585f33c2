"""Placing orders: the same client_order_id is the same order, however often and from how many sides it comes.

    T0  a request comes in; a second one for the same order waits until the first has its answer
    T1  the id is known: the answer is the order as it stands (another body is a conflict); nothing is written
    T2  it is new: the guard is asked, and the order is committed as SUBMITTED, or REJECTED when the guard says no
    T3  the venue is asked
    T4  what it did is committed: steps, fills, positions and messages together; the outbox is woken
    T5  the answer goes out

A crash before T2 leaves nothing. One after it leaves an order that is open, which is asked for at the venue before
anything else is placed; so is one whose answer at T3 is lost (then it is UNKNOWN). Nothing is ever sent a second time.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError

from contracts.model import Name
from contracts.orders import OrderRequest, OrderView
from contracts.payloads import OrderStatus, Side
from contracts.time import Clock
from execution.ledger.ledger import Ledger
from execution.ledger.order import LedgerOrder
from execution.ledger.verification import LedgerDisagrees
from execution.protection.guard import Guard
from execution.reduce_only import is_bracket, reducible_quantity
from execution.settlement import Settlement
from execution.turns import Turns
from execution.venues.venue import Unclear, Venue

_log = structlog.get_logger("execution.placement")

_MINUTE = timedelta(minutes=1)
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
        self._turns = Turns()
        self.settlement = Settlement(ledger, venue, clock, guard, committed, ticks)
        self._committed = committed
        self._reconciled = threading.Event()
        self._trouble = "open orders are still being reconciled"
        venue.listen(self.settlement.take)

    def trouble(self) -> str | None:
        """Why nothing can be placed (not reconciled yet, or not at all); None when orders are taken."""
        return None if self._reconciled.is_set() else self._trouble

    def reconcile(self) -> bool:
        """Verify the ledger and ask for every order that was open when the service stopped.

        False while the venue is unclear about one: to be called again. Raises `LedgerDisagrees`.
        """
        try:
            self._ledger.verify()
        except LedgerDisagrees as error:
            self._trouble = f"the ledger disagrees with itself: {error}"
            raise
        unclear = [order for order in self._ledger.open_orders() if self.settlement.ask(order) is None]
        if unclear:
            self._trouble = (
                f"{self._venue.name} is unclear about {len(unclear)} open orders; they are asked for"
            )
            return False
        net: dict[str, Decimal] = {}
        for position in self._ledger.positions():
            net[position.symbol] = net.get(position.symbol, Decimal(0)) + position.quantity
        recent = self._ledger.orders_since(self._now() - _MINUTE)
        self._guard.begin(net, self._ledger.open_orders(), recent)
        self._reconciled.set()
        self._committed()
        return True

    def place(self, request: OrderRequest) -> Placed:
        """Place an order, once. What the guard or the venue refuses is a REJECTED order.

        Raises `NotReady`, `Unplaceable` and `OrderConflict`; then nothing was written.
        """
        trouble = self.trouble()
        if trouble is not None:
            raise NotReady(trouble)
        _check_form(request)
        with self._turns.of(request.client_order_id):
            try:
                order, is_new = self._accept(request)
            except IntegrityError:
                # On PostgreSQL another process may have written the same id between our look and our insert.
                order, is_new = self._accept(request)
            if is_new and not order.life.status.is_final:
                order = self._send(order)
        if is_new:
            self._committed()
        return Placed(order.view, is_new=is_new)

    def ask_again(self, order: LedgerOrder) -> bool:
        """Ask the venue for an open order, not while it is being placed; whether the venue was clear."""
        with self._turns.of(order.request.client_order_id):
            return self.settlement.ask(order) is not None

    def cancel(self, order: LedgerOrder) -> bool:
        """Cancel what is open of an order, not while it is being placed; whether the venue was clear."""
        with self._turns.of(order.request.client_order_id):
            return self.settlement.cancel(order) is not None

    def _accept(self, request: OrderRequest) -> tuple[LedgerOrder, bool]:
        """The order, committed before anybody outside hears of it; whether it is new."""
        admitted = False
        try:
            with self._ledger.entry() as entry:
                known = entry.find(request.client_order_id)
                if known is not None:
                    if known.request != request:
                        raise OrderConflict(
                            f"client_order_id {request.client_order_id} was used for another order"
                        )
                    return known, False
                moment = max(self._now(), request.decided_at)
                quantity, reason = request.quantity, ""
                if request.reduce_only:
                    key = (request.desk, request.agent, request.symbol)
                    held = entry.held_by(*key)
                    spoken_for = Decimal(0) if is_bracket(request) else entry.reducing(*key)
                    quantity = reducible_quantity(request, held + spoken_for)
                    if not quantity:
                        reason = f"reduce_only: {request.agent} holds {held} {request.symbol}, nothing to {request.side}"
                    elif quantity < request.quantity:
                        reason = f"reduce_only: {request.quantity} capped to the {quantity} held"
                order = entry.open(request, quantity or request.quantity, self._venue.name, moment)
                if not quantity:
                    entry.move(order, OrderStatus.REJECTED, moment, reason)
                    return order, True
                denial = self._guard.admit(request, quantity, self._venue.price(request.symbol), moment)
                if denial is not None:
                    entry.move(order, OrderStatus.REJECTED, moment, str(denial))
                    return order, True
                admitted = True
                entry.move(order, OrderStatus.SUBMITTED, moment, reason)
        except BaseException:
            if admitted:
                self._guard.withdraw(request.client_order_id)
            raise
        return order, True

    def _send(self, order: LedgerOrder) -> LedgerOrder:
        """Ask the venue, once; whatever its answer is, the order as it stands then."""
        request, settlement = order.request, self.settlement
        settlement.sent(request.client_order_id)
        try:
            answer = self._venue.place(request, order.life.quantity, order.updated_at)
        except Unclear as unclear:
            doubted = settlement.doubt(request.client_order_id, str(unclear)) or order
        except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the order may be out
            _log.error("venue_failed", client_order_id=request.client_order_id, error=type(error).__name__)
            reason = f"the venue's adapter failed: {type(error).__name__}"
            doubted = settlement.doubt(request.client_order_id, reason) or order
        else:
            return settlement.take(request.client_order_id, answer) or order
        return settlement.ask(doubted) or doubted

    def _now(self) -> datetime:
        try:
            return self._clock.now()
        except FileNotFoundError:
            raise NotReady("the replay clock's file (SAPPHIRE_CLOCK) is not there yet") from None


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
    misfit = request.misfit()
    if misfit is not None:
        raise Unplaceable(*misfit)
