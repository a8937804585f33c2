"""A small desk for the tests: three agents and what they say."""

from typing import Any

import orjson

from contracts.controls import Control, ControlAction
from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.payloads import DeskState, Insight, OrderExecution, RiskUpdate, StrategyAdjustment, TradeThesis
from contracts.roster import Roster
from contracts.rows.communication import Deliveries
from contracts.rows.row import Row
from contracts.time import from_micros
from transforms.coordination.desk import Coordination
from transforms.core import ROWS, Output
from transforms.log import LogEntry

SECOND = 1_000_000
START = 1_705_276_800 * SECOND
"""2024-01-15T00:00:00Z."""


def profile(agent: str, **changes: Any) -> dict:
    return {
        "agent": agent,
        "role": "momentum",
        "pod": f"{agent}-pod",
        "expertise": ["trend_following"],
        "contribution": "Speaks.",
        "risk_tolerance": "medium",
        "time_horizon": "short_term",
        "preferred_assets": ["BTC"],
        "collaboration_partners": [],
        "capital_weight": 0.2,
        "leverage_cap": 5,
        "participation_threshold": 0.6,
        "budgets": {
            "signal": {"seconds_per_message": 1, "burst": 5},
            "chatter": {"seconds_per_message": 10, "burst": 3},
        },
        "cadence_seconds": 60,
        "backing": {"kind": "endpoint", "endpoint": f"{agent}-endpoint", "model": "m", "rule": "momentum"},
    } | changes


ROSTER = Roster.model_validate(
    {
        "desk": "main",
        "capital": 1000,
        "agents": [
            profile("ann", collaboration_partners=["bob"]),
            profile(
                "bob", expertise=["mean_reversion"], role="mean_reversion", preferred_assets=["BTC", "ETH"]
            ),
            profile(
                "cid",
                expertise=["market_making"],
                role="market_maker",
                preferred_assets=["ETH"],
                backing={"kind": "external", "pod": "cid-pod", "rule": "market_making"},
            ),
        ],
    }
)

_made = 0


def message(
    sender: str,
    at: float,
    payload: Contract | None = None,
    recipient: str | None = None,
    message_id: str | None = None,
) -> Message:
    """Something said `at` seconds after the start; by default a thesis about BTC."""
    global _made
    _made += 1
    said = said_by(
        sender,
        payload or thesis(),
        desk="main",
        event_time=from_micros(START + round(at * SECOND)),
        recipient=recipient,
        derived_from=(str(_made),),
    )
    return said.model_copy(update={"message_id": message_id}) if message_id else said


def thesis(symbol: str = "BTCUSDT", conviction: float = 0.7) -> TradeThesis:
    return TradeThesis(side="BUY", symbol=symbol, thesis="up", conviction=conviction, timeframe="1h")


def insight(confidence: float = 0.5) -> Insight:
    return Insight(insight="quiet", confidence=confidence)


def adjustment(strategy: str = "unnamed") -> StrategyAdjustment:
    return StrategyAdjustment(strategy=strategy, parameter="length", old_value="1", new_value="2")


def risk(volatility: float | None = None) -> RiskUpdate:
    return RiskUpdate(
        state=DeskState.ACTIVE,
        equity=1,
        high_water_mark=1,
        drawdown=0,
        gross_exposure=0,
        net_exposure=0,
        leverage=0,
        volatility=volatility,
    )


def fill(agent: str) -> OrderExecution:
    return OrderExecution(
        client_order_id="o1",
        execution_id="e1",
        sequence=1,
        agent=agent,
        symbol="BTCUSDT",
        side="BUY",
        status="FILLED",
        quantity=1,
        filled_quantity=1,
        last_quantity=1,
        last_price=1,
        venue="paper",
    )


def control(action: ControlAction, **needs: Any) -> Control:
    return Control(action=action, issued_by="operator", **needs)


class Talk:
    """A desk that is told one message after the other."""

    def __init__(self, core: Coordination | None = None) -> None:
        self.core = core or Coordination("main", ROSTER)
        self.position = 0

    def hear(self, said: Message) -> list[Output]:
        self.position += 1
        micros = round(said.event_time.timestamp() * SECOND)
        return self.core.apply(LogEntry("main", self.position, False, micros, said))

    def verdict(self, said: Message) -> str:
        return rows(self.hear(said), "messages")[0].verdict


def rows(outputs: list[Output], table: str) -> list[Any]:
    values = [o.value for o in outputs if o.port == ROWS]
    one_by_one = [
        row for value in values for row in (value.rows if isinstance(value, Deliveries) else [value])
    ]
    return [row for row in one_by_one if isinstance(row, Row) and row.table == table]


def recipients(outputs: list[Output], port: str = "inbox") -> list[str | None]:
    return [o.value.recipient for o in outputs if o.port == port]


def as_lines(outputs: list[Output]) -> list[tuple[str, bytes]]:
    return [(o.port, orjson.dumps(orjson.loads(o.value.to_json()))) for o in outputs]
