"""Reconciling: asking the execution service's ledger, and what its answers mean for the book and for orders in flight."""

from contracts.bookings import LedgerOrder, LedgerQuestion, LedgerReport
from contracts.ids import derived_id
from contracts.payloads import OrderExecution, OrderStatus, Side
from contracts.risk.order_memory import InFlight
from contracts.risk.standing import RiskStanding
from contracts.time import from_micros
from transforms.portfolio.report import MESSAGES, SENDER, Report
from transforms.portfolio.telling import Telling

ORDERS_AT_ONCE = 20
"""Orders that one question asks for; the others wait for the next."""

_NOWHERE = "none"


class Reconciling:
    """Asks every `reconcile_seconds`, once a job that has a ledger has asked it at its start.

    An order in flight is asked for when nothing was heard of it for as long:

    the ledger has none             REJECTED: it was never placed, as when its request was not answered
    it is open                      it stays in flight
    it ended, all fills are here    it ended here too
    it ended, fills are missing     they are on their way; when they still are at the next question it ended here too, and
                                    what is missing shows as a difference of the positions
    """

    def __init__(self, desk: str, standing: RiskStanding, telling: Telling) -> None:
        self._desk = desk
        self._standing = standing
        self._telling = telling

    def ask_if_due(self, report: Report) -> None:
        """Ask the ledger, when it is time."""
        standing, seconds = self._standing, self._standing.limits.now.reconcile_seconds
        if not standing.reconciliation.is_due(standing.clock, seconds):
            return
        standing.reconciliation.asked(standing.clock)
        before = standing.clock - seconds * 1_000_000
        waiting = sorted(
            (order.asked_micros, order.client_order_id)
            for order in standing.orders.in_flight()
            if order.asked_micros <= before
        )
        names = tuple(name for _, name in waiting[:ORDERS_AT_ONCE])
        for name in names:
            standing.orders.asked_about(name, standing.clock)
        report.ask(LedgerQuestion(desk=self._desk, orders=names, asked_at=from_micros(standing.clock)))

    def hear(self, report: Report, said: LedgerReport, micros: int) -> None:
        """Take the ledger's answer: first what it says of orders, then of positions."""
        standing = self._standing
        missing = [alert for told in said.orders if (alert := self._order(report, told, micros))]
        before = standing.reconciliation.holds
        changed = standing.reconciliation.hear(said, standing.book, standing.orders, standing.clock)
        if changed and standing.reconciliation.holds:
            reason = standing.reconciliation.reason
            missing.append(f"new risk is held until book and ledger agree, or it is released: {reason}")
        elif changed and before:
            missing.append("book and ledger agree again: new risk is let go")
        if missing:
            self._telling.risk(report, *missing)

    def _order(self, report: Report, told: LedgerOrder, micros: int) -> str | None:
        """What the ledger says of an order in flight; an alert when something of it is lost."""
        orders = self._standing.orders
        order = orders.find(told.client_order_id)
        if order is None:
            return None
        if told.status is None:
            if order.filled:
                return f"the ledger has no order {told.client_order_id}, of which {order.filled} were booked"
            orders.reject(told.client_order_id, micros)
            self._tell_rejected(report, order)
        elif told.status.is_final and (told.filled_quantity <= order.filled or order.ended_at_ledger):
            orders.end(told.client_order_id, micros)
            if told.filled_quantity > order.filled:
                lost = told.filled_quantity - order.filled
                return f"fills of {lost} of {told.client_order_id} are in the ledger and were never heard of"
        elif told.status.is_final:
            orders.ended_at_ledger(told.client_order_id)
        return None

    def _tell_rejected(self, report: Report, order: InFlight) -> None:
        name = order.client_order_id
        step = OrderExecution(
            client_order_id=name,
            execution_id=derived_id(report.moment, SENDER, "ledger", name),
            sequence=1,
            agent=order.agent,
            symbol=order.symbol,
            side=Side.BUY if order.quantity > 0 else Side.SELL,
            status=OrderStatus.REJECTED,
            quantity=abs(order.quantity),
            filled_quantity=order.filled,
            venue=_NOWHERE,
            reason="the execution service's ledger has no such order: it was never placed",
        )
        report.execution(step)
        if order.agent in self._standing.roster.by_agent:
            report.say(MESSAGES, step, order.agent)
