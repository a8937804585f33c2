"""What a bot does with what it sees and hears, without clock or connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agents.bots.history import Bar, BarHistory
from agents.bots.sizing import quantity_for, quantity_to_close, room, trade_cap
from agents.rules.rule import Opinion, Rule
from contracts.ids import derived_id
from contracts.instruments import INSTRUMENTS, Instrument
from contracts.message import Message
from contracts.model import Contract
from contracts.payloads import Guidance, HftSignal, OrderExecution, Question, Response, Side, TradeThesis
from contracts.roster import AgentProfile, Roster

ASKS_EVERY = timedelta(minutes=15)
"""How often at most a bot asks a partner about one symbol."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Something to say; the same cause gives the same message_id, so that a second time is no second message."""

    message_id: str
    payload: Contract
    recipient: str | None = None
    correlation_id: str | None = None


class BotCore:
    """A bot: it follows the bars of what it trades, asks its rule at each, and answers who asks it.

    A trade is said as an HFT_SIGNAL. An entry comes with its thesis for everyone and, every quarter of an hour and
    symbol at most, with a question to one of its partners in turn. Closing a position is said as reduce_only. Sizes go by
    the rules in `instruments`.
    """

    def __init__(
        self,
        roster: Roster,
        profile: AgentProfile,
        rule: Rule,
        instruments: Mapping[str, Instrument] = INSTRUMENTS,
    ) -> None:
        self._roster = roster
        self._profile = profile
        self._rule = rule
        self._instruments = instruments
        self._strategy = f"rule:{profile.backing.rule}"
        self._history = BarHistory()
        self._guidance: Guidance | None = None
        self._positions: dict[str, Decimal] = {}
        self._executions: set[str] = set()
        self._opinions: dict[str, Opinion] = {}
        self._asked: dict[str, datetime] = {}
        self._questions = 0

    def position(self, symbol: str) -> Decimal:
        """What it holds of a symbol, signed, as far as it was told."""
        return self._positions.get(symbol, Decimal(0))

    def guided(self, guidance: Guidance | None) -> None:
        """The portfolio's latest guidance."""
        self._guidance = guidance

    def holds(self, symbol: str, quantity: Decimal) -> None:
        """A position that it had before it started."""
        self._positions[symbol] = quantity

    def saw(self, symbol: str, bar: Bar) -> list[Saying]:
        """What to say when a bar has closed."""
        if not self._profile.trades(symbol) or not self._history.add(symbol, bar):
            return []
        cap = trade_cap(self._roster, self._profile, self._guidance)
        trade_quantity = float(cap) / bar.close
        view = self._history.view(symbol, float(self.position(symbol)), trade_quantity)
        opinion = self._rule.decide(view)
        self._opinions[symbol] = opinion
        if opinion.side is Side.HOLD:
            return []
        price = view.at_tick(bar.close)
        reduces = self.position(symbol) * opinion.side.sign < 0
        quantity = self._quantity(symbol, opinion, price, cap)
        if quantity == 0:
            return []
        signal = HftSignal(
            symbol=symbol,
            as_of=bar.closed_at,
            side=opinion.side,
            stop_loss=opinion.stop_loss,
            take_profit=opinion.take_profit,
            confidence=opinion.confidence,
            notional=quantity * price,
            price=price,
            reduce_only=reduces,
            strategy=self._strategy,
            rationale=opinion.rationale,
        )
        said = Saying(self._id(bar.closed_at, "signal", symbol), signal)
        if reduces:
            return [said]
        return [
            said,
            self._thesis(symbol, bar, opinion, price, said),
            *self._question(symbol, bar, opinion, said),
        ]

    def heard(self, message: Message) -> list[Saying]:
        """What to say to a message from the inbox."""
        payload = message.payload
        if isinstance(payload, Guidance) and payload.agent == self._profile.agent:
            self._guidance = payload
        elif isinstance(payload, OrderExecution) and payload.agent == self._profile.agent:
            self._book(payload)
        elif isinstance(payload, Question) and message.sender in self._roster.by_agent:
            return [self._response(message, payload)]
        return []

    def _quantity(self, symbol: str, opinion: Opinion, price: Decimal, cap: Decimal) -> Decimal:
        """As much as fits the cap; to close a position never more than there is of it."""
        held, instrument = self.position(symbol), self._instruments[symbol]
        if held * opinion.side.sign < 0:
            return quantity_to_close(instrument, price, cap, held)
        return quantity_for(instrument, price, room(cap, self._guidance), opinion.size_fraction)

    def _thesis(self, symbol: str, bar: Bar, opinion: Opinion, price: Decimal, signal: Saying) -> Saying:
        thesis = TradeThesis(
            symbol=symbol,
            side=opinion.side,
            stop_loss=opinion.stop_loss,
            take_profit=opinion.take_profit,
            thesis=opinion.rationale,
            conviction=opinion.confidence,
            entry_price=price,
            timeframe="1m",
        )
        return Saying(self._id(bar.closed_at, "thesis", symbol), thesis, correlation_id=signal.message_id)

    def _question(self, symbol: str, bar: Bar, opinion: Opinion, signal: Saying) -> list[Saying]:
        partners = self._profile.collaboration_partners
        asked = self._asked.get(symbol)
        if not partners or (asked is not None and bar.closed_at - asked < ASKS_EVERY):
            return []
        self._asked[symbol] = bar.closed_at
        partner = partners[self._questions % len(partners)]
        self._questions += 1
        question = Question(
            topic=f"{symbol} {opinion.side}",
            question=f"I {opinion.side} {symbol} at {bar.close:g}: {opinion.rationale} Do you see it too?",
            symbol=symbol,
        )
        return [
            Saying(self._id(bar.closed_at, "question", symbol), question, partner, signal.message_id),
        ]

    def _response(self, message: Message, question: Question) -> Saying:
        opinion = self._opinions.get(question.symbol) if question.symbol else None
        if opinion is None:
            answer, confidence = (
                f"{self._strategy} has no opinion about {question.symbol or 'that'} yet.",
                0.0,
            )
        else:
            answer = f"{self._strategy} says {opinion.side} for {question.symbol}. {opinion.rationale}"
            confidence = opinion.confidence
        return Saying(
            self._id(message.event_time, "response", message.sender, message.message_id),
            Response(answer=answer, confidence=confidence, symbol=question.symbol),
            message.sender,
            message.message_id,
        )

    def _book(self, execution: OrderExecution) -> None:
        if execution.last_quantity is None or execution.execution_id in self._executions:
            return
        self._executions.add(execution.execution_id)
        change = execution.last_quantity * execution.side.sign
        self._positions[execution.symbol] = self.position(execution.symbol) + change

    def _id(self, moment: datetime, *parts: str) -> str:
        return derived_id(moment, self._roster.desk, self._profile.agent, *parts)
