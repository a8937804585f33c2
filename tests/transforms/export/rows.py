"""Rows as coordination writes them, for the tests of export."""

from datetime import UTC, datetime, timedelta

from contracts.controls import MessageClass
from contracts.message import MessageType
from contracts.rows.communication import DeliveryRow, MessageRow
from contracts.rows.row import Row
from contracts.time import to_micros
from transforms.log import LogEntry

T0 = datetime(2024, 1, 15, 10, 0, tzinfo=UTC)


def message_row(
    seconds: float, sender: str = "qwen-7b", verdict: str = "admitted", number: int = 1
) -> MessageRow:
    """A message that `sender` sent so many seconds after T0."""
    return MessageRow(
        row_id=f"m-{number}",
        event_time=T0 + timedelta(seconds=seconds),
        desk="main",
        position=number,
        message_id=f"id-{number}",
        sender=sender,
        recipient=None,
        type=MessageType.INSIGHT,
        message_class=MessageClass.CHATTER,
        symbol="BTCUSDT",
        correlation_id=None,
        verdict=verdict,
        reason="",
        retry_after_seconds=None,
        late=False,
        activity_score=1.25,
        payload='{"insight":"x","confidence":0.5,"symbol":"BTCUSDT"}',
    )


def delivery_row(seconds: float, recipient: str, delivered: bool, number: int = 1) -> DeliveryRow:
    """A delivery, or a suppression, so many seconds after T0."""
    return DeliveryRow(
        row_id=f"d-{number}",
        event_time=T0 + timedelta(seconds=seconds),
        desk="main",
        position=number,
        message_id=f"id-{number}",
        sender="qwen-7b",
        recipient=recipient,
        type=MessageType.INSIGHT,
        message_class=MessageClass.CHATTER,
        delivered=delivered,
        reason="relevant" if delivered else "not_relevant",
        relevance=0.5,
        threshold=0.4,
    )


def entry(row: Row, position: int = 1) -> LogEntry:
    """The row at a place in the log of its desk's windows."""
    return LogEntry("windows/main", position, False, to_micros(row.event_time), row)
