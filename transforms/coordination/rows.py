"""The rows of coordination: what became of a message, of each possible delivery, and of a control.

They are made of values that were checked when the message was read, so they are not checked again.
"""

from enum import StrEnum

from contracts.controls import Control
from contracts.coordination.participation import DeliveryVerdict
from contracts.message import Message
from contracts.rows.communication import ControlRow, DeliveryRow, MessageRow
from transforms.core import ROWS, Output
from transforms.log import LogEntry

_MOST_ID = 64


class Verdict(StrEnum):
    """What became of a message."""

    ADMITTED = "admitted"
    THROTTLED = "throttled"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


def message_row(entry: LogEntry, verdict: Verdict, reason: str, wait: int, activity: float) -> Output:
    """What became of the message; `wait` in microseconds, `activity` the sender's score that the verdict went by."""
    message: Message = entry.value
    row = MessageRow.of_valid(
        row_id=_row_id(entry),
        event_time=message.event_time,
        desk=message.desk,
        position=entry.position,
        message_id=message.message_id,
        sender=message.sender,
        recipient=message.recipient,
        type=message.type,
        message_class=message.message_class,
        symbol=message.symbol,
        correlation_id=message.correlation_id,
        verdict=verdict,
        reason=reason,
        retry_after_seconds=wait / 1e6 if wait else None,
        late=entry.late,
        activity_score=activity,
        payload=message.payload.to_json().decode(),
    )
    return Output(ROWS, row)


def delivery_rows(entry: LogEntry, verdicts: list[tuple[str, DeliveryVerdict]]) -> list[Output]:
    """A row for each possible recipient of the message."""
    if not verdicts:
        return []
    row_id = _row_id(entry)
    row = _delivery_row(entry, row_id, *verdicts[0])
    outputs = [Output(ROWS, row)]
    changed = row.with_valid
    for recipient, (delivered, reason, relevance, threshold) in verdicts[1:]:
        row = changed(
            row_id=f"{row_id}.{recipient}"[:_MOST_ID],
            recipient=recipient,
            delivered=delivered,
            reason=reason,
            relevance=relevance,
            threshold=threshold,
        )
        outputs.append(Output(ROWS, row))
    return outputs


def _delivery_row(entry: LogEntry, row_id: str, recipient: str, verdict: DeliveryVerdict) -> DeliveryRow:
    message: Message = entry.value
    return DeliveryRow.of_valid(
        row_id=f"{row_id}.{recipient}"[:_MOST_ID],
        event_time=message.event_time,
        desk=message.desk,
        position=entry.position,
        message_id=message.message_id,
        sender=message.sender,
        recipient=recipient,
        type=message.type,
        message_class=message.message_class,
        delivered=verdict.delivered,
        reason=verdict.reason,
        relevance=verdict.relevance,
        threshold=verdict.threshold,
    )


def control_row(entry: LogEntry, control: Control, before: str, after: str) -> Output:
    """Who changed what, from what to what (JSON)."""
    message: Message = entry.value
    row = ControlRow(
        row_id=_row_id(entry),
        event_time=message.event_time,
        desk=message.desk,
        position=entry.position,
        message_id=message.message_id,
        action=control.action,
        issued_by=control.issued_by,
        agent=control.agent,
        before=before,
        after=after,
        reason=control.reason,
    )
    return Output(ROWS, row)


def _row_id(entry: LogEntry) -> str:
    return f"{entry.event_micros:014x}-{entry.key}-{entry.position}"
