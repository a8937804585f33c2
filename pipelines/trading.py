"""The trading job: reads trading; keeps the desk's book, judges proposals and signals, and places orders.

Publishes positions (positions), what agents are told: risk, their executions, capital and guidance (messages), orders by
HTTP to the execution service, and what of those could not be placed back to its own log (trading).

    python -m pipelines.trading --project PROJECT                       # a stream, on the direct runner
    python -m pipelines.trading --input trading.jsonl --output out/     # a recorded log; the same bytes every time

A bounded run places no orders and asks no ledger: they are in orders.jsonl and ledger-questions.jsonl, and what became of
them is in the recorded log.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import PCollection

from contracts import topics
from contracts.bookings import LedgerQuestion, LedgerReport
from contracts.risk.limits_file import LimitsError, read_limits
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from execution.client import OrderClient, OrderClientOptions, OrderRefused, OrderUnanswered
from pipelines.launch import Job, LaunchError, main
from pipelines.options import JobOptions
from pipelines.restoring import openings
from pipelines.wiring import Publish, ReadLog
from transforms.core import DEAD_LETTERS, ROWS
from transforms.order_submission import EXECUTIONS_BACK, Submission, SubmitOrders
from transforms.ordering import ApplyInOrder
from transforms.portfolio.desk import Desk
from transforms.portfolio.reading import TradingIntake
from transforms.portfolio.report import LEDGER_QUESTIONS, MESSAGES, ORDERS, POSITIONS

_PORTS = {
    MESSAGES: topics.MESSAGES,
    POSITIONS: topics.POSITIONS,
    ROWS: topics.ROWS,
    DEAD_LETTERS: topics.DEAD_LETTERS,
}

_FILES = {ORDERS: "orders", LEDGER_QUESTIONS: "ledger-questions"}


def build(pipeline: beam.Pipeline, options: JobOptions) -> PCollection:
    """Wire the job into `pipeline`."""
    try:
        roster, limits = read_roster(Path(options.roster)), read_limits(Path(options.limits))
    except (RosterError, LimitsError) as error:
        raise LaunchError(str(error)) from None
    emissions = (
        pipeline
        | "Read trading" >> ReadLog(options, topics.TRADING_JOB)
        | "Keep the book"
        >> ApplyInOrder(
            "trading",
            TradingIntake(roster, limits),
            partial(Desk, roster=roster, limits=limits),
            streaming=options.is_streaming,
            dead_letter_limit=options.dead_letter_limit,
            openings=openings("trading", options, ask_ledger),
            tells_state=True,
        )
    )
    if not options.is_streaming:
        return emissions | "Publish" >> Publish(options, _PORTS, files=_FILES)
    settings = Settings()
    submission = Submission(
        gateway=partial(OrderClient, OrderClientOptions.of(settings)),
        refused=OrderRefused,
        unanswered=OrderUnanswered,
        redis_url=settings.redis_url,
    )
    return (
        emissions
        | "Submit orders" >> SubmitOrders(submission)
        | "Publish" >> Publish(options, {**_PORTS, EXECUTIONS_BACK: topics.TRADING})
    )


def ask_ledger(question: LedgerQuestion) -> LedgerReport:
    """What the execution service's ledger says before the job starts."""
    options = replace(OrderClientOptions.of(Settings()), heartbeat_seconds=0.0, ledger_seconds=5.0)
    with OrderClient(options) as client:
        return client.ledger(question)


JOB = Job("trading", topics.TRADING_JOB, build, keeps_state=True)

if __name__ == "__main__":
    main(JOB)
