"""An agent's context: what it knows of its markets and was told, and when it is asked."""

from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from contracts.decisions import DecisionRequest
from contracts.ids import derived_id
from contracts.message import Message
from contracts.model import Contract, Name
from contracts.payloads import Snapshot
from contracts.roster import AgentProfile
from contracts.time import UtcTime
from transforms.core import Output
from transforms.decisions.deliveries import Deliveries
from transforms.log import LogEntry

REQUESTS = "requests"
"""The port of `DecisionRequest`s."""

CLOSES_KEPT = 60
"""Closed bars that an agent looks back over, for each symbol."""


class _Market(Contract):
    """A symbol as the agent last saw it, and when it was last asked about it."""

    bar_seconds: int
    seen: UtcTime
    closes: tuple[float, ...]
    asked: UtcTime | None = None


class _State(Contract):
    markets: dict[Name, _Market] = Field(default_factory=dict)
    deliveries: Deliveries = Deliveries()


class AgentContext:
    """The core of the decisions job, one for each desk and agent.

    A snapshot that is newer than the last one of its symbol makes the agent be asked, unless less than its
    cadence has passed since it was asked about that symbol (event time). With a cadence of 60 s:

        snapshot of BTCUSDT   10:00:00   10:00:30   10:01:00   10:00:45 (late)   10:02:00
        asked                 yes        no         yes        no                yes

    What it is told in between waits in its deliveries.
    """

    def __init__(self, desk: str, profile: AgentProfile) -> None:
        self._desk = desk
        self._profile = profile
        self._markets: dict[str, _Market] = {}
        self._deliveries = Deliveries()

    def apply(self, entry: LogEntry) -> list[Output]:
        message: Message = entry.value
        if isinstance(message.payload, Snapshot):
            return self._see(message, message.payload, entry.position)
        self._deliveries = self._deliveries.told(message)
        return []

    def flush(self) -> list[Output]:
        return []

    def dump(self) -> bytes:
        markets = dict(sorted(self._markets.items()))
        return _State.model_construct(markets=markets, deliveries=self._deliveries).to_json()

    def restore(self, state: bytes) -> None:
        restored = _State.from_json(state)
        self._markets = dict(restored.markets)
        self._deliveries = restored.deliveries

    def _see(self, message: Message, snapshot: Snapshot, position: int) -> list[Output]:
        now = message.event_time
        before = self._markets.get(snapshot.symbol)
        if before is not None and now <= before.seen:
            return []
        closes = before.closes if before is not None and before.bar_seconds == snapshot.bar_seconds else ()
        asked = before.asked if before is not None else None
        due = asked is None or now - asked >= timedelta(seconds=self._profile.cadence_seconds)
        self._markets[snapshot.symbol] = market = _Market(
            bar_seconds=snapshot.bar_seconds,
            seen=now,
            closes=(*closes, float(snapshot.price))[-CLOSES_KEPT:],
            asked=now if due else asked,
        )
        self._deliveries = self._deliveries.until(now)
        return [Output(REQUESTS, self._request(message, snapshot, market, position))] if due else []

    def _request(
        self, message: Message, snapshot: Snapshot, market: _Market, position: int
    ) -> DecisionRequest:
        agent = self._profile.agent
        return DecisionRequest(
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
        )
