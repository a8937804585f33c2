"""An agent's context: what it knows of its markets and was told, and when it is asked."""

from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from contracts.calls import ModelPrice
from contracts.decisions import UNANSWERED, CallOutcome, CallStatus, DecisionRequest, OtherMarket
from contracts.ids import derived_id
from contracts.message import Message
from contracts.model import Contract, Name, Price
from contracts.payloads import Snapshot, Usage
from contracts.roster import AgentProfile, EndpointBacking
from contracts.time import UtcTime, to_micros
from transforms.core import Output
from transforms.decisions.consequences import consequences
from transforms.decisions.deliveries import Deliveries
from transforms.decisions.spending import Spending, SpentHour, reservation
from transforms.log import LogEntry

REQUESTS = "requests"
"""The port of `DecisionRequest`s."""

CLOSES_KEPT = 60
"""Closed bars that an agent looks back over, for each symbol."""


class _Market(Contract):
    """A symbol as the agent last saw it, and when it was last asked about it."""

    bar_seconds: int
    seen: UtcTime
    seen_before: UtcTime | None = None
    closes: tuple[float, ...]
    asked: UtcTime | None = None
    asked_price: Price | None = None
    asked_knowing: str = ""

    def before(self, moment: UtcTime) -> "_Market | None":
        """As it was seen before `moment`; None when it was not, or when it has been seen later."""
        if self.seen < moment:
            return self
        if self.seen > moment or self.seen_before is None or len(self.closes) < 2:
            return None
        return self.with_valid(seen=self.seen_before, closes=self.closes[:-1])


class _State(Contract):
    markets: dict[Name, _Market] = Field(default_factory=dict)
    deliveries: Deliveries = Deliveries()
    spending: Spending = Spending()


class AgentContext:
    """The core of the decisions job, one for each desk and agent.

    A snapshot that is newer than the last one of its symbol makes the agent be asked, unless less than its
    cadence has passed since it was asked about that symbol (event time). With a cadence of 60 s:

        snapshot of BTCUSDT   10:00:00   10:00:30   10:01:00   10:00:45 (late)   10:02:00
        asked                 yes        no         yes        no                yes

    What it is told in between waits in its deliveries; a snapshot that is no later than what it was told since is not asked
    about, because the answer would be one with hindsight. A question knows what was said, and how the other markets stood,
    before its moment: bars of several symbols close together, and in which order they and what follows from them arrive
    must make no difference. Two more things save a call:

    * No news: the price moved no further than `news_bps` since it was asked about the symbol, and what it holds, its
      guidance and what it heard are the same. It is asked with the first snapshot that brings news.
    * Its budget: what the call can take at most is reserved before it is made. When that does not fit into the last 60
      minutes, there is no call, but a HOLD whose outcome says over_budget.
    """

    def __init__(self, desk: str, profile: AgentProfile, price: ModelPrice | None = None) -> None:
        if not isinstance(profile.backing, EndpointBacking):
            raise TypeError(f"{profile.agent} has no endpoint, so nothing is kept for its questions")
        self._desk = desk
        self._profile = profile
        self._backing = profile.backing
        self._needs = reservation(profile.backing.budget, price)
        self._cadence = timedelta(seconds=profile.cadence_seconds)
        self._news_bps = Decimal(str(profile.backing.news_bps))
        self._markets: dict[str, _Market] = {}
        self._deliveries = Deliveries()
        self._spent = SpentHour()

    def apply(self, entry: LogEntry) -> list[Output]:
        message: Message = entry.value
        if isinstance(message.payload, Snapshot):
            return self._see(message, message.payload, entry.position)
        if isinstance(message.payload, Usage):
            self._spent.settle(message.payload)
            return []
        self._deliveries = self._deliveries.told(message)
        return []

    def flush(self) -> list[Output]:
        return []

    def dump(self) -> bytes:
        markets = dict(sorted(self._markets.items()))
        return _State.of_valid(
            {"markets": markets, "deliveries": self._deliveries, "spending": self._spent.spending}
        ).to_json()

    def restore(self, state: bytes) -> None:
        restored = _State.from_json(state)
        self._markets = dict(restored.markets)
        self._deliveries = restored.deliveries
        self._spent = SpentHour(restored.spending)

    def _see(self, message: Message, snapshot: Snapshot, position: int) -> list[Output]:
        now = message.event_time
        before = self._markets.get(snapshot.symbol)
        if before is not None and now <= before.seen:
            return []
        closes = before.closes if before is not None and before.bar_seconds == snapshot.bar_seconds else ()
        self._deliveries = self._deliveries.before(now)
        knowing = self._deliveries.digest(snapshot.symbol)
        is_asked = self._is_due(before, now) and self._has_news(before, snapshot, knowing)
        market = _Market.of_known(
            bar_seconds=snapshot.bar_seconds,
            seen=now,
            seen_before=before.seen if before else None,
            closes=(*closes, float(snapshot.price))[-CLOSES_KEPT:],
            asked=before.asked if before else None,
            asked_price=before.asked_price if before else None,
            asked_knowing=before.asked_knowing if before else "",
        )
        if is_asked:
            market = market.with_valid(asked=now, asked_price=snapshot.price, asked_knowing=knowing)
        self._markets[snapshot.symbol] = market
        return self._ask(self._request(message, snapshot, market, position)) if is_asked else []

    def _is_due(self, market: _Market | None, now: UtcTime) -> bool:
        if self._deliveries.taken_until is not None and now <= self._deliveries.taken_until:
            return False
        if market is None or market.asked is None:
            return True
        return now - market.asked >= self._cadence

    def _has_news(self, market: _Market | None, snapshot: Snapshot, knowing: str) -> bool:
        if market is None or market.asked_price is None or knowing != market.asked_knowing:
            return True
        return abs(snapshot.price / market.asked_price - 1) * 10_000 > self._news_bps

    def _ask(self, request: DecisionRequest) -> list[Output]:
        """The question, its cost reserved; or what follows from not asking it."""
        micros, (tokens, usd) = to_micros(request.event_time), self._needs
        self._spent.go_on(micros)
        exceeded = self._spent.exceeded(self._backing.budget, tokens, usd)
        if not exceeded:
            self._spent.charge(micros, request.decision_id, tokens, usd)
            return [Output(REQUESTS, request)]
        not_asked = CallOutcome(
            request=request,
            endpoint=self._backing.endpoint,
            model=UNANSWERED,
            prompt=UNANSWERED,
            status=CallStatus.OVER_BUDGET,
            error=exceeded,
            attempts=0,
            cost_usd=Decimal(0),
        )
        return consequences(not_asked)

    def _request(
        self, message: Message, snapshot: Snapshot, market: _Market, position: int
    ) -> DecisionRequest:
        agent = self._profile.agent
        return DecisionRequest.of_known(
            decision_id=derived_id(message.event_time, self._desk, agent, message.message_id),
            desk=self._desk,
            agent=agent,
            position=position,
            event_time=message.event_time,
            snapshot_id=message.message_id,
            symbol=snapshot.symbol,
            bar_seconds=snapshot.bar_seconds,
            price=snapshot.price,
            bid=snapshot.bid,
            ask=snapshot.ask,
            features=snapshot.features,
            closes=market.closes,
            held=self._deliveries.positions.get(snapshot.symbol, Decimal(0)),
            guidance=self._deliveries.guidance,
            heard=self._deliveries.heard,
            others=self._others(snapshot.symbol, message.event_time),
        )

    def _others(self, asked: str, now: UtcTime) -> tuple[OtherMarket, ...]:
        """The other markets as they stood before the question."""
        if self._backing.asks != "portfolio":
            return ()
        held = self._deliveries.positions
        markets = (
            (symbol, market.before(now))
            for symbol, market in sorted(self._markets.items())
            if symbol != asked
        )
        return tuple(
            OtherMarket(
                symbol=symbol, seen=stood.seen, closes=stood.closes, held=held.get(symbol, Decimal(0))
            )
            for symbol, stood in markets
            if stood is not None
        )
