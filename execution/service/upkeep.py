"""What the service does by itself: asks for what is unclear, and while trading is stopped, cancels and flattens.

every tick          orders that are UNKNOWN are asked for; where something happened, brackets are compared
every 30 s          so is everything else that is open; all brackets, and positions with the venue's, are compared
silent              everything open is cancelled but brackets, which protect what is held
killed              everything open is cancelled, again until the venue has confirmed it
killed to flatten   once nothing is open: each agent's holding is closed by a reduce-only market order
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import structlog
from sqlalchemy.exc import SQLAlchemyError

from contracts.orders import OrderRequest, client_order_id
from contracts.payloads import OrderStatus, Side
from contracts.time import Clock, to_micros
from execution.brackets import Brackets
from execution.ledger.ledger import AgentHolding, Ledger
from execution.ledger.order import LedgerOrder
from execution.placement import NotReady, Placement
from execution.position_check import PositionCheck
from execution.protection.guard import Guard
from execution.protection.kill_switch import Kill
from execution.reduce_only import is_bracket
from execution.venues.venue import Venue

_log = structlog.get_logger("execution.upkeep")

TICK_SECONDS = 0.5
_ALL_SECONDS = 30.0
_FLATTEN = "flatten-"


class Upkeep:
    """Runs on a thread of its own; `tick` is one round."""

    def __init__(
        self,
        ledger: Ledger,
        placement: Placement,
        venue: Venue,
        guard: Guard,
        clock: Clock,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._placement = placement
        self._venue = venue
        self._guard = guard
        self._clock = clock
        self._ticks = ticks
        self._asked_all = ticks()
        self._positions = PositionCheck(ledger, venue, guard, clock, ticks)
        self._brackets = Brackets(ledger, placement, venue, guard, clock, wake=self.wake, ticks=ticks)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Do a round now: trading was stopped, or an order with a bracket changed."""
        self._woken.set()

    def stop(self) -> None:
        """End after the round at hand."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(5.0)

    def tick(self) -> None:
        """One round; nothing before the start's reconciliation is done."""
        if self._placement.trouble() is not None:
            return
        open_orders = self._ledger.open_orders()
        if self._guard.stopped() is not None:
            self._stand_down(open_orders)
            self._brackets.tick()
            return
        everything = self._ticks() - self._asked_all >= _ALL_SECONDS
        if everything:
            self._asked_all = self._ticks()
        for order in open_orders:
            if everything or order.life.status is OrderStatus.UNKNOWN:
                self._placement.ask_again(order)
        self._brackets.tick(everything=everything)
        self._positions.look()

    def _stand_down(self, open_orders: list[LedgerOrder]) -> None:
        kill = self._guard.switch.kill
        for order in open_orders:
            if order.request.correlation_id.startswith(_FLATTEN):
                self._placement.ask_again(order)
            elif kill is None and is_bracket(order.request):
                if order.life.status is OrderStatus.UNKNOWN:
                    self._placement.ask_again(order)
            else:
                self._placement.cancel(order)
        if kill is not None and kill.flatten and not self._ledger.open_orders():
            for holding in self._ledger.holdings():
                self._flatten(kill, holding)

    def _flatten(self, kill: Kill, holding: AgentHolding) -> None:
        """Close a holding; the same kill and holding is the same order, so another round sends nothing new."""
        price = self._venue.price(holding.symbol)
        if price is None or not price.is_finite() or price <= 0:
            return
        request = _closing(kill, holding, price, self._clock.now())
        known = self._ledger.order(request.client_order_id)
        if known is None:
            self._placement.place(request)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(TICK_SECONDS)
            self._woken.clear()
            try:
                self.tick()
            except (SQLAlchemyError, NotReady, FileNotFoundError) as error:
                _log.warning("upkeep_postponed", error=str(error))


def _closing(kill: Kill, holding: AgentHolding, price: Decimal, moment: datetime) -> OrderRequest:
    parts = (to_micros(kill.at), holding.agent, holding.symbol, holding.quantity)
    identifier = client_order_id(holding.desk, "/".join(map(str, parts)))
    return OrderRequest(
        client_order_id=identifier,
        desk=holding.desk,
        agent=holding.agent,
        symbol=holding.symbol,
        side=Side.SELL if holding.quantity > 0 else Side.BUY,
        quantity=abs(holding.quantity),
        reference_price=price.quantize(Decimal("1e-12")).normalize(),
        reduce_only=True,
        correlation_id=f"{_FLATTEN}{identifier}",
        decided_at=moment,
    )
