"""Order submission: the step between the desk's core and the publish step, where orders leave for the execution service.

order, accepted      nothing follows here: what becomes of it comes back as ORDER_EXECUTION from the service
order, refused       a dead letter with its row, and REJECTED back to the desk: the order is no longer in flight
order, unanswered    a dead letter with its row, and UNKNOWN back to the desk: it stays in flight, for it may exist
ledger question      a LEDGER message with the answer back to the desk, also when there is none
anything else        passes untouched
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Protocol

import apache_beam as beam
from apache_beam.pvalue import PCollection

from contracts.bookings import LedgerQuestion, LedgerReport
from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.orders import OrderRequest, OrderView
from contracts.payloads import OrderExecution, OrderStatus
from contracts.refusals import Reason, Refusal, dead_letter
from contracts.rows.operations import DeadLetterRow
from transforms.core import DEAD_LETTERS, ROWS, Output
from transforms.counting import counter
from transforms.emission import Emission
from transforms.latency import LatencySamples
from transforms.portfolio.report import LEDGER_QUESTIONS, ORDERS, SENDER
from transforms.process_wide import once_a_process

EXECUTIONS_BACK = "executions_back"
"""The port of what the desk must hear about orders that were not placed, and from the ledger."""

LATENCY = "proposal_to_order"
"""The latency from the sending of a wish to its order's acceptance."""

_NOWHERE = "none"
_BEHIND_ITS_CAUSE = 2_000_000


class OrderGateway(Protocol):
    """Places orders; the execution service's client."""

    def submit(self, request: OrderRequest) -> OrderView:
        """The order as it was placed; raises what `Submission.refused` and `Submission.unanswered` name."""
        ...

    def ledger(self, question: LedgerQuestion) -> LedgerReport:
        """What the ledger says; without positions when it does not answer."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True)
class Submission:
    """How orders are placed: the gateway's factory, and the exceptions by which it says that it could not.

    `refused` means that the order does not exist and never will; `unanswered` that it may.
    """

    gateway: Callable[[], OrderGateway]
    refused: type[Exception]
    unanswered: type[Exception]
    redis_url: str
    job: str = "trading"


class _Submit(beam.DoFn):
    """Places each order, one after the other; each has its answer before what follows is published."""

    def __init__(self, submission: Submission, now: Callable[[], datetime]) -> None:
        self._submission = submission
        self._now = now
        self._sent = counter("orders")
        self._refused = counter("orders_refused")
        self._unanswered = counter("orders_unanswered")

    def setup(self) -> None:
        self._gateway = once_a_process("order gateway", self._submission.gateway)

    def process(self, emission: Emission) -> Iterator[Emission]:
        if emission.port == LEDGER_QUESTIONS:
            yield self._answered(emission)
            return
        if emission.port != ORDERS:
            yield emission
            return
        request: OrderRequest = emission.value
        self._sent.inc()
        try:
            placed = self._gateway.submit(request)
        except self._submission.refused as error:
            self._refused.inc()
            yield from self._failed(emission, request, OrderStatus.REJECTED, error)
        except self._submission.unanswered as error:
            self._unanswered.inc()
            yield from self._failed(emission, request, OrderStatus.UNKNOWN, error)
        else:
            if placed.status is not OrderStatus.REJECTED:
                self._samples_of(request.desk).push(LATENCY, emission.sent_at, self._now())

    def _answered(self, emission: Emission) -> Emission:
        question: LedgerQuestion = emission.value
        report = self._gateway.ledger(question)
        answer = said_by(
            SENDER,
            report,
            desk=question.desk,
            event_time=question.asked_at,
            derived_from=("ledger", str(emission.position)),
        )
        number = _BEHIND_ITS_CAUSE + emission.number
        return Emission(EXECUTIONS_BACK, answer, emission.key, emission.position, number)

    def _samples_of(self, desk: str) -> LatencySamples:
        return once_a_process(
            ("latency samples", self._submission.redis_url, desk),
            partial(LatencySamples, self._submission.redis_url, desk),
        )

    def _failed(
        self, emission: Emission, request: OrderRequest, status: OrderStatus, error: Exception
    ) -> Iterator[Emission]:
        reason = f"{status.lower()}: {error}"
        letter = dead_letter(
            self._submission.job,
            "order_submission",
            Refusal(Reason.ORDER_FAILED, reason),
            request.to_json(),
            request.decided_at,
        )
        outputs = (
            Output(DEAD_LETTERS, letter),
            Output(ROWS, DeadLetterRow.of(letter)),
            Output(EXECUTIONS_BACK, _told_back(request, status, reason)),
        )
        for number, (port, value) in enumerate(outputs, _BEHIND_ITS_CAUSE + emission.number * len(outputs)):
            yield Emission(port, value, emission.key, emission.position, number)


def _told_back(request: OrderRequest, status: OrderStatus, reason: str) -> Message:
    """The ORDER_EXECUTION with which the desk hears that an order was not placed; the same however often it is tried."""
    step = OrderExecution(
        client_order_id=request.client_order_id,
        execution_id=derived_id(request.decided_at, SENDER, request.client_order_id, status),
        sequence=1,
        agent=request.agent,
        symbol=request.symbol,
        side=request.side,
        status=status,
        quantity=request.quantity,
        filled_quantity=Decimal(0),
        venue=_NOWHERE,
        reason=reason[:4_000],
    )
    return said_by(
        SENDER,
        step,
        desk=request.desk,
        event_time=request.decided_at,
        correlation_id=request.correlation_id,
        derived_from=(step.execution_id,),
    )


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class SubmitOrders(beam.PTransform):
    """Emissions with their orders placed; `now` is the wall clock, for the latency alone."""

    def __init__(self, submission: Submission, now: Callable[[], datetime] = _wall_clock) -> None:
        super().__init__()
        self._submission = submission
        self._now = now

    def expand(self, emissions: PCollection) -> PCollection:
        """Everything but the orders, and what followed from those that were not placed."""
        step = _Submit(self._submission, self._now)
        return emissions | "Submit" >> beam.ParDo(step).with_output_types(Emission)
