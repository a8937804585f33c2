"""Calls of the gateway, without a connection: what to send, and how to read what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError
from tenacity import RetryCallState

from agents.client.errors import BackPressure, Refused, Unreachable
from agents.gateway.answers import (
    AgentActivity,
    AgentGuidance,
    AgentRole,
    Alive,
    InboxAcknowledged,
    InboxMessages,
    ParticipationCheck,
    PortfolioStatus,
    Posted,
    ProblemBody,
    Registered,
    TradeValidation,
)
from contracts.ids import new_id
from contracts.message import Message, MessageType
from contracts.model import Contract
from contracts.payloads import Heartbeat
from contracts.risk.trade_question import TradeQuestion
from contracts.time import Clock

Answer = TypeVar("Answer")
Model = TypeVar("Model", bound=BaseModel)

_TYPES = {kind.payload_model: kind for kind in MessageType}


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[bytes], Answer]
    body: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    waits: float = 0.0


def register(software: str) -> Call[Registered]:
    """Tell the desk that the agent is there."""
    return Call("POST", "/register", _reads(Registered), body={"software": software})


def heartbeat(beat: Heartbeat) -> Call[Alive]:
    """A sign of life."""
    return Call("POST", "/heartbeat", _reads(Alive), body=beat.model_dump(mode="json"))


def send(
    payload: Contract,
    clock: Clock,
    recipient: str | None,
    correlation_id: str | None,
    message_id: str | None,
) -> Call[Posted]:
    """Say something; its id is made here, so that a retry is the same message."""
    body = {
        "message_id": message_id or new_id(clock.now()),
        "type": _TYPES[type(payload)],
        "recipient": recipient,
        "correlation_id": correlation_id,
        "payload": payload.model_dump(mode="json"),
    }
    return Call("POST", "/messages", _reads(Posted), body=body)


def inbox(agent: str, wait: float, most: int) -> Call[list[Message]]:
    """Take what waits."""

    def read(content: bytes) -> list[Message]:
        return [
            Message.model_validate(found) for found in InboxMessages.model_validate_json(content).messages
        ]

    return Call("GET", f"/inbox/{agent}", read, params={"wait": wait, "max": most}, waits=wait)


def ack(agent: str, messages: Sequence[Message | str]) -> Call[InboxAcknowledged]:
    """Be done with messages."""
    return Call("POST", f"/inbox/{agent}/ack", _reads(InboxAcknowledged), body=acknowledgement(messages))


def acknowledgement(messages: Sequence[Message | str]) -> dict[str, Any]:
    """What says that an agent is done with messages: each with its sender, because two senders may use the same id."""
    return {
        "message_ids": [
            said if isinstance(said, str) else {"message_id": said.message_id, "sender": said.sender}
            for said in messages
        ]
    }


def guidance(agent: str) -> Call[AgentGuidance]:
    """What the portfolio asks of an agent."""
    return Call("GET", f"/agent/{agent}/guidance", _reads(AgentGuidance))


def activity() -> Call[dict[str, AgentActivity]]:
    """How active everyone is."""
    return Call("GET", "/agent-activity", TypeAdapter(dict[str, AgentActivity]).validate_json)


def participation_check(
    agent: str, kind: MessageType, about: Mapping[str, str | float | None]
) -> Call[ParticipationCheck]:
    """What would become of a message."""
    params = {"type": str(kind)} | {name: value for name, value in about.items() if value is not None}
    return Call("GET", f"/agent/{agent}/participation-check", _reads(ParticipationCheck), params=params)


def validate_trade(agent: str, question: TradeQuestion) -> Call[TradeValidation]:
    """Whether a trade would pass."""
    body = question.model_dump(mode="json", exclude_none=True)
    return Call("POST", f"/agent/{agent}/validate-trade", _reads(TradeValidation), body=body)


def roles() -> Call[dict[str, AgentRole]]:
    """Everyone on the desk."""
    return Call("GET", "/agent-roles", TypeAdapter(dict[str, AgentRole]).validate_json)


def portfolio() -> Call[PortfolioStatus]:
    """The desk's book."""
    return Call("GET", "/portfolio-status", _reads(PortfolioStatus))


def answer_in(response: httpx.Response, call: Call[Answer]) -> Answer:
    """The answer in a response; raises `Refused`, `BackPressure` or `Unreachable`."""
    if response.is_success:
        try:
            return call.read(response.content)
        except ValidationError as error:
            raise Unreachable(f"{call.path} was answered with something else: {error}") from None
    try:
        problem = ProblemBody.model_validate_json(response.content)
    except ValidationError:
        problem = ProblemBody(title="?", status=response.status_code, detail=response.reason_phrase)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise BackPressure(problem.retry_after or 1.0)
    if response.is_server_error:
        raise Unreachable(f"{call.path}: {problem.detail}")
    raise Refused(response.status_code, problem.detail, problem.errors)


def pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: what the gateway asks for, else 0.2, 0.4, 0.8 ... up to 5."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, BackPressure):
        return failure.retry_after
    return float(min(5.0, 0.2 * 2 ** (state.attempt_number - 1)))


def _reads(model: type[Model]) -> Callable[[bytes], Model]:
    return model.model_validate_json
