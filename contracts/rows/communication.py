"""Rows of the coordination job, and of export's windows over them."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.controls import MessageClass
from contracts.message import MessageType
from contracts.model import Name
from contracts.rows.row import DeskRow, JsonText, Row
from contracts.time import UtcTime


class MessageRow(DeskRow):
    """A message as coordination took it, with the throttle's verdict."""

    table: ClassVar[str] = "messages"
    about: ClassVar[str] = "every message that reached coordination, with the throttle's verdict"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "sender", "type")

    message_id: Name
    sender: Name
    recipient: Name | None
    type: MessageType
    message_class: MessageClass
    symbol: Name | None
    correlation_id: Name | None
    verdict: Name
    reason: str
    retry_after_seconds: float | None
    late: bool
    activity_score: float
    payload: JsonText


class DeliveryRow(DeskRow):
    """The participation verdict for one message and one possible recipient."""

    table: ClassVar[str] = "deliveries"
    about: ClassVar[str] = "for each admitted message and possible recipient: delivered or not, and why"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "recipient", "sender")

    message_id: Name
    sender: Name
    recipient: Name
    type: MessageType
    message_class: MessageClass
    delivered: bool
    reason: str
    relevance: float
    threshold: float


class ControlRow(DeskRow):
    """A change to the desk, as it took effect."""

    table: ClassVar[str] = "controls"
    about: ClassVar[str] = "who changed what on the desk, when, from what to what"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "action")

    message_id: Name
    action: Name
    issued_by: Name
    agent: Name | None
    before: JsonText
    after: JsonText
    reason: str


class CommunicationMetric(Row):
    """What one agent said and heard in one window.

    A window that was written and then met late rows has further rows: the counts of a window's rows add up.
    """

    table: ClassVar[str] = "communication_metrics"
    about: ClassVar[str] = (
        "messages sent, throttled, delivered and suppressed, by agent and window of 10 s and of 1 min"
    )
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent")

    desk: Name
    agent: Name
    window_start: UtcTime
    window_seconds: int
    sent: int
    admitted: int
    refused: Annotated[int, Field(default=0, description="refused or repeated")]
    throttled: int
    throttled_signals: int = 0
    throttled_chatter: int = 0
    delivered: Annotated[int, Field(description="copies that it received")]
    suppressed: Annotated[int, Field(description="copies that it did not receive")]
    suppressed_not_relevant: int = 0
    suppressed_sender_too_active: int = 0
    activity_score: Annotated[float, Field(description="its last one in the window; 0 when it said nothing")]
    threshold: Annotated[
        float | None,
        Field(default=None, description="its effective threshold at the last broadcast in the window"),
    ]
    latency_p50_ms: Annotated[
        float | None,
        Field(default=None, description="from its sending a message to the verdict; null in a bounded run"),
    ]
    latency_p99_ms: float | None = None
