"""Questions to agents, for tests."""

from decimal import Decimal
from typing import Any

from contracts.decisions import DecisionRequest
from contracts.roster import Roster, read_roster
from contracts.settings import Settings

CLOSES = tuple(round(100.0 + 0.4 * n + (0.05 if n % 2 else -0.05), 2) for n in range(30))


def roster() -> Roster:
    return read_roster(Settings().roster)


def question(agent: str = "deepseek-v3", **changes: Any) -> DecisionRequest:
    asked: dict[str, Any] = {
        "decision_id": "decision-1",
        "desk": "main",
        "agent": agent,
        "position": 1,
        "event_time": "2024-01-15T10:00:00Z",
        "snapshot_id": "snapshot-1",
        "symbol": "BTCUSDT",
        "bar_seconds": 60,
        "price": Decimal(str(CLOSES[-1])),
        "features": {"return_1": 0.001},
        "closes": CLOSES,
    }
    return DecisionRequest.model_validate(asked | changes)
