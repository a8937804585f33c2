"""How good the agents' decisions are on the packaged day, walk-forward, with what answers for each on this machine.

Each model-backed agent is the real thing from its context to its answer: the market job's snapshots, the context's
cadence and budget, the prompt, the stand-in behind the endpoint, the strict reading of the answer; it is told its fills
and its capital as the desk would. The bots' rules see the bars as the bots do. Every trade pays 0.12 % for both
ways. One day of two symbols is a small sample, which is what the intervals say.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import numpy as np

from agents.bots.history import Bar, BarHistory
from agents.endpoints.handler import DecisionHandler
from agents.endpoints.in_process import InProcess
from agents.kinds.forecast import ROUND_TRIP
from agents.rules.rule import rule_named
from contracts.decisions import Opinion
from contracts.message import Message, said_by
from contracts.payloads import Guidance, OrderExecution, OrderStatus, Side
from contracts.roster import AgentProfile, Roster, read_roster
from contracts.settings import Settings
from contracts.time import to_micros
from tests.benchmarks.figure import Figure, Figures
from tests.benchmarks.quality_bars import Bars, Floats, packaged_day
from tests.benchmarks.resampling import RESAMPLES, SEED, mean_interval
from tests.benchmarks.simulated_trades import Account, Trade
from transforms.decisions.agent_context import REQUESTS, AgentContext
from transforms.log import LogEntry

CAPITAL = Decimal(10_000)
FULL_TRADE = Decimal("0.05")
"""What the desk lets one trade be, as a share of the agent's capital."""

_BEFORE = timedelta(microseconds=1)
"""What happened within a bar is dated before its close: a question knows what was before its moment."""


class Trader(Protocol):
    """Somebody who is shown the day bar by bar."""

    def sees(self, bars: Bars, bar: int) -> Opinion | None:
        """The opinion at the close of a bar, None when nobody was asked."""
        ...

    def holds(self, bars: Bars, bar: int, full_trades: float, *, since_close: bool) -> None:
        """What it holds, in full trades, after a change within a bar or since its close."""
        ...


class ModelBacked:
    """An agent of the decisions job, with all of it but Beam and the network."""

    def __init__(self, roster: Roster, profile: AgentProfile) -> None:
        self._agent = profile.agent
        self._core = AgentContext(roster.desk, profile)
        self._handler = DecisionHandler(roster, InProcess.of(roster), tells_latency=False)
        self._asker = self._handler.load_model()
        self._log = 0
        self._desk = roster.desk
        self._held: dict[str, Decimal] = {}
        self._guidance = Guidance(
            agent=self._agent,
            role=profile.role,
            goal="maximum_profit",
            capital=CAPITAL,
            remaining=CAPITAL,
            favour=profile.preferred_assets,
            text="Trade as you see fit.",
        )

    def sees(self, bars: Bars, bar: int) -> Opinion | None:
        snapshot = bars.snapshots[bar]
        if self._log == 0:
            before = snapshot.event_time - _BEFORE
            self._tell(said_by("trading", self._guidance, desk=self._desk, event_time=before,
                               recipient=self._agent, derived_from=("guidance",)))  # fmt: skip
        asked = [value for port, value in self._tell(snapshot) if port == REQUESTS]
        if not asked:
            return None
        (outcome,) = self._handler.run_inference(asked, self._asker)
        return outcome.opinion

    def holds(self, bars: Bars, bar: int, full_trades: float, *, since_close: bool) -> None:
        quantity = Decimal(str(round(full_trades * float(CAPITAL * FULL_TRADE) / float(bars.close[bar]), 6)))
        change = quantity - self._held.get(bars.symbol, Decimal(0))
        if change == 0:
            return
        self._held[bars.symbol] = quantity
        name = f"{bars.symbol}-{self._log}"
        fill = OrderExecution(
            client_order_id=name,
            execution_id=name,
            sequence=1,
            agent=self._agent,
            symbol=bars.symbol,
            side=Side.BUY if change > 0 else Side.SELL,
            status=OrderStatus.FILLED,
            quantity=abs(change),
            filled_quantity=abs(change),
            venue="paper",
        )
        closed = bars.snapshots[bar].event_time
        told = said_by("execution", fill, desk=self._desk, event_time=closed if since_close else closed - _BEFORE,
                       recipient=self._agent, derived_from=(name,))  # fmt: skip
        self._tell(told)

    def _tell(self, message: Message) -> list:
        self._log += 1
        entry = LogEntry(
            f"{self._desk}/{self._agent}", self._log, False, to_micros(message.event_time), message
        )
        return self._core.apply(entry)


class Bot:
    """A bot's rule with the bot's memory."""

    def __init__(self, rule: str) -> None:
        self._rule = rule_named(rule)
        self._history = BarHistory()
        self._held: dict[str, float] = {}

    def sees(self, bars: Bars, bar: int) -> Opinion | None:
        row = (float(column[bar]) for column in (bars.high, bars.low, bars.close, bars.volume))
        self._history.add(bars.symbol, Bar(bars.snapshots[bar].event_time, *row))
        held = self._held.get(bars.symbol, 0.0)
        return self._rule.decide(self._history.view(bars.symbol, held, 1.0))

    def holds(self, bars: Bars, bar: int, full_trades: float, *, since_close: bool) -> None:
        self._held[bars.symbol] = full_trades


@dataclass(frozen=True)
class Traded:
    """What an agent's day came to."""

    asked: int
    trades: list[tuple[Bars, Trade]]


def measure() -> Figures:
    """A row of figures for each agent."""
    roster = read_roster(Settings().roster)
    day = packaged_day()
    figures: Figures = {}
    for profile in roster.agents:
        figures |= _figures(profile.agent, _traded(roster, profile, day), day)
    return figures


def _traded(roster: Roster, profile: AgentProfile, day: list[Bars]) -> Traded:
    trader: Trader = ModelBacked(roster, profile) if profile.is_model_backed else Bot(profile.backing.rule)
    accounts = {bars.symbol: Account(bars, closes_only=not profile.is_model_backed) for bars in day}
    asked = 0
    for bar in range(min(len(bars) for bars in day) - 1):
        for bars in day:
            account = accounts[bars.symbol]
            before = account.held()
            account.pass_bar(bar)
            if account.held() != before:
                trader.holds(bars, bar, account.held(), since_close=False)
            opinion = trader.sees(bars, bar)
            asked += opinion is not None
            if opinion is not None and opinion.side is not Side.HOLD:
                account.fill(opinion, bar + 1)
                trader.holds(bars, bar, account.held(), since_close=True)
    for account in accounts.values():
        account.end()
    return Traded(asked, [(bars, trade) for bars in day for trade in accounts[bars.symbol].trades])


def _figures(agent: str, traded: Traded, day: list[Bars]) -> Figures:
    figures = {f"{agent}: questions answered": Figure(traded.asked, "")}
    figures[f"{agent}: trades"] = Figure(len(traded.trades), "")
    if not traded.trades:
        return figures
    net = np.array([trade.net for _, trade in traded.trades]) * 1e4
    sizes = np.array([trade.lot.size for _, trade in traded.trades])
    low, high = mean_interval(net)
    hits = (net > 0).astype(float)
    random = _random_entries(traded.trades)
    figures |= {
        f"{agent}: hit rate": Figure(float(hits.mean()), "", {"random entry": random.hits}),
        f"{agent}: hit rate, 95 % from": Figure(mean_interval(hits)[0], ""),
        f"{agent}: hit rate, 95 % to": Figure(mean_interval(hits)[1], ""),
        f"{agent}: mean return after costs": Figure(
            float(net.mean()), "bp a trade", {"random entry": random.mean, "buy and hold": _buy_and_hold(day)}
        ),
        f"{agent}: mean return after costs, 95 % from": Figure(
            low, "bp a trade", {"random entry": random.low}
        ),
        f"{agent}: mean return after costs, 95 % to": Figure(
            high, "bp a trade", {"random entry": random.high}
        ),
        f"{agent}: better than random entry in": Figure(
            random.share_below(float(net.mean())), "of the draws"
        ),
        f"{agent}: turnover": Figure(float(2 * sizes.sum()), "full trades a day"),
    }
    return figures


def _buy_and_hold(day: list[Bars]) -> float:
    """The mean over the symbols, from the first open to the last close, after one round trip, in basis points."""
    return float(np.mean([bars.close[-1] / bars.open[0] - 1.0 - ROUND_TRIP for bars in day]) * 1e4)


@dataclass(frozen=True)
class Random:
    """Random entries: the means of many draws, in basis points after costs, and the share of hits."""

    means: Floats
    hits: float

    @property
    def mean(self) -> float:
        return float(self.means.mean())

    @property
    def low(self) -> float:
        return float(np.percentile(self.means, 2.5))

    @property
    def high(self) -> float:
        return float(np.percentile(self.means, 97.5))

    def share_below(self, mean: float) -> float:
        """The share of the draws that did worse."""
        return float((self.means < mean).mean())


def _random_entries(trades: list[tuple[Bars, Trade]]) -> Random:
    """As many trades of the same symbols and holding times, their moments and sides drawn: the same turnover."""
    draw = np.random.default_rng(SEED)
    totals, hits = np.zeros(RESAMPLES), 0.0
    for bars, trade in trades:
        entered = draw.integers(0, len(bars) - trade.held + 1, RESAMPLES)
        sign = draw.choice([-1.0, 1.0], RESAMPLES)
        moved = bars.close[entered + trade.held - 1] / bars.open[entered] - 1.0
        net = (sign * moved - ROUND_TRIP) * 1e4
        totals += net
        hits += float((net > 0).mean())
    return Random(totals / len(trades), hits / len(trades))
