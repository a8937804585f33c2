"""Rows of the coordination job, and of export's windows over them."""

from typing import Annotated, ClassVar

import orjson
from pydantic import Field

from contracts.controls import MessageClass
from contracts.message import MessageType
from contracts.model import Contract, Name
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


class Deliveries(Contract):
    """The delivery rows of one message side by side: what they share is kept, and written, once.

    Deliveries are half of all rows, and those of a message differ in six of thirteen fields. `verdicts` hold recipient,
    delivered, reason, relevance and threshold; the id of each row is `row_id` and its recipient.
    """

    row_id: Name
    event_time: UtcTime
    desk: Name
    position: int
    message_id: Name
    sender: Name
    type: MessageType
    message_class: MessageClass
    verdicts: tuple[tuple[Name, bool, str, float, float], ...]

    @property
    def rows(self) -> list[DeliveryRow]:
        """The rows one by one."""
        return [DeliveryRow.from_json(row) for row in self.rows_as_json()]

    def rows_as_json(self) -> list[bytes]:
        """The rows one by one, as `DeliveryRow.to_json` writes them."""
        any_of_them = DeliveryRow.of_valid(
            {
                "row_id": "",
                "event_time": self.event_time,
                "desk": self.desk,
                "position": self.position,
                "message_id": self.message_id,
                "sender": self.sender,
                "recipient": "",
                "type": self.type,
                "message_class": self.message_class,
                "delivered": False,
                "reason": "",
                "relevance": 0.0,
                "threshold": 0.0,
            }
        ).to_json()
        opening, rest = any_of_them.split(b'"",', 1)
        until_recipient, rest = rest.split(b'"recipient":"",', 1)
        until_verdict, _ = rest.split(b'"delivered"', 1)
        return [
            b'%s"%s",%s"recipient":"%s",%s%s'
            % (
                opening,
                f"{self.row_id}.{recipient}"[:_MOST_ID].encode(),
                until_recipient,
                recipient.encode(),
                until_verdict,
                orjson.dumps(
                    {"delivered": delivered, "reason": reason, "relevance": relevance, "threshold": threshold}
                )[1:],
            )
            for recipient, delivered, reason, relevance, threshold in self.verdicts
        ]


_MOST_ID = 64


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


class ThresholdSuggestion(DeskRow):
    """Another participation threshold that the tuner would give an agent."""

    table: ClassVar[str] = "threshold_suggestions"
    about: ClassVar[str] = "participation thresholds as the tuner would have them, from market and activity"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent")

    agent: Name
    threshold: Annotated[float, Field(description="in force")]
    suggested: float
    regime: Annotated[float, Field(description="the market's volatility over its usual one")]
    activity: Annotated[float, Field(description="the agent's activity over the desk's mean")]
    applied: Annotated[bool, Field(description="whether a control asks for it too")]
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
