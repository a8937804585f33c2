"""Keeping what happened in a run: counts and curves from what the cores said, as it was said."""

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from contracts.backtest import Communication, EquityCurve, StateChange
from contracts.controls import MessageClass
from contracts.message import Message
from contracts.payloads import DeskState, RiskUpdate, Side
from contracts.rows.communication import Deliveries, MessageRow
from contracts.rows.decisions import DecisionRow, ModelCall
from contracts.rows.trading import PortfolioRow, RiskVerdict
from contracts.time import to_micros
from transforms.coordination.rows import Verdict
from transforms.core import DEAD_LETTERS, Output
from transforms.decisions.consequences import DECISIONS, REASONING

_NOT_WISHED = frozenset({"side", "duplicate"})
"""Checks by which nothing was wished for: a hold, or a wish that was heard before."""


class Tallies:
    """Counts by agent."""

    def __init__(self) -> None:
        self.decisions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.calls: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.wishes: Counter[str] = Counter()
        self.refused: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.said: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.heard: Counter[str] = Counter()
        self.not_heard: Counter[str] = Counter()


class Collected:
    """What the loop's cores said, as far as the result tells of it. Rows are the live tables' own."""

    unheard = frozenset({DECISIONS, REASONING})
    """Of decisions the rows are counted."""

    def __init__(self, capital: Decimal) -> None:
        self.tallies = Tallies()
        self.dead_letters = 0
        self.final_equity = capital
        self.states: list[StateChange] = []
        self._state = DeskState.ACTIVE
        self._possible = self._delivered = 0
        self._micros: list[int] = []
        self._equity: list[float] = []
        self._gross: list[float] = []
        self._net: list[float] = []
        self._curve_states: list[DeskState] = []

    def output(self, job: str, output: Output) -> None:
        """Something that a core of `job` said."""
        take = _TAKEN.get(type(output.value))
        if take is not None:
            take(self, output.value)
        else:
            self.dead_letters += output.port == DEAD_LETTERS

    def _delivered_to(self, row: Deliveries) -> None:
        for recipient, delivered, *_ in row.verdicts:
            self._possible += 1
            self._delivered += delivered
            (self.tallies.heard if delivered else self.tallies.not_heard)[recipient] += 1

    def _coordinated(self, row: MessageRow) -> None:
        self.tallies.said[row.sender][f"{row.message_class}/{row.verdict}"] += 1

    def _decided(self, row: DecisionRow) -> None:
        self.tallies.decisions[row.agent][row.side] += 1

    def _called(self, row: ModelCall) -> None:
        self.tallies.calls[row.agent][row.outcome] += 1

    def _said(self, message: Message) -> None:
        if isinstance(message.payload, RiskUpdate):
            self._risk(message, message.payload)

    def _worth(self, row: PortfolioRow) -> None:
        micros = to_micros(row.event_time)
        if self._micros and micros <= self._micros[-1]:
            micros = self._micros.pop()
            for column in (self._equity, self._gross, self._net, self._curve_states):
                column.pop()
        self.final_equity = row.equity
        self._micros.append(micros)
        self._equity.append(float(row.equity))
        self._gross.append(float(row.gross_exposure))
        self._net.append(float(row.net_exposure))
        self._curve_states.append(row.state)

    def _judged(self, verdict: RiskVerdict) -> None:
        if verdict.check in _NOT_WISHED or verdict.side is Side.HOLD:
            return
        self.tallies.wishes[verdict.agent] += 1
        if not verdict.accepted:
            self.tallies.refused[verdict.agent][verdict.check] += 1

    def _risk(self, message: Message, update: RiskUpdate) -> None:
        if update.state is not self._state:
            self._state = update.state
            told = "; ".join(update.alerts) or f"the desk is {update.state}"
            self.states.append(
                StateChange(micros=to_micros(message.event_time), state=update.state, told=told)
            )

    # --- for the result ---------------------------------------------------------------------------------------------

    @property
    def curve(self) -> EquityCurve:
        """The desk's worth, as its portfolio rows tell it."""
        return EquityCurve(
            micros=tuple(self._micros),
            equity=tuple(self._equity),
            gross_exposure=tuple(self._gross),
            net_exposure=tuple(self._net),
            states=tuple(self._curve_states),
        )

    @property
    def communication(self) -> Communication:
        """What was said on the desk, and what became of it."""
        said: Counter[str] = sum(self.tallies.said.values(), Counter())

        def total(of: MessageClass | None = None, verdict: Verdict | None = None) -> int:
            classes = (of,) if of else MessageClass
            verdicts = (verdict,) if verdict else Verdict
            return sum(said[f"{one}/{became}"] for one in classes for became in verdicts)

        return Communication(
            messages=total(),
            duplicates=total(verdict=Verdict.DUPLICATE),
            refused=total(verdict=Verdict.REFUSED),
            signals=total(MessageClass.SIGNAL),
            signals_throttled=total(MessageClass.SIGNAL, Verdict.THROTTLED),
            chatter=total(MessageClass.CHATTER),
            chatter_throttled=total(MessageClass.CHATTER, Verdict.THROTTLED),
            critical=total(MessageClass.CRITICAL),
            critical_throttled=total(MessageClass.CRITICAL, Verdict.THROTTLED),
            possible_deliveries=self._possible,
            delivered=self._delivered,
        )


_TAKEN: dict[type, Callable[[Collected, Any], None]] = {
    Deliveries: Collected._delivered_to,
    MessageRow: Collected._coordinated,
    PortfolioRow: Collected._worth,
    RiskVerdict: Collected._judged,
    DecisionRow: Collected._decided,
    ModelCall: Collected._called,
    Message: Collected._said,
}
"""What is told of in the result, and how it is taken; nothing else is, but for what was refused."""
