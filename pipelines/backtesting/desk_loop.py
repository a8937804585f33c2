"""One desk's run: the jobs' cores, the agents and the venue in one loop over event time.

What each says reaches the next as on the live path, through the same ports; only transport takes no time, and what does
take time (a model's call, the way to the venue and back) takes what the scenario's `timing` says.

    news of the market ─▶ desk (marks), bots (bars), model agents (snapshots)
    model agents ─ decision_ms ─▶ desk (proposals), coordination (theses)
    bots ─ signal_ms ─▶ coordination ─▶ desk (admitted signals), agents (deliveries)
    desk ─▶ coordination (what agents are told), venue (orders; they arrive order_ms later)
    venue ─ report_ms ─▶ desk (executions, funding)

Everything waits in one queue by (moment, number), so causes come before effects and equal moments keep the order in which
they were said. The venue never runs ahead: it is taken to the next moment of the queue or to the first thing that
happens to an order on the way, whichever is earlier. So nothing is known before it happened, and a run has one outcome.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Protocol

from agents.endpoints.asking import Connection
from contracts.controls import Control, ControlAction
from contracts.message import Message, said_by
from contracts.orders import OrderRequest
from contracts.payloads import DeskState, RiskUpdate
from contracts.time import from_micros
from contracts.topics import MESSAGES, SNAPSHOTS, TRADING, Topic
from execution.execution_message import SENDER as EXECUTION
from pipelines.backtesting.bot_agents import BotAgents
from pipelines.backtesting.core_log import CoreLog
from pipelines.backtesting.instruments import instruments_under
from pipelines.backtesting.market_log import MarketNews
from pipelines.backtesting.model_agents import ModelAgents
from pipelines.backtesting.scenario import Scenario
from transforms.coordination import desk as coordination
from transforms.coordination.desk import Coordination
from transforms.core import DEAD_LETTERS, ROWS, Output
from transforms.decisions import consequences as decisions
from transforms.portfolio import report as trading
from transforms.portfolio.desk import Desk

_HOUR = 3_600_000_000

Observer = Callable[[int, Topic, Message], None]
"""Is told each message that reaches a job's log: the moment, the job's topic, the message."""


class Venue(Protocol):
    """What the loop needs of a venue; messages are those of the execution service, each with its moment."""

    def step(self, until: int) -> list[tuple[int, Message]]:
        """Go on to `until`, or to the first moment at which something happens; what was said then, in order."""
        ...

    def place(self, request: OrderRequest, micros: int) -> list[tuple[int, Message]]:
        """Take an order at `micros`; what the service says at once."""
        ...


class Ledger(Protocol):
    """Who keeps what happened, for the result; `unheard` are ports of the decisions job that it has no use for."""

    @property
    def unheard(self) -> frozenset[str]: ...

    def output(self, job: str, output: Output) -> None:
        """Something that a core said."""
        ...


def _nobody(micros: int, topic: Topic, message: Message) -> None:
    """The observer of a run that nobody looks at."""


class DeskLoop:
    """Runs one desk through the news of a market; see the module."""

    def __init__(
        self,
        scenario: Scenario,
        connection: Connection,
        venue: Venue,
        ledger: Ledger,
        observer: Observer = _nobody,
    ) -> None:
        roster = scenario.roster
        self._desk_name = roster.desk
        self._operator = scenario.operator
        timing, has_latency = scenario.timing, scenario.costs.latency
        self._decision = timing.decision_ms * 1_000 if has_latency else 0
        self._signal = timing.signal_ms * 1_000 if has_latency else 0
        self._report = timing.report_ms * 1_000 if has_latency else 0
        self._models = ModelAgents(roster, connection, ledger.unheard)
        instruments = instruments_under(scenario.costs)
        self._bots = BotAgents(roster, instruments)
        self._coordination = CoreLog(roster.desk, Coordination(roster.desk, roster))
        self._desk = CoreLog(roster.desk, Desk(roster.desk, roster, scenario.limits, instruments))
        self._venue, self._ledger, self._observer = venue, ledger, observer
        self._queue: list[tuple[int, int, Topic, Message]] = []
        self._said = 0
        self._state = DeskState.ACTIVE

    def run(self, news: Iterable[MarketNews], end: int, progress: Callable[[int], None]) -> None:
        """Go through all the news, and on to `end`; `progress` is told the moment now and then."""
        for count, item in enumerate(news):
            self._until(item.micros, inclusive=False)
            self._hear(item)
            self._until(item.micros, inclusive=True)
            if count % 200 == 0:
                progress(item.micros)
        self._until(end, inclusive=True)
        self._hear_the_venue_out()
        for output in self._desk.core.flush():
            self._ledger.output("trading", output)

    def _hear_the_venue_out(self) -> None:
        """What the venue booked by the end is on its way to the desk: it is heard, and nothing follows from it any more.

        Otherwise the book would not know of a fill, or of funding, at the last event.
        """
        while self._queue:
            moment, _, topic, message = heappop(self._queue)
            if topic is TRADING and message.sender == EXECUTION:
                self._observer(moment, topic, message)
                for output in self._desk.take(message):
                    self._ledger.output("trading", output)

    # --- time -------------------------------------------------------------------------------------------------------

    def _until(self, micros: int, *, inclusive: bool) -> None:
        """Everything that happens before `micros`, or up to it."""
        while True:
            due = self._queue[0][0] if self._queue else micros + 1
            happened = self._venue.step(min(due, micros))
            if happened:
                for moment, message in happened:
                    self._later(moment + self._report, TRADING, message)
            elif due > micros or (due == micros and not inclusive):
                return
            else:
                moment, _, topic, message = heappop(self._queue)
                self._arrive(moment, topic, message)

    def _later(self, micros: int, topic: Topic, message: Message) -> None:
        self._said += 1
        heappush(self._queue, (micros, self._said, topic, message))

    # --- who hears what ---------------------------------------------------------------------------------------------

    def _hear(self, news: MarketNews) -> None:
        for mark in news.marks:
            self._later(news.micros, TRADING, mark)
        for snapshot in news.snapshots:
            self._later(news.micros, SNAPSHOTS, snapshot)
        if news.bars:
            said_at = news.micros + self._signal
            for message in self._bots.saw(news.symbol, news.bars, from_micros(said_at)):
                self._later(said_at, MESSAGES, message)

    def _arrive(self, now: int, topic: Topic, message: Message) -> None:
        self._observer(now, topic, message)
        if topic is SNAPSHOTS:
            self._ask(now, message)
        elif topic is MESSAGES:
            self._coordinate(now, message)
        else:
            self._trade(now, message)

    def _ask(self, now: int, message: Message) -> None:
        for output, was_asked in self._models.take(message):
            self._ledger.output("decisions", output)
            topic = _OF_DECISIONS[output.port]
            if topic is not None:
                self._later(now + (self._decision if was_asked else 0), topic, output.value)

    def _coordinate(self, now: int, message: Message) -> None:
        for output in self._coordination.take(message):
            self._ledger.output("coordination", output)
            if output.port == coordination.INBOX:
                said_at = now + self._signal
                for answer in self._bots.heard(output.value, from_micros(said_at)):
                    self._later(said_at, MESSAGES, answer)
                continue
            topic = _OF_COORDINATION[output.port]
            if topic is not None:
                self._later(now, topic, output.value)

    def _trade(self, now: int, message: Message) -> None:
        for output in self._desk.take(message):
            self._ledger.output("trading", output)
            if output.port == trading.ORDERS:
                for moment, step in self._venue.place(output.value, now):
                    self._later(moment + self._report, TRADING, step)
                continue
            topic = _OF_TRADING[output.port]
            if topic is not None:
                self._later(now, topic, output.value)
                self._watch(now, output.value)

    def _watch(self, now: int, message: Message) -> None:
        """Call the operator when the desk halts."""
        said = message.payload
        if not isinstance(said, RiskUpdate) or said.state is self._state:
            return
        self._state = said.state
        if said.state is DeskState.HALTED and self._operator.release_after_hours is not None:
            released = now + round(self._operator.release_after_hours * _HOUR)
            control = Control(
                action=ControlAction.RELEASE, issued_by="operator", reason="released by the backtest"
            )
            moment = from_micros(released)
            derived = (message.message_id, "release")
            self._later(
                released,
                MESSAGES,
                said_by("operator", control, desk=self._desk_name, event_time=moment, derived_from=derived),
            )


_OF_DECISIONS: dict[str, Topic | None] = {
    decisions.PROPOSALS: TRADING,
    decisions.THESES: MESSAGES,
    decisions.INSIGHTS: MESSAGES,
    decisions.USAGES: SNAPSHOTS,
    decisions.DECISIONS: None,
    decisions.REASONING: None,
    ROWS: None,
    DEAD_LETTERS: None,
}
"""Where what the decisions job says goes, as in pipelines/decisions.py; None is kept and goes nowhere."""

_OF_COORDINATION: dict[str, Topic | None] = {
    coordination.CONTEXTS: SNAPSHOTS,
    coordination.ADMITTED: TRADING,
    ROWS: None,
    DEAD_LETTERS: None,
}
"""As in pipelines/coordination.py; the inbox goes to the bots."""

_OF_TRADING: dict[str, Topic | None] = {
    trading.MESSAGES: MESSAGES,
    trading.POSITIONS: None,
    trading.LEDGER_QUESTIONS: None,
    ROWS: None,
    DEAD_LETTERS: None,
}
"""As in pipelines/trading.py; orders go to the venue."""
