"""What could not be taken in: the reason, the error and what it was."""

import json
from enum import StrEnum

from pydantic import ValidationError

from contracts.ids import derived_id
from contracts.message import SCHEMA_VERSION, Message, MessageType
from contracts.model import Contract, Name
from contracts.time import UtcTime

MAX_MESSAGE_BYTES = 1_000_000
"""A message larger than this is refused: the largest honest one is a few kilobytes."""

KEPT_BYTES = 4_096
"""So much of what was refused is kept in its dead letter."""


class Reason(StrEnum):
    """Why something was refused."""

    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_FIELD = "wrong_field"
    FUTURE_SCHEMA = "future_schema"
    TOO_LARGE = "too_large"
    WRONG_TOPIC = "wrong_topic"
    NOT_MARKET_DATA = "not_market_data"
    UNKNOWN_TABLE = "unknown_table"
    BAD_ANSWER = "bad_answer"
    CALL_FAILED = "call_failed"
    ORDER_FAILED = "order_failed"
    ROW_REFUSED = "row_refused"


class Refusal(ValueError):
    """Raised where input is read: says the reason and, in one line, what is wrong and where."""

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.reason = reason
        self.error = error


class DeadLetter(Contract):
    """One refused input: a row in dead_letters and a message on the dead-letters topic.

    `payload` holds its first 4 KiB as text; `size` is the length of the whole. `event_time` is the input's own when it
    could be read, else the time at which Pub/Sub took it.
    """

    dead_letter_id: Name
    job: Name
    stage: Name
    reason: Reason
    error: str
    event_time: UtcTime
    size: int
    payload: str
    attributes: str = "{}"


def dead_letter(
    job: str,
    stage: str,
    refusal: Refusal,
    data: bytes,
    event_time: UtcTime,
    attributes: dict[str, str] | None = None,
) -> DeadLetter:
    """The dead letter for `data`, with an id that follows from what was refused where."""
    return DeadLetter(
        dead_letter_id=derived_id(
            event_time, job, stage, refusal.reason, data[:KEPT_BYTES].hex(), str(len(data))
        ),
        job=job,
        stage=stage,
        reason=refusal.reason,
        error=refusal.error[:1_000],
        event_time=event_time,
        size=len(data),
        payload=data[:KEPT_BYTES].decode("utf-8", "replace"),
        attributes=json.dumps(attributes or {}, sort_keys=True),
    )


def read_message(data: bytes) -> Message:
    """The message in `data`; raises `Refusal` with the reason when there is none that we understand."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"{len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        message = Message.from_json(data)
    except ValidationError as error:
        raise _refusal_of(data, error) from None
    if message.schema_version > SCHEMA_VERSION:
        raise Refusal(Reason.FUTURE_SCHEMA, _too_new(message.schema_version))
    return message


def _refusal_of(data: bytes, error: ValidationError) -> Refusal:
    """Tell the most telling reason: a message from the future may well have fields and types that we do not know."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as not_json:
        return Refusal(Reason.NOT_JSON, str(not_json))
    if not isinstance(content, dict):
        return Refusal(Reason.WRONG_FIELD, f"a message is a JSON object, not a {type(content).__name__}")
    version = content.get("schema_version", 1)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        return Refusal(Reason.FUTURE_SCHEMA, _too_new(version))
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in set(MessageType):
        return Refusal(Reason.UNKNOWN_TYPE, f"unknown type {kind!r}; known are {', '.join(MessageType)}")
    return Refusal(Reason.WRONG_FIELD, describe(error))


def describe(error: ValidationError) -> str:
    """What pydantic found, in one line: `field: what is wrong; field: ...`."""
    found = (
        f"{'.'.join(str(part) for part in e['loc']) or 'value'}: {e['msg']}"
        for e in error.errors(include_url=False)
    )
    return "; ".join(found)


def _too_new(version: int) -> str:
    return f"schema_version {version}; this reader knows up to {SCHEMA_VERSION}: update the job"
