"""The desk: one state machine that holds the book, judges every wish to trade, and asks for orders, in log order.

    MARK                  values the book; once a minute, and when the desk's state changes, its risk is told
    PROPOSAL, HFT_SIGNAL  a verdict, once the mark is there that the wish follows; when every check passes also an order, in
                          flight until its final ORDER_EXECUTION
    ORDER_EXECUTION       fills are booked; the step is kept as a row and relayed to the agent who wished for it
    FUNDING               what a position received or paid is booked
    LEDGER                the book is compared with the execution service's; where they differ new risk is held
    CONTROL               kill, release, goal, limits, restore; the others are coordination's

Capital is allocated at the first entry, every `rebalance_seconds`, when the goal is set and when it drifted. What the
checks look at is the `RiskStanding`; what is done with each kind of entry has a file of its own beside this one.
"""

from collections.abc import Mapping
from decimal import localcontext
from typing import Any

import orjson

from contracts.bookings import Funding, LedgerReport
from contracts.controls import Control, ControlAction
from contracts.instruments import INSTRUMENTS, Instrument
from contracts.message import Message
from contracts.payloads import HftSignal, Mark, OrderExecution, Proposal
from contracts.risk.checks import Verdict
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT
from contracts.risk.standing import RiskStanding
from contracts.risk.wish import Wish
from contracts.roster import Roster
from contracts.time import from_micros, to_micros
from transforms.core import Output
from transforms.log import LogEntry
from transforms.portfolio.attribution import Attribution
from transforms.portfolio.capital import Capital
from transforms.portfolio.controls import Controls, by, keep_row
from transforms.portfolio.executions import Executions
from transforms.portfolio.heard_messages import HeardMessages
from transforms.portfolio.reconciling import Reconciling
from transforms.portfolio.report import SENDER, Report
from transforms.portfolio.telling import Telling
from transforms.portfolio.waiting import Waiting
from transforms.portfolio.wishes import Wishes

CORE = "trading"
"""The `core` that a RESTORE control names to reach a desk."""

_TIMEKEEPERS = frozenset({"market", "execution"})
"""Whose messages move the desk's clock: a wish that claims to be from tomorrow must not make today's prices old."""


class Desk:
    """The core of the trading job: one desk's book; orders are sized by the rules in `instruments`."""

    def __init__(
        self,
        desk: str,
        roster: Roster,
        limits: Limits,
        instruments: Mapping[str, Instrument] = INSTRUMENTS,
    ) -> None:
        self._desk = desk
        self._standing = RiskStanding(roster, limits, instruments)
        self._capital = Capital(self._standing)
        self._attribution = Attribution()
        self._heard = HeardMessages(limits.wish_stale_seconds)
        self._telling = Telling(self._standing)
        self._waiting = Waiting(self._standing)
        self._wishes = Wishes(desk, self._standing, self._heard)
        self._executions = Executions(self._standing, self._telling, self._heard)
        self._reconciling = Reconciling(desk, self._standing, self._telling)
        self._controls = Controls(self._standing, self._telling, self._wishes, self._heard)
        self._position = 0

    # --- the core -------------------------------------------------------------------------------------------------

    def apply(self, entry: LogEntry) -> list[Output]:
        """Take the next entry; what follows from it, in order."""
        message: Message = entry.value
        self._position = entry.position
        if message.sender in _TIMEKEEPERS:
            self._standing.clock = max(self._standing.clock, entry.event_micros)
        report = Report(self._desk, message.message_id, entry.position, entry.event_time)
        with localcontext(EXACT):
            self._attribute_if_due(report)
            self._take(report, message, entry)
            return report.outputs + self._judge_what_waited(entry)

    def _take(self, report: Report, message: Message, entry: LogEntry) -> None:
        said = message.payload
        if isinstance(said, Control):
            # First of all: it may restore the capital that would be allocated otherwise.
            self._control(report, message, said, entry.event_micros)
            self._allocate_if_due(report)
            return
        if isinstance(said, LedgerReport):
            # It may come before anything else, when the desk's clock does not run yet.
            self._reconciling.hear(report, said, entry.event_micros)
            return
        if self._waiting.keep(message):
            # As if it had not come yet: the first entry of all opens the desk, and that shall be the market's.
            return
        self._allocate_if_due(report)
        if isinstance(said, Mark):
            self._mark(report, said, entry.event_micros)
        elif isinstance(said, Proposal | HftSignal):
            self._judge(report, message, said)
        elif isinstance(said, OrderExecution) and message.sender == SENDER:
            self._executions.unplaced(report, message, said, entry.event_micros)
        elif isinstance(said, OrderExecution):
            self._executions.take(report, message, said, entry.event_micros)
        elif isinstance(said, Funding):
            self._executions.fund(report, said)

    def _judge(self, report: Report, message: Message, said: Proposal | HftSignal) -> None:
        if isinstance(said, Proposal):
            self._capital.hear(message.sender, said, to_micros(message.event_time))
        self._wishes.take(report, Wish.of(message), message.event_time)
        self._telling.consensus(report, said.symbol)

    def _judge_what_waited(self, entry: LogEntry) -> list[Output]:
        """What follows from the wishes for which this entry was the one: each has its own id and time on all of it."""
        outputs: list[Output] = []
        for message in self._waiting.due():
            said = message.payload
            if isinstance(said, Proposal | HftSignal):
                report = Report(self._desk, message.message_id, entry.position, message.event_time)
                self._judge(report, message, said)
                outputs += report.outputs
        return outputs

    def would_refuse(self, wish: Wish) -> list[Verdict]:
        """Every check that the wish would fail now, in their order; asking changes nothing."""
        return self._standing.prospect(wish)[1]

    def flush(self) -> list[Output]:
        """The book as it stands and whose it is, as far as that changed since it was told last."""
        report = Report(self._desk, "flush", self._position, from_micros(self._standing.clock))
        with localcontext(EXACT):
            if not self._attribution.is_told(self._standing.book):
                self._tell_attribution(report)
            if not self._telling.is_told:
                self._telling.portfolio(report)
        return report.outputs

    # --- state ----------------------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        state = {
            **self._standing.dump(),
            "capital": self._capital.dump(),
            "attribution": self._attribution.dump(),
            "heard": self._heard.dump(),
            "waiting": self._waiting.dump(),
            "fundings": self._executions.fundings.dump(),
            "telling": self._telling.dump(),
            "position": self._position,
        }
        return orjson.dumps(state, option=orjson.OPT_SORT_KEYS)

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        dumped = orjson.loads(state)
        self._standing.load(dumped)
        self._capital.load(dumped["capital"])
        self._attribution.load(dumped["attribution"])
        self._heard.remember(self._standing.limits.now.wish_stale_seconds)
        self._heard.load(dumped["heard"])
        self._waiting.load(dumped.get("waiting", []))  # who wrote its state before there was waiting had none
        self._executions.fundings.load(dumped["fundings"])
        self._telling.load(dumped["telling"])
        self._position = int(dumped["position"])

    # --- marks and controls -----------------------------------------------------------------------------------------

    def _mark(self, report: Report, mark: Mark, micros: int) -> None:
        if self._standing.mark(mark, micros):
            self._telling.book_changed()
            if not self._telling.follow_drawdown(report):
                self._telling.minute(report)
            reason = self._capital.follow()
            if reason is not None:
                self._rebalance(report, reason)
        self._telling.consensus(report, mark.symbol)
        self._reconciling.ask_if_due(report)

    def _control(self, report: Report, message: Message, control: Control, micros: int) -> None:
        if control.action is ControlAction.GOAL and control.goal is not None:
            before, self._capital.goal = self._capital.goal, control.goal
            keep_row(report, message, control, {"goal": before}, {"goal": control.goal})
            self._rebalance(report, f"goal set to {control.goal} {by(control)}"[:4_000])
        elif control.action is ControlAction.RESTORE and control.core == CORE and control.state is not None:
            clock, position = self._standing.clock, self._position
            self.restore(orjson.dumps(control.state))
            self._standing.clock, self._position = max(self._standing.clock, clock), position
            keep_row(report, message, control, {}, {"restored": True})
            self._telling.risk(report, f"book restored {by(control)}")
        else:
            self._controls.obey(report, message, control, micros)

    def _rebalance(self, report: Report, reason: str) -> None:
        self._capital.allocate(report, reason)
        self._telling.risk(report, f"the capital is rebalanced: {reason}")

    def _attribute_if_due(self, report: Report) -> None:
        """Before the entry that begins a new hour is taken: the book still is what the last hour left."""
        clock = self._standing.clock
        if self._attribution.is_due(clock):
            self._tell_attribution(report)
            self._attribution.begin_hour(clock, self._standing.book)

    def _tell_attribution(self, report: Report) -> None:
        for part in self._attribution.parts(self._standing.book):
            report.attribution(part)

    def _allocate_if_due(self, report: Report) -> None:
        if self._capital.is_due(self._standing.clock):
            self._capital.allocate(report, "the desk opens" if self._capital.is_untouched else "the timer")


def check_state(state: dict[str, Any], roster: Roster, limits: Limits) -> None:
    """Raise ValueError, in one sentence, when `state` is none that a desk wrote, or does not fit the file of limits."""
    try:
        Desk(roster.desk, roster, limits).restore(orjson.dumps(state))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"this is no state that a desk wrote: {type(error).__name__} {error}") from None
