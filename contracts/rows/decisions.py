"""Rows of the decisions job."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.model import Name
from contracts.payloads import Side
from contracts.rows.row import DeskRow


class DecisionRow(DeskRow):
    """What an agent decided."""

    table: ClassVar[str] = "decisions"
    about: ClassVar[str] = "what each model-backed agent decided, holds too"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    decision_id: Name
    agent: Name
    model: Name
    prompt: Name
    snapshot_id: Name
    symbol: Name
    side: Side
    confidence: float
    size_fraction: float
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    horizon_seconds: int
    outcome: Name
    rationale: str


class ModelCall(DeskRow):
    """One call of an endpoint, also one that failed."""

    table: ClassVar[str] = "model_calls"
    about: ClassVar[str] = "every call of an endpoint: model, prompt, latency, tokens, cost, outcome"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "endpoint")

    decision_id: Name
    agent: Name
    endpoint: Name
    model: Name
    prompt: Name
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: Annotated[
        Decimal | None,
        Field(description="by the tokens told; what was reserved when a call that was made told none"),
    ]
    outcome: Name
    error: str
    attempts: int = 1
    deadline_ms: float | None = None
