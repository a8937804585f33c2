"""The reference workload: a made-up day on the desk of agents/roster.yaml, the same for the same seed.

What is assumed (no public record of such a desk exists, so this is a model; every number is a parameter below):

* The day has a rhythm: three busy hours (13 to 16 UTC) in which everything happens three times as often.
* The bots are bursty. freqtrade-hft speaks in bursts of 3 to 14 signals, 0.3 to 2 s apart, six bursts an hour;
  hummingbot-mm in bursts of 5 to 30, 0.2 to 1.2 s apart, eight an hour. A fifth of their signals are filled.
* The models are slow and talkative. Each opens thirty conversations an hour: a thesis (a third), an insight, a question or
  a discussion on a topic. Half of the questions and discussions are for one partner. Two in three openings are answered
  by one to three others within 40 s, with a response or a critique that everyone hears or that its author alone hears.
  They rarely adjust a strategy (a signal), and are filled three times an hour.
* Everyone sends a heartbeat every minute.
* The desk itself speaks: a risk update every five minutes, guidance to each agent every quarter of an hour, a
  rebalance every six hours, and each fill to its agent. All of that is critical.
* One misbehaves: from 10:00 to 11:00 lagllama-degen repeats an insight, sure of itself, every second to everyone, and
  adjusts its strategy every four seconds.
* Symbols: BTC 45 %, ETH 30 %, the rest evenly, but an agent speaks of its preferred assets alone. Conviction is uniform
  between 0.3 and 1.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from contracts.controls import Goal
from contracts.instruments import INSTRUMENTS
from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.payloads import (
    Critique,
    DeskState,
    Guidance,
    Heartbeat,
    HftSignal,
    Insight,
    OrderExecution,
    OrderStatus,
    PortfolioRebalance,
    Question,
    Response,
    RiskUpdate,
    Side,
    StrategyAdjustment,
    StrategyDiscussion,
    TradeThesis,
)
from contracts.roster import AgentProfile, Roster, read_roster
from contracts.settings import Settings

SEED = 20240115
DAY = datetime(2024, 1, 15, tzinfo=UTC)
HOURS = 24
BUSY_HOURS = (13, 14, 15)
BUSY_FACTOR = 3.0

BURSTS = {"freqtrade-hft": (6.0, (3, 14), (0.3, 2.0)), "hummingbot-mm": (8.0, (5, 30), (0.2, 1.2))}
"""By bot: bursts an hour, signals in a burst, seconds between them."""

FILLED_SIGNALS = 0.2
OPENINGS_AN_HOUR = 30.0
ANSWERED = 2 / 3
DIRECTED = 0.5
MODEL_FILLS_AN_HOUR = 3.0
ADJUSTMENTS_AN_HOUR = 0.5

MISBEHAVING = "lagllama-degen"
MISBEHAVES_AT = (10.0, 11.0)

_WEIGHTS = {"BTC": 0.45, "ETH": 0.30}


def roster() -> Roster:
    """The desk's own roster."""
    return read_roster(Path(Settings().roster))


def misbehaves(message: Message) -> bool:
    """Whether it is said by the one that misbehaves, in its hour."""
    hour = (message.event_time - DAY).total_seconds() / 3_600
    return message.sender == MISBEHAVING and MISBEHAVES_AT[0] <= hour < MISBEHAVES_AT[1]


@cache
def reference_day(hours: int = HOURS) -> tuple[Message, ...]:
    """The messages of the day that the docs speak of."""
    return day_of(SEED, hours)


def day_of(seed: int, hours: int = HOURS) -> tuple[Message, ...]:
    """The day's messages in the order of (event_time, message_id)."""
    said = _Day(roster(), hours, seed).messages()
    return tuple(sorted(said, key=lambda message: (message.event_time, message.message_id)))


class _Day:
    def __init__(self, desk: Roster, hours: int, seed: int) -> None:
        self._desk = desk
        self._end = hours * 3_600.0
        self._dice = random.Random(seed)
        self._count = 0

    def messages(self) -> Iterator[Message]:
        for profile in self._desk.agents:
            yield from self._every(60.0, profile.agent, Heartbeat())
            if profile.agent in BURSTS:
                yield from self._bursts(profile)
            else:
                yield from self._conversations(profile)
        yield from self._misbehaviour()
        yield from self._the_desk_itself()

    # --- agents -----------------------------------------------------------------------------------------------------

    def _bursts(self, bot: AgentProfile) -> Iterator[Message]:
        an_hour, (fewest, most), (shortest, longest) = BURSTS[bot.agent]
        for at in self._moments(an_hour):
            symbol, side = self._symbol(bot), self._side()
            for _ in range(self._dice.randint(fewest, most)):
                signal = HftSignal(
                    side=side,
                    symbol=symbol,
                    confidence=self._conviction(),
                    notional=Decimal(20),
                    strategy=bot.role,
                )
                yield self._say(bot.agent, at, signal)
                if self._dice.random() < FILLED_SIGNALS:
                    yield self._fill(bot.agent, symbol, side, at + 0.2)
                at += self._dice.uniform(shortest, longest)

    def _conversations(self, model: AgentProfile) -> Iterator[Message]:
        for at in self._moments(OPENINGS_AN_HOUR):
            opening = self._opening(model, at)
            yield opening
            if self._dice.random() < ANSWERED:
                yield from self._answers(opening, at)
        for at in self._moments(ADJUSTMENTS_AN_HOUR):
            yield self._say(model.agent, at, _adjustment(model.role))
        for at in self._moments(MODEL_FILLS_AN_HOUR):
            yield self._fill(model.agent, self._symbol(model), self._side(), at)

    def _opening(self, model: AgentProfile, at: float) -> Message:
        symbol, kind = self._symbol(model), self._dice.randrange(6)
        if kind < 2:
            thesis = TradeThesis(
                side=self._side(),
                symbol=symbol,
                thesis="as argued",
                conviction=self._conviction(),
                timeframe="4h",
            )
            return self._say(model.agent, at, thesis)
        if kind < 4:
            about = symbol if self._dice.random() < 0.7 else None
            return self._say(
                model.agent, at, Insight(insight="noticed", confidence=self._conviction(), symbol=about)
            )
        expert = self._dice.choice([other for other in self._desk.agents if other is not model])
        topic = self._dice.choice(expert.expertise).replace("_", " ")
        talk: Contract = (
            Question(topic=topic, question="what now?", symbol=symbol)
            if kind == 4
            else StrategyDiscussion(topic=topic, content="consider this", symbol=symbol)
        )
        directed = self._dice.random() < DIRECTED
        return self._say(
            model.agent, at, talk, self._dice.choice(model.collaboration_partners) if directed else None
        )

    def _answers(self, opening: Message, at: float) -> Iterator[Message]:
        models = [
            agent.agent
            for agent in self._desk.agents
            if agent.is_model_backed and agent.agent != opening.sender
        ]
        for author in self._dice.sample(models, self._dice.randint(1, 3)):
            conviction = self._conviction()
            answer: Contract = (
                Response(answer="so it is", confidence=conviction, symbol=opening.symbol)
                if self._dice.random() < 0.6
                else Critique(concerns=("too early",), conviction=conviction, symbol=opening.symbol)
            )
            recipient = opening.sender if self._dice.random() < DIRECTED else None
            yield self._say(author, at + self._dice.uniform(5, 40), answer, recipient)

    def _misbehaviour(self) -> Iterator[Message]:
        begin, end = (hour * 3_600.0 for hour in MISBEHAVES_AT)
        if begin >= self._end:
            return
        insight = Insight(insight="it will move", confidence=0.95, symbol="BTCUSDT")
        for step in range(int(end - begin)):
            yield self._say(MISBEHAVING, begin + step, insight)
        for step in range(int((end - begin) / 4)):
            yield self._say(MISBEHAVING, begin + step * 4.0 + 0.25, _adjustment("volatility"))

    # --- the desk itself --------------------------------------------------------------------------------------------

    def _the_desk_itself(self) -> Iterator[Message]:
        capital = Decimal(10_000)
        risk = RiskUpdate(
            state=DeskState.ACTIVE, equity=capital, high_water_mark=capital, drawdown=0.0,
            gross_exposure=Decimal(0), net_exposure=Decimal(0), leverage=0.0,
        )  # fmt: skip
        yield from self._every(300.0, "trading", risk)
        goal = Goal.RISK_ADJUSTED_RETURNS
        rebalance = PortfolioRebalance(goal=goal, reason="timer", equity=capital, previous={}, allocations={})
        yield from self._every(6 * 3_600.0, "trading", rebalance)
        for profile in self._desk.agents:
            guidance = Guidance(
                agent=profile.agent,
                role=profile.role,
                goal=goal,
                capital=capital,
                remaining=capital,
                text="go on",
            )
            yield from self._every(900.0, "trading", guidance, profile.agent)

    def _fill(self, agent: str, symbol: str, side: Side, at: float) -> Message:
        self._count += 1
        execution = OrderExecution(
            client_order_id=f"o{self._count}", execution_id=f"e{self._count}", sequence=1, agent=agent, symbol=symbol,
            side=side, status=OrderStatus.FILLED, quantity=Decimal(1), filled_quantity=Decimal(1),
            last_quantity=Decimal(1), last_price=Decimal(100), venue="paper",
        )  # fmt: skip
        return self._say("execution", at, execution, agent)

    # --- time and chance --------------------------------------------------------------------------------------------

    def _moments(self, an_hour: float) -> Iterator[float]:
        """Moments of a Poisson process that is busier in the busy hours (thinned from the busiest rate)."""
        at = 0.0
        while True:
            at += self._dice.expovariate(an_hour * BUSY_FACTOR / 3_600.0)
            if at >= self._end:
                return
            busy = int(at // 3_600) in BUSY_HOURS
            if busy or self._dice.random() < 1 / BUSY_FACTOR:
                yield at

    def _every(
        self, seconds: float, sender: str, payload: Contract, recipient: str | None = None
    ) -> Iterator[Message]:
        at = self._dice.uniform(0, seconds)
        while at < self._end:
            yield self._say(sender, at, payload, recipient)
            at += seconds

    def _say(self, sender: str, at: float, payload: Contract, recipient: str | None = None) -> Message:
        self._count += 1
        moment = DAY + timedelta(microseconds=round(at * 1e6))
        return said_by(
            sender,
            payload,
            desk=self._desk.desk,
            event_time=moment,
            recipient=recipient,
            derived_from=(str(self._count),),
        )

    def _symbol(self, profile: AgentProfile) -> str:
        symbols = [symbol for symbol in INSTRUMENTS if profile.trades(symbol)]
        weights = [_WEIGHTS.get(INSTRUMENTS[symbol].base, 0.25 / 4) for symbol in symbols]
        return self._dice.choices(symbols, weights)[0]

    def _side(self) -> Side:
        return self._dice.choice((Side.BUY, Side.SELL))

    def _conviction(self) -> float:
        return round(self._dice.uniform(0.3, 1.0), 2)


def _adjustment(strategy: str) -> StrategyAdjustment:
    return StrategyAdjustment(strategy=strategy, parameter="length", old_value="20", new_value="30")
