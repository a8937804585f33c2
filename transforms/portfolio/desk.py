"""The desk: one state machine that holds the book, judges every wish to trade, and asks for orders, in log order.

    MARK                  values the book; once a minute, and when the desk's state changes, its risk is told
    PROPOSAL, HFT_SIGNAL  a verdict; when every check passes also an order, in flight until its final ORDER_EXECUTION
    ORDER_EXECUTION       fills are booked; the step is kept as a row and relayed to the agent who wished for it
    CONTROL               kill, release, goal, restore; the others are coordination's

Capital is allocated at the first entry, every `rebalance_seconds` and when the goal is set.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

import orjson

from contracts.controls import Control, ControlAction
from contracts.ids import derived_id
from contracts.instruments import INSTRUMENTS
from contracts.message import Message
from contracts.orders import OrderRequest, client_order_id
from contracts.payloads import HftSignal, Mark, OrderExecution, OrderStatus, Proposal, Side
from contracts.risk.book import Book, Marked
from contracts.risk.brackets import brackets_of
from contracts.risk.checks import Case, Verdict, judge, refusals
from contracts.risk.consensus import Voice, Voices
from contracts.risk.exposure import Exposure
from contracts.risk.limits import Limits
from contracts.risk.money import EXACT, ZERO, exact
from contracts.risk.order_memory import Heard, OrderMemory
from contracts.risk.risk_state import RiskState
from contracts.risk.sizing import per_trade_cap, quantity_of, scale_of, smallest_quantity, wanted_notional
from contracts.risk.volatility import Volatility
from contracts.risk.wish import Wish
from contracts.roster import Roster
from contracts.time import from_micros
from transforms.core import Output
from transforms.log import LogEntry
from transforms.portfolio.capital import Capital
from transforms.portfolio.pace import HeardMessages, OrderPace
from transforms.portfolio.report import MESSAGES, SENDER, Report

CORE = "trading"
"""The `core` that a RESTORE control names to reach a desk."""

_MINUTE = 60_000_000
_TIMEKEEPERS = frozenset({"market", "execution"})
"""Whose messages move the desk's clock: a wish that claims to be from tomorrow must not make today's prices old."""

_HOLD = Verdict("side", False, "hold")
_HEARD_BEFORE = Verdict("duplicate", False, "heard_before")
_ORDER_EXISTS = Verdict("duplicate", False, "order_exists")


class Desk:
    """The core of the trading job: one desk's book."""

    def __init__(self, desk: str, roster: Roster, limits: Limits) -> None:
        self._desk = desk
        self._roster = roster
        self._limits = limits
        self._book = Book(exact(roster.capital))
        self._orders = OrderMemory()
        self._capital = Capital(roster, limits)
        self._risk = RiskState(limits)
        self._heard = HeardMessages(limits.wish_stale_seconds)
        self._pace = OrderPace()
        self._voices = Voices(limits.consensus_seconds)
        self._volatility = Volatility()
        self._clock = 0
        self._position = 0
        self._told_minute = 0
        self._is_told = True

    # --- the core -------------------------------------------------------------------------------------------------

    def apply(self, entry: LogEntry) -> list[Output]:
        """Take the next entry; what follows from it, in order."""
        message: Message = entry.value
        self._position = entry.position
        if message.sender in _TIMEKEEPERS:
            self._clock = max(self._clock, entry.event_micros)
        report = Report(self._desk, message.message_id, entry.position, entry.event_time)
        with localcontext(EXACT):
            self._take(report, message, entry)
        return report.outputs

    def _take(self, report: Report, message: Message, entry: LogEntry) -> None:
        said = message.payload
        if isinstance(said, Control):
            # First of all: it may restore the capital that would be allocated otherwise.
            self._control(report, said, entry.event_micros)
            self._allocate_if_due(report)
            return
        self._allocate_if_due(report)
        if isinstance(said, Mark):
            self._mark(report, said, entry.event_micros)
            self._tell_consensus(report, said.symbol)
        elif isinstance(said, Proposal | HftSignal):
            self._wish(report, Wish.of(message), entry.event_time, exact(said.confidence))
            self._tell_consensus(report, said.symbol)
        elif isinstance(said, OrderExecution) and message.sender == SENDER:
            self._unplaced(report, message, said, entry.event_micros)
        elif isinstance(said, OrderExecution):
            self._execution(report, message, said, entry.event_micros)

    def flush(self) -> list[Output]:
        """The book as it stands, if it changed since it was told last."""
        if self._is_told:
            return []
        report = Report(self._desk, "flush", self._position, from_micros(self._clock))
        self._tell_portfolio(report)
        return report.outputs

    def dump(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        state = {
            "book": self._book.dump(),
            "orders": self._orders.dump(),
            "capital": self._capital.dump(),
            "risk": self._risk.dump(),
            "heard": self._heard.dump(),
            "pace": self._pace.dump(),
            "voices": self._voices.dump(),
            "volatility": self._volatility.dump(),
            "clock": self._clock,
            "position": self._position,
            "told_minute": self._told_minute,
            "is_told": self._is_told,
        }
        return orjson.dumps(state, option=orjson.OPT_SORT_KEYS)

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        dumped = orjson.loads(state)
        self._book = Book.load(dumped["book"])
        self._orders = OrderMemory.load(dumped["orders"])
        self._capital.load(dumped["capital"])
        self._risk.load(dumped["risk"])
        self._heard.load(dumped["heard"])
        self._pace.load(dumped["pace"])
        self._voices.load(dumped.get("voices", {}))
        self._volatility = Volatility.load(dumped.get("volatility", {}))
        self._clock = int(dumped["clock"])
        self._position = int(dumped["position"])
        self._told_minute = int(dumped["told_minute"])
        self._is_told = bool(dumped["is_told"])

    # --- marks ----------------------------------------------------------------------------------------------------

    def _mark(self, report: Report, mark: Mark, micros: int) -> None:
        crossed = mark.bid is not None and mark.ask is not None and mark.bid > mark.ask
        tradable = mark.tradable and not crossed
        reason = "crossed" if crossed else mark.reason
        if not self._book.mark(mark.symbol, Marked(mark.price, micros, tradable, reason)):
            return
        self._volatility.hear(mark)
        self._is_told = False
        is_new_minute = self._clock // _MINUTE > self._told_minute
        if not self._follow_drawdown(report) and is_new_minute:
            self._tell_risk(report)

    # --- wishes ---------------------------------------------------------------------------------------------------

    def would_refuse(self, wish: Wish) -> list[Verdict]:
        """Every check that the wish would fail now, in their order; asking changes nothing."""
        return refusals(self._case(wish))

    def _wish(self, report: Report, wish: Wish, decided_at: datetime, confidence: Decimal) -> None:
        order_id = client_order_id(self._desk, wish.correlation_id)
        if not self._heard.hear(wish.message_id, wish.micros, self._clock):
            report.verdict(wish, _HEARD_BEFORE)
            return
        if not wish.reduce_only and wish.agent in self._roster.by_agent:
            # Closing is no word about the market, and a stranger has no capital to weigh it by.
            voice = Voice(wish.micros, wish.side.sign, confidence)
            self._voices.hear(wish.symbol, wish.agent, voice, self._clock)
        if self._orders.knows(order_id):
            report.verdict(wish, _ORDER_EXISTS)
        elif wish.side is Side.HOLD:
            report.verdict(wish, _HOLD)
        else:
            case = self._case(wish)
            verdict = judge(case)
            report.verdict(wish, verdict, order_id if verdict.passed else None)
            if verdict.passed:
                self._pace.accept(self._clock, wish.agent)
                self._order(report, self._bracketed(case), order_id, case.quantity, case.price, decided_at)

    def _case(self, wish: Wish) -> Case:
        profile, instrument = self._roster.by_agent.get(wish.agent), INSTRUMENTS.get(wish.symbol)
        mark, price = self._book.last_mark(wish.symbol), self._book.price(wish.symbol)
        capital = self._capital.of(wish.agent)
        cap = per_trade_cap(capital, self._risk.band, self._limits)
        exposure = Exposure.of(self._book, self._orders)
        closable = exposure.closable(wish.agent, wish.symbol, wish.side.sign)
        quantity = smallest = ZERO
        if instrument is not None and price > 0:
            volatility = self._volatility.of(wish.symbol).volatility
            scale = scale_of(wish, cap, capital, volatility, self._limits)
            quantity = quantity_of(wish, instrument, price, cap, closable, scale)
            smallest = smallest_quantity(instrument, price) * price
        return Case(
            wish=wish,
            limits=self._limits,
            killed=self._risk.killed,
            band=self._risk.band,
            profile=profile,
            mark=mark,
            mark_age=_seconds(max(self._clock, wish.micros) - (mark.micros if mark else 0)),
            wish_age=_seconds(self._clock - wish.micros),
            agent_orders=self._pace.count(self._clock, wish.agent),
            desk_orders=self._pace.count(self._clock),
            quantity=quantity,
            smallest_notional=smallest,
            wanted_notional=wanted_notional(wish, cap),
            is_reducing=ZERO < quantity <= closable,
            trade_cap=cap,
            allocation=capital,
            agent_equity=self._capital.equity_of(wish.agent, self._book),
            equity=self._book.equity,
            exposure=exposure.after(wish.agent, wish.symbol, quantity * wish.side.sign),
            agreement=self._voices.agreement(wish.symbol, self._clock, self._capital.of),
        )

    def _bracketed(self, case: Case) -> Wish:
        """The wish with the stop and the target that its order gets; what only reduces a position needs none."""
        wish = case.wish
        if case.is_reducing:
            return wish
        atr = self._volatility.of(wish.symbol).atr
        stop, target = brackets_of(wish, INSTRUMENTS[wish.symbol], case.price, atr, self._limits)
        return replace(wish, stop_loss=stop, take_profit=target)

    def _order(
        self,
        report: Report,
        wish: Wish,
        order_id: str,
        quantity: Decimal,
        price: Decimal,
        decided_at: datetime,
    ) -> None:
        request = OrderRequest(
            client_order_id=order_id,
            desk=self._desk,
            agent=wish.agent,
            symbol=wish.symbol,
            side=wish.side,
            quantity=quantity,
            reference_price=price,
            reduce_only=wish.reduce_only,
            stop_loss=wish.stop_loss,
            take_profit=wish.take_profit,
            correlation_id=wish.correlation_id,
            decided_at=decided_at,
        )
        self._orders.open(order_id, wish.agent, wish.symbol, quantity * wish.side.sign)
        report.order(request)

    # --- executions -----------------------------------------------------------------------------------------------

    def _execution(self, report: Report, message: Message, step: OrderExecution, micros: int) -> None:
        heard = self._orders.hear(step, micros)
        if heard is Heard.REPEATED:
            return
        if heard is Heard.FORGOTTEN:
            self._tell_risk(
                report, f"not booked: {step.execution_id} is a step of an order that ended long ago"
            )
            return
        report.execution(step)
        if step.last_quantity is not None and step.last_price is not None:
            traded = step.last_quantity * step.side.sign
            self._book.fill(step.agent, step.symbol, traded, step.last_price, step.fee)
            self._is_told = False
            report.position(self._book, step.agent, step.symbol)
            if not self._follow_drawdown(report):
                self._tell_portfolio(report)
        self._relay(report, message, step.agent)
        if heard is Heard.STRANGE:
            self._tell_risk(
                report, f"{step.client_order_id} is no order of this desk's memory; what it did is booked"
            )

    def _unplaced(self, report: Report, message: Message, step: OrderExecution, micros: int) -> None:
        """Our own word about an order that could not be placed: REJECTED ends it, UNKNOWN leaves it in flight."""
        if not self._heard.hear(message.message_id, micros, self._clock):
            return
        if step.status is OrderStatus.REJECTED:
            self._orders.end(step.client_order_id, micros)
        report.execution(step)
        self._relay(report, message, step.agent)

    def _relay(self, report: Report, message: Message, agent: str) -> None:
        if agent in self._roster.by_agent:
            report.relay(message, agent)

    # --- controls -------------------------------------------------------------------------------------------------

    def _control(self, report: Report, control: Control, micros: int) -> None:
        by = f"by {control.issued_by}" + (f": {control.reason}" if control.reason else "")
        if control.action is ControlAction.KILL:
            self._risk.kill(micros)
            self._tell_risk(report, f"kill switch pulled {by}"[:4_000])
            if control.flatten:
                self._flatten(report)
        elif control.action is ControlAction.RELEASE:
            if self._risk.release(micros, self._book):
                self._tell_risk(report, f"released {by}"[:4_000])
        elif control.action is ControlAction.GOAL and control.goal is not None:
            self._capital.goal = control.goal
            self._allocate(report, f"goal set to {control.goal} {by}"[:4_000])
        elif control.action is ControlAction.RESTORE and control.core == CORE and control.state is not None:
            clock, position = self._clock, self._position
            self.restore(orjson.dumps(control.state))
            self._clock, self._position = max(self._clock, clock), position
            self._tell_risk(report, f"book restored {by}"[:4_000])

    def _flatten(self, report: Report) -> None:
        """Ask for an order that closes each position, apart from what is being closed already."""
        exposure = Exposure.of(self._book, self._orders)
        for agent, symbol, holding in self._book.holdings():
            side = Side.SELL if holding.quantity > 0 else Side.BUY
            quantity = exposure.closable(agent, symbol, side.sign)
            instrument = INSTRUMENTS.get(symbol)
            tradable = instrument.round_quantity(quantity) if instrument else ZERO
            if not tradable:
                continue
            cause = derived_id(report.moment, report.cause, agent, symbol)
            wish = Wish(cause, cause, agent, symbol, side, self._clock, Decimal(1), True, None, None)
            order_id = client_order_id(self._desk, cause)
            if not self._orders.knows(order_id):
                self._order(report, wish, order_id, tradable, self._book.price(symbol), report.moment)

    # --- capital and risk, told -----------------------------------------------------------------------------------

    def _allocate_if_due(self, report: Report) -> None:
        if self._capital.is_due(self._clock):
            self._allocate(report, "the desk opens" if self._capital.is_untouched else "the timer")

    def _allocate(self, report: Report, reason: str) -> None:
        exposure = Exposure.of(self._book, self._orders)
        self._capital.allocate(report, self._clock, reason, self._book, exposure, self._risk.state)

    def _follow_drawdown(self, report: Report) -> bool:
        """Move between the drawdown bands; whether the desk's state changed and was told."""
        if not self._risk.follow(self._book):
            return False
        self._tell_risk(report, f"drawdown is {self._book.drawdown:.2%}: the desk is {self._risk.state} now")
        return True

    def _tell_risk(self, report: Report, *alerts: str) -> None:
        self._told_minute = max(self._told_minute, self._clock // _MINUTE)
        report.risk(self._book, self._risk.state, self._volatility.mean, *alerts)
        self._tell_portfolio(report)

    def _tell_consensus(self, report: Report, symbol: str) -> None:
        news = self._voices.news(symbol, self._clock, self._capital.of)
        if news is not None:
            report.say(MESSAGES, news)

    def _tell_portfolio(self, report: Report) -> None:
        report.portfolio(self._book, self._risk.state)
        self._is_told = True


def check_state(state: dict[str, Any], roster: Roster) -> None:
    """Raise ValueError, in one sentence, when `state` is none that a desk wrote."""
    try:
        Desk(roster.desk, roster, Limits()).restore(orjson.dumps(state))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"this is no state that a desk wrote: {type(error).__name__} {error}") from None


def _seconds(micros: int) -> Decimal:
    return Decimal(max(0, micros)) / 1_000_000
