"""What the desk says about one entry of its log: rows and messages, with ids that follow from the entry."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.bookings import Funding, LedgerQuestion
from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.orders import OrderRequest
from contracts.payloads import DeskState, OrderExecution, Position, RiskUpdate
from contracts.risk.book import Book
from contracts.risk.checks import Verdict
from contracts.risk.drift import Drift
from contracts.risk.money import ZERO, told
from contracts.risk.wish import Wish
from contracts.rows.row import DeskRow
from contracts.rows.trading import (
    AllocationNow,
    AttributionRow,
    ExecutionRow,
    FundingRow,
    OrderRow,
    PortfolioRow,
    PositionRow,
    RiskVerdict,
)
from transforms.core import ROWS, Output
from transforms.portfolio.attribution import Part

SENDER = "trading"
"""Who the desk is in its messages."""

MESSAGES = "messages"
"""The port of what agents are told."""

POSITIONS = "positions"
"""The port of positions."""

ORDERS = "orders"
"""The port of orders to be placed."""

LEDGER_QUESTIONS = "ledger_questions"
"""The port of what the execution service's ledger is asked."""


class Report:
    """Collects the outputs of one entry: `cause` is the id of its message, `position` its place in the log."""

    def __init__(self, desk: str, cause: str, position: int, moment: datetime) -> None:
        self.desk = desk
        self.cause = cause
        self.moment = moment
        self.outputs: list[Output] = []
        self._position = position

    def row(self, model: type[DeskRow], **columns: Any) -> None:
        """A row of any of the job's tables; its columns are the desk's own arithmetic, or out of a checked message."""
        place = (self.desk, model.table, str(self._position), str(len(self.outputs)))
        row_id = derived_id(self.moment, *place, self.cause)
        whose = {"event_time": self.moment, "desk": self.desk, "position": self._position}
        self.outputs.append(Output(ROWS, model.of_known(row_id=row_id, **whose, **columns)))

    def say(self, port: str, payload: Contract, recipient: str | None = None) -> None:
        """A new message, to everyone when nobody is named."""
        message = said_by(
            SENDER,
            payload,
            desk=self.desk,
            event_time=self.moment,
            recipient=recipient,
            correlation_id=self.cause,
            derived_from=(self.cause, str(len(self.outputs))),
        )
        self.outputs.append(Output(port, message))

    def relay(self, message: Message, agent: str) -> None:
        """The same message, addressed to the agent whom it concerns."""
        self.outputs.append(Output(MESSAGES, message.to(agent)))

    def verdict(self, wish: Wish, verdict: Verdict, client_order_id: str | None = None) -> None:
        """What became of a wish."""
        self.row(
            RiskVerdict,
            message_id=wish.message_id,
            agent=wish.agent,
            symbol=wish.symbol,
            side=wish.side,
            accepted=verdict.passed,
            check=verdict.check,
            limit=_number(verdict.limit),
            observed=_number(verdict.observed),
            reason=verdict.reason,
            client_order_id=client_order_id,
        )

    def order(self, request: OrderRequest) -> None:
        """An order to be placed, and its row."""
        self.outputs.append(Output(ORDERS, request))
        self.row(
            OrderRow,
            client_order_id=request.client_order_id,
            agent=request.agent,
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            quantity=told(request.quantity),
            reference_price=told(request.reference_price),
            notional=told(request.quantity * request.reference_price),
            reduce_only=request.reduce_only,
            correlation_id=request.correlation_id,
        )

    def execution(self, step: OrderExecution) -> None:
        """A step of an order."""
        self.row(
            ExecutionRow,
            client_order_id=step.client_order_id,
            execution_id=step.execution_id,
            sequence=step.sequence,
            agent=step.agent,
            symbol=step.symbol,
            side=step.side,
            status=step.status,
            last_quantity=None if step.last_quantity is None else told(step.last_quantity),
            last_price=None if step.last_price is None else told(step.last_price),
            fee=told(step.fee),
            venue=step.venue,
            reason=step.reason,
        )

    def funding(self, funding: Funding) -> None:
        """A funding that was booked."""
        self.row(
            FundingRow,
            funding_id=funding.funding_id,
            agent=funding.agent,
            symbol=funding.symbol,
            quantity=told(funding.quantity),
            mark_price=told(funding.mark_price),
            rate=float(funding.rate),
            amount=told(funding.amount),
            funded_at=funding.funded_at,
            venue=funding.venue,
        )

    def ask(self, question: LedgerQuestion) -> None:
        """A question to the execution service's ledger."""
        self.outputs.append(Output(LEDGER_QUESTIONS, question))

    def position(self, book: Book, agent: str, symbol: str) -> None:
        """A position after a change: its row, and a message."""
        holding = book.holding(agent, symbol)
        entry = holding.entry_price
        position = Position(
            agent=agent,
            symbol=symbol,
            quantity=told(holding.quantity),
            entry_price=None if entry is None else told(entry),
            mark_price=told(book.price(symbol)),
            realised_pnl=told(holding.realised),
            unrealised_pnl=told(holding.unrealised(book.price(symbol))),
            fees=told(holding.fees),
            funding=told(holding.funding),
        )
        self.row(PositionRow, **dict(position))
        self.say(POSITIONS, position)

    def portfolio(self, book: Book, state: DeskState, parts: dict[str, Drift]) -> None:
        """The desk's book at this moment, and each agent's part of it: a row."""
        equity = book.equity
        whole = sum((drift.equity for drift in parts.values()), ZERO)
        self.row(
            PortfolioRow,
            state=state,
            equity=told(equity),
            high_water_mark=told(book.high_water_mark),
            drawdown=float(book.drawdown),
            gross_exposure=told(book.gross_exposure),
            net_exposure=told(book.net_exposure),
            realised_pnl=told(book.realised()),
            unrealised_pnl=told(book.unrealised()),
            fees=told(book.fees()),
            funding=told(book.funding()),
            allocations=tuple(
                AllocationNow.of_known(
                    agent=agent,
                    equity=told(drift.equity),
                    allocation_pct=_percent(drift.equity, equity),
                    target_pct=_percent(drift.share * whole, equity),
                    drift_pct=float(100 * drift.amount),
                )
                for agent, drift in parts.items()
            ),
        )

    def attribution(self, part: Part) -> None:
        """What one agent made in one symbol on a day: a row."""
        made = part.made.told()
        self.row(
            AttributionRow,
            day=part.day,
            agent=part.agent,
            symbol=part.symbol,
            realised_pnl=made.realised,
            unrealised_pnl=made.unrealised,
            fees=made.fees,
            funding=made.funding,
            profit=made.profit,
        )

    def risk(self, book: Book, state: DeskState, volatility: float | None, *alerts: str) -> None:
        """The desk's risk at this moment: a message to everyone."""
        equity, gross = book.equity, book.gross_exposure
        self.say(
            MESSAGES,
            RiskUpdate(
                state=state,
                equity=told(equity),
                high_water_mark=told(book.high_water_mark),
                drawdown=float(book.drawdown),
                gross_exposure=told(gross),
                net_exposure=told(book.net_exposure),
                leverage=float(gross / equity) if equity > 0 else 0.0,
                alerts=alerts,
                volatility=volatility,
            ),
        )


def _percent(part: Decimal, whole: Decimal) -> float:
    return float(100 * part / whole) if whole > 0 else 0.0


def _number(amount: Decimal | None) -> float | None:
    return float(amount) if amount is not None and amount.is_finite() else None
