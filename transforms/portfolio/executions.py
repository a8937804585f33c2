"""Executions: what becomes of orders, and what positions are paid or pay for being held, booked once each."""

from contracts.bookings import Funding
from contracts.message import Message
from contracts.payloads import OrderExecution, OrderStatus
from contracts.risk.order_memory import Heard
from contracts.risk.standing import RiskStanding
from transforms.portfolio.heard_messages import HeardMessages
from transforms.portfolio.paid_fundings import PaidFundings
from transforms.portfolio.report import Report
from transforms.portfolio.telling import Telling


class Executions:
    """Books steps of orders and fundings, keeps a row of each, and tells the agent whom it concerns."""

    def __init__(self, standing: RiskStanding, telling: Telling, heard: HeardMessages) -> None:
        self._standing = standing
        self._telling = telling
        self._heard = heard
        self.fundings = PaidFundings()

    def take(self, report: Report, message: Message, step: OrderExecution, micros: int) -> None:
        """A step of an order, told by the execution service."""
        heard = self._standing.orders.hear(step, micros)
        if heard is Heard.REPEATED:
            return
        if heard is Heard.FORGOTTEN:
            alert = f"not booked: {step.execution_id} is a step of an order that ended long ago"
            self._telling.risk(report, alert)
            return
        report.execution(step)
        if step.last_quantity is not None and step.last_price is not None:
            traded = step.last_quantity * step.side.sign
            self._standing.book.fill(step.agent, step.symbol, traded, step.last_price, step.fee)
            self._tell_booked(report, step.agent, step.symbol)
        self._relay(report, message, step.agent)
        if heard is Heard.STRANGE:
            alert = f"{step.client_order_id} is no order of this desk's memory; what it did is booked"
            self._telling.risk(report, alert)

    def unplaced(self, report: Report, message: Message, step: OrderExecution, micros: int) -> None:
        """Our own word about an order that could not be placed: REJECTED ends it, UNKNOWN leaves it in flight."""
        if not self._heard.hear(message.message_id, micros, self._standing.clock):
            return
        if step.status is OrderStatus.REJECTED:
            self._standing.orders.reject(step.client_order_id, micros)
        report.execution(step)
        self._relay(report, message, step.agent)

    def fund(self, report: Report, funding: Funding) -> None:
        """What a position received or paid at a funding time."""
        if not self.fundings.hear(funding.funding_id):
            return
        self._standing.book.fund(funding.agent, funding.symbol, funding.amount, funding.mark_price)
        report.funding(funding)
        self._tell_booked(report, funding.agent, funding.symbol)

    def _tell_booked(self, report: Report, agent: str, symbol: str) -> None:
        self._telling.book_changed()
        report.position(self._standing.book, agent, symbol)
        if not self._telling.follow_drawdown(report):
            self._telling.portfolio(report)

    def _relay(self, report: Report, message: Message, agent: str) -> None:
        if agent in self._standing.roster.by_agent:
            report.relay(message, agent)
