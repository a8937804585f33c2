"""The message: what travels on every topic except market-data and rows."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from contracts import bookings
from contracts import payloads as said
from contracts.controls import Control, MessageClass
from contracts.ids import derived_id, new_id
from contracts.model import Contract, DeskName, Name
from contracts.time import UtcTime

SCHEMA_VERSION = 1
"""Raised when a message changes in a way that an older reader would misread; a reader refuses what is newer than itself."""


class MessageType(StrEnum):
    """Every kind of message; the table in DESIGN section 3 says how each is treated."""

    __hash__ = str.__hash__  # an Enum's own is written in Python, and every message is looked up by its type

    RISK_UPDATE = "RISK_UPDATE"
    ORDER_EXECUTION = "ORDER_EXECUTION"
    PORTFOLIO_REBALANCE = "PORTFOLIO_REBALANCE"
    GUIDANCE = "GUIDANCE"
    CONTROL = "CONTROL"

    HFT_SIGNAL = "HFT_SIGNAL"
    PROPOSAL = "PROPOSAL"
    STRATEGY_ADJUSTMENT = "STRATEGY_ADJUSTMENT"
    MARKET_DATA = "MARKET_DATA"

    TRADE_THESIS = "TRADE_THESIS"
    STRATEGY_DISCUSSION = "STRATEGY_DISCUSSION"
    INSIGHT = "INSIGHT"
    QUESTION = "QUESTION"
    RESPONSE = "RESPONSE"
    CRITIQUE = "CRITIQUE"
    CONSENSUS = "CONSENSUS"
    HEARTBEAT = "HEARTBEAT"

    SNAPSHOT = "SNAPSHOT"
    MARK = "MARK"
    DECISION = "DECISION"
    REASONING = "REASONING"
    USAGE = "USAGE"
    POSITION = "POSITION"
    FUNDING = "FUNDING"
    LEDGER = "LEDGER"

    @property
    def message_class(self) -> MessageClass:
        """How coordination treats it."""
        return _KINDS[self][0]

    @property
    def payload_model(self) -> type[Contract]:
        """The model of what it says."""
        return _KINDS[self][1]


_KINDS: dict[MessageType, tuple[MessageClass, type[Contract]]] = {
    MessageType.RISK_UPDATE: (MessageClass.CRITICAL, said.RiskUpdate),
    MessageType.ORDER_EXECUTION: (MessageClass.CRITICAL, said.OrderExecution),
    MessageType.PORTFOLIO_REBALANCE: (MessageClass.CRITICAL, said.PortfolioRebalance),
    MessageType.GUIDANCE: (MessageClass.CRITICAL, said.Guidance),
    MessageType.CONTROL: (MessageClass.CRITICAL, Control),
    MessageType.HFT_SIGNAL: (MessageClass.SIGNAL, said.HftSignal),
    MessageType.PROPOSAL: (MessageClass.SIGNAL, said.Proposal),
    MessageType.STRATEGY_ADJUSTMENT: (MessageClass.SIGNAL, said.StrategyAdjustment),
    MessageType.MARKET_DATA: (MessageClass.SIGNAL, said.AgentMarketData),
    MessageType.TRADE_THESIS: (MessageClass.CHATTER, said.TradeThesis),
    MessageType.STRATEGY_DISCUSSION: (MessageClass.CHATTER, said.StrategyDiscussion),
    MessageType.INSIGHT: (MessageClass.CHATTER, said.Insight),
    MessageType.QUESTION: (MessageClass.CHATTER, said.Question),
    MessageType.RESPONSE: (MessageClass.CHATTER, said.Response),
    MessageType.CRITIQUE: (MessageClass.CHATTER, said.Critique),
    MessageType.CONSENSUS: (MessageClass.CHATTER, said.Consensus),
    MessageType.HEARTBEAT: (MessageClass.CHATTER, said.Heartbeat),
    MessageType.SNAPSHOT: (MessageClass.RECORD, said.Snapshot),
    MessageType.MARK: (MessageClass.RECORD, said.Mark),
    MessageType.DECISION: (MessageClass.RECORD, said.Decision),
    MessageType.REASONING: (MessageClass.RECORD, said.Reasoning),
    MessageType.USAGE: (MessageClass.RECORD, said.Usage),
    MessageType.POSITION: (MessageClass.RECORD, said.Position),
    MessageType.FUNDING: (MessageClass.RECORD, bookings.Funding),
    MessageType.LEDGER: (MessageClass.RECORD, bookings.LedgerReport),
}

_TYPES = {model: kind for kind, (_, model) in _KINDS.items()}

_PAYLOADS: dict[MessageType, Callable[[Any], Contract]] = {
    kind: model.__pydantic_validator__.validate_python for kind, (_, model) in _KINDS.items()
}


class Message(Contract):
    """Something said on a desk: by whom, to whom (None is everyone), when, and what.

    `event_time` is when it happened to its sender and decides about everything; `correlation_id` is the message_id or
    decision_id that it follows from. The payload's model is the one that `type` names.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)
    message_id: Name
    desk: DeskName
    sender: Name
    recipient: Name | None = None
    type: MessageType
    event_time: UtcTime
    correlation_id: Name | None = None
    payload: SerializeAsAny[Contract]

    @field_validator("payload", mode="plain")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Contract:
        kind: MessageType | None = info.data.get("type")
        if kind is None:
            raise ValueError("the payload cannot be read without a known type")
        return _PAYLOADS[kind](value)

    @property
    def message_class(self) -> MessageClass:
        """How coordination treats it."""
        return self.type.message_class

    @property
    def symbol(self) -> str | None:
        """The symbol that it is about, if it is about one."""
        return self.payload.__dict__.get("symbol")

    def to(self, recipient: str) -> Self:
        """A copy addressed to one recipient, with the same message_id."""
        return self.of_valid({**self.__dict__, "recipient": recipient})


def said_by(
    sender: str,
    payload: Contract,
    *,
    desk: str,
    event_time: UtcTime,
    recipient: str | None = None,
    correlation_id: str | None = None,
    derived_from: tuple[str, ...] = (),
) -> Message:
    """A new message around `payload`, its type told by the payload's class.

    With `derived_from` the message_id follows from those parts, so that a replay says it again with the same id; jobs
    always give it. Without, the id is fresh.
    """
    kind = _TYPES[type(payload)]
    parts = (desk, sender, kind, *derived_from)
    return Message(
        message_id=derived_id(event_time, *parts) if derived_from else new_id(event_time),
        desk=desk,
        sender=sender,
        recipient=recipient,
        type=kind,
        event_time=event_time,
        correlation_id=correlation_id,
        payload=payload,
    )
