"""Controls: how people and the launcher change a running desk, by a message in the desk's own log."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from contracts.model import Contract, Name, Text, Unit
from contracts.risk.limits import checked_changes


class MessageClass(StrEnum):
    """How coordination treats a message: critical ones always pass, signals and chatter have budgets."""

    __hash__ = str.__hash__  # an Enum's own is written in Python, and every message is looked up by its class

    CRITICAL = "critical"
    SIGNAL = "signal"
    CHATTER = "chatter"
    RECORD = "record"


class Goal(StrEnum):
    """What the portfolio is steered towards."""

    MAXIMUM_PROFIT = "maximum_profit"
    CONSISTENT_RETURNS = "consistent_returns"
    RISK_ADJUSTED_RETURNS = "risk_adjusted_returns"
    VOLATILITY_HARVESTING = "volatility_harvesting"
    MARKET_NEUTRAL = "market_neutral"


class ControlAction(StrEnum):
    """What a control does."""

    THRESHOLD = "threshold"
    BUDGET = "budget"
    MUTE = "mute"
    UNMUTE = "unmute"
    GOAL = "goal"
    LIMITS = "limits"
    KILL = "kill"
    RELEASE = "release"
    RESTORE = "restore"


class Budget(Contract):
    """A message budget: on average one message in `seconds_per_message` (to the microsecond), at most `burst` at once.

    An agent that spent its burst has all of it back after burst x seconds_per_message.
    """

    seconds_per_message: Annotated[float, Field(ge=0.000_001, le=86_400)]
    burst: Annotated[int, Field(ge=1, le=10_000)]


LimitChanges = Annotated[dict[str, Decimal | None], AfterValidator(checked_changes)]
"""Limits of a desk by their names in contracts/risk/limits.py, each with its new value."""


class Control(Contract):
    """One change, who asked for it and why.

    | action | needs | effect |
    | --- | --- | --- |
    | threshold | agent, threshold | the agent's participation threshold |
    | budget | agent, message_class (signal or chatter), budget | the agent's message budget |
    | mute, unmute | agent | its signals and chatter are refused, or heard again |
    | goal | goal | what the portfolio is steered towards |
    | limits | limits | the desk's limits that are named, and no others, until they are changed again |
    | kill, release | - | no new risk until released |
    | restore | core, state | the state that a job starts from, as its core wrote it |
    """

    action: ControlAction
    issued_by: Name
    reason: Text = ""
    agent: Name | None = None
    threshold: Unit | None = None
    message_class: MessageClass | None = None
    budget: Budget | None = None
    goal: Goal | None = None
    limits: LimitChanges | None = None
    flatten: bool = False
    core: Name | None = None
    state: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_what_its_action_needs(self) -> Self:
        missing = [field for field in _NEEDS.get(self.action, ()) if getattr(self, field) is None]
        if missing:
            raise ValueError(f"a {self.action} control needs {', '.join(missing)}")
        if self.message_class in (MessageClass.CRITICAL, MessageClass.RECORD):
            raise ValueError(f"{self.message_class} messages have no budget: give signal or chatter")
        return self


_NEEDS: dict[ControlAction, tuple[str, ...]] = {
    ControlAction.THRESHOLD: ("agent", "threshold"),
    ControlAction.BUDGET: ("agent", "message_class", "budget"),
    ControlAction.MUTE: ("agent",),
    ControlAction.UNMUTE: ("agent",),
    ControlAction.GOAL: ("goal",),
    ControlAction.LIMITS: ("limits",),
    ControlAction.RESTORE: ("core", "state"),
}
