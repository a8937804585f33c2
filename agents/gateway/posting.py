"""From what an agent posts to a message that it really said: checked, signed, stamped with the time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.gateway.answers import WrongField
from agents.gateway.problems import Problem, fields_of, wrong_field, wrong_fields
from contracts.controls import MessageClass
from contracts.ids import new_id
from contracts.message import SCHEMA_VERSION, Message, MessageType
from contracts.model import DeskName, Name
from contracts.roster import Roster

MAY_BE_POSTED = tuple(
    kind for kind in MessageType if kind.message_class in (MessageClass.SIGNAL, MessageClass.CHATTER)
)
"""The types that an agent may post; the others come from the desk itself."""


class PostedMessage(BaseModel):
    """What an agent posts. `payload` is the object that `type` calls for.

    `sender` and `desk` may be told and must then be the token's own; `event_time` is the gateway's to tell.
    The same `message_id` is the same message, however often it is sent.
    """

    model_config = ConfigDict(extra="forbid")

    type: MessageType
    payload: dict[str, Any]
    recipient: Name | None = None
    message_id: Name | None = None
    correlation_id: Name | None = None
    sender: Name | None = None
    desk: DeskName | None = None
    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)


def message_of(posted: object, sender: str, roster: Roster, now: datetime) -> Message:
    """The message in `posted`, said by `sender` at `now`; raises `Problem`, which names the wrong field."""
    if not isinstance(posted, Mapping):
        raise wrong_field("body", f"a message is a JSON object, not {type(posted).__name__}")
    _check_type(posted.get("type"))
    if "event_time" in posted:
        raise wrong_field("event_time", "the gateway stamps the time: leave it out")
    try:
        said = PostedMessage.model_validate(posted)
    except ValidationError as error:
        raise wrong_fields(fields_of(error)) from None
    _check_who(said, sender, roster)
    try:
        payload = said.type.payload_model.model_validate(said.payload)
    except ValidationError as error:
        raise wrong_fields(fields_of(error, "payload")) from None
    return Message(
        message_id=said.message_id or new_id(now),
        desk=roster.desk,
        sender=sender,
        recipient=said.recipient,
        type=said.type,
        event_time=now,
        correlation_id=said.correlation_id,
        payload=payload,
    )


def _check_type(kind: object) -> None:
    if kind is None:
        raise wrong_field("type", f"missing; one of {', '.join(MAY_BE_POSTED)}")
    if not isinstance(kind, str) or kind not in set(MessageType):
        raise wrong_field("type", f"unknown type {str(kind)[:64]!r}; one of {', '.join(MAY_BE_POSTED)}")
    if kind not in MAY_BE_POSTED:
        reason = f"{kind} comes from the desk itself; an agent may post {', '.join(MAY_BE_POSTED)}"
        raise Problem(
            403, "Not an agent's to say", f"type: {reason}", [WrongField(field="type", reason=reason)]
        )


def _check_who(said: PostedMessage, sender: str, roster: Roster) -> None:
    if said.sender is not None and said.sender != sender:
        reason = f"the token is {sender}'s, so it cannot speak as {said.sender}"
        raise Problem(403, "Forged sender", f"sender: {reason}", [WrongField(field="sender", reason=reason)])
    if said.desk is not None and said.desk != roster.desk:
        raise wrong_field("desk", f"this is the gateway of desk {roster.desk}")
    if said.recipient is not None and said.recipient not in roster.by_agent:
        raise wrong_field("recipient", f"{said.recipient} is not on the roster")
    if said.recipient == sender:
        raise wrong_field("recipient", "an agent does not write to itself")
