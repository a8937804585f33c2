"""The rows of coordination: what became of a message, of each possible delivery, of a control, and what the tuner thinks.

They are made of values that were checked when the message was read, so they are not checked again.
"""

from enum import StrEnum

from contracts.controls import Control
from contracts.coordination.participation import DeliveryVerdict
from contracts.ids import derived_id
from contracts.message import Message
from contracts.rows.communication import ControlRow, Deliveries, MessageRow, ThresholdSuggestion
from transforms.coordination.tuner import Suggestion
from transforms.core import ROWS, Output
from transforms.log import LogEntry


class Verdict(StrEnum):
    """What became of a message."""

    ADMITTED = "admitted"
    THROTTLED = "throttled"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


def message_row(entry: LogEntry, verdict: Verdict, reason: str, wait: int, activity: float) -> MessageRow:
    """What became of the message; `wait` in microseconds, `activity` the sender's score that the verdict went by."""
    message: Message = entry.value
    return MessageRow.of_valid(
        {
            "row_id": _row_id(entry),
            "event_time": message.event_time,
            "desk": message.desk,
            "position": entry.position,
            "message_id": message.message_id,
            "sender": message.sender,
            "recipient": message.recipient,
            "type": message.type,
            "message_class": message.message_class,
            "symbol": message.symbol,
            "correlation_id": message.correlation_id,
            "verdict": verdict,
            "reason": reason,
            "retry_after_seconds": wait / 1e6 if wait else None,
            "late": entry.late,
            "activity_score": activity,
            "payload": message.payload.to_json().decode(),
        }
    )


def delivery_rows(message: MessageRow, verdicts: list[DeliveryVerdict]) -> Deliveries:
    """A row for each possible recipient of the message that has this row, all of them in one value."""
    return Deliveries.of_valid(
        {
            "row_id": message.row_id,
            "event_time": message.event_time,
            "desk": message.desk,
            "position": message.position,
            "message_id": message.message_id,
            "sender": message.sender,
            "type": message.type,
            "message_class": message.message_class,
            "verdicts": tuple(verdicts),
        }
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


def suggestion_row(entry: LogEntry, suggestion: Suggestion, applied: bool) -> Output:
    """What the tuner thinks of an agent's threshold."""
    message: Message = entry.value
    row = ThresholdSuggestion(
        row_id=derived_id(message.event_time, ThresholdSuggestion.table, _row_id(entry), suggestion.agent),
        event_time=message.event_time,
        desk=message.desk,
        position=entry.position,
        agent=suggestion.agent,
        threshold=suggestion.threshold,
        suggested=suggestion.suggested,
        regime=suggestion.regime,
        activity=suggestion.activity,
        applied=applied,
        reason=suggestion.reason,
    )
    return Output(ROWS, row)


def _row_id(entry: LogEntry) -> str:
    return f"{entry.event_micros:014x}-{entry.key}-{entry.position}"
