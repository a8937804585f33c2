"""Routes: what agents say, one message or many, and the seeds' verbs for the commonest kinds."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from agents.gateway.answers import Posted, PostedMany
from agents.gateway.bodies import json_body, takes
from agents.gateway.desk import Agent, Desk, GatewayDesk
from agents.gateway.posting import PostedMessage, message_of
from agents.gateway.problems import Problem, refusals, wrong_field
from agents.gateway.publisher import BufferFull, PublishFailed
from contracts.message import MessageType
from contracts.model import Name

router = APIRouter(tags=["messages"], responses=refusals(401, 403, 413, 422, 429, 503))

MOST_AT_ONCE = 100
"""Messages in one list."""

VERBS = {
    "signal": MessageType.HFT_SIGNAL,
    "thesis": MessageType.TRADE_THESIS,
    "discussion": MessageType.STRATEGY_DISCUSSION,
    "question": MessageType.QUESTION,
    "insight": MessageType.INSIGHT,
}
"""The seeds' verbs, each with the type of message that it says."""


@router.post("/messages", openapi_extra=takes(PostedMessage, many=True))
async def post_messages(request: Request, agent: Agent, desk: Desk) -> Posted | PostedMany:
    """Say one message or a list. Each is published or refused for itself; the answer keeps the order."""
    body = await _counted_body(request, desk)
    if not isinstance(body, list):
        return await _say(body, agent, desk)
    if len(body) > MOST_AT_ONCE:
        _refuse_all(desk)
        raise wrong_field("body", f"{len(body)} messages; send at most {MOST_AT_ONCE} at once")
    return PostedMany(results=[await _say_or_refuse(posted, agent, desk) for posted in body])


def _verb(kind: MessageType) -> Callable[..., Awaitable[Posted]]:
    async def say(
        request: Request,
        agent: Agent,
        desk: Desk,
        recipient: Annotated[Name | None, Query(description="one agent; without it, everyone")] = None,
        correlation_id: Annotated[Name | None, Query(description="what it follows from")] = None,
        message_id: Annotated[Name | None, Query(description="makes sending it again harmless")] = None,
    ) -> Posted:
        payload = await _counted_body(request, desk)
        posted = {
            "type": kind,
            "payload": payload,
            "recipient": recipient,
            "correlation_id": correlation_id,
            "message_id": message_id,
        }
        return await _say(posted, agent, desk)

    return say


for _name, _kind in VERBS.items():
    router.add_api_route(
        f"/{_name}",
        _verb(_kind),
        methods=["POST"],
        name=f"say_{_name}",
        summary=f"Say {_kind}",
        description=f"The body is the payload of {_kind}; the same as POST /messages with that type.",
        openapi_extra=takes(_kind.payload_model),
    )


async def _say(posted: Any, agent: str, desk: GatewayDesk) -> Posted:
    """Publish one posted message; raises the `Problem` for which it is refused. It is counted either way."""
    desk.measures.posted += 1
    try:
        message = message_of(posted, agent, desk.roster, desk.clock.now())
        await desk.publisher.publish(message)
    except Problem:
        desk.measures.refused += 1
        raise
    except BufferFull as full:
        desk.measures.refused += 1
        raise Problem(429, "Too much at once", str(full), retry_after=full.retry_after) from None
    except PublishFailed as failed:
        desk.measures.refused += 1
        raise Problem(503, "Not published", f"{failed}; send it again", retry_after=1.0) from None
    desk.measures.published += 1
    return Posted(message_id=message.message_id, status="published")


async def _say_or_refuse(posted: Any, agent: str, desk: GatewayDesk) -> Posted:
    try:
        return await _say(posted, agent, desk)
    except Problem as problem:
        told = posted.get("message_id") if isinstance(posted, dict) else None
        message_id = told if isinstance(told, str) else None
        return Posted(message_id=message_id, status="refused", problem=problem.body)


async def _counted_body(request: Request, desk: GatewayDesk) -> Any:
    """The body's JSON; one that cannot be read counts as one message, refused."""
    try:
        return await json_body(request)
    except Problem:
        _refuse_all(desk)
        raise


def _refuse_all(desk: GatewayDesk) -> None:
    desk.measures.posted += 1
    desk.measures.refused += 1
