"""Routes: what agents say, one message or many, and the seeds' verbs for the commonest kinds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from agents.gateway.answers import Posted, PostedMany
from agents.gateway.bodies import json_body, takes
from agents.gateway.desk import Agent, Desk, GatewayDesk
from agents.gateway.posting import PostedMessage, message_of
from agents.gateway.problems import Problem, refusals, wrong_field
from agents.gateway.saying import say
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
    """Say one message or a list. Each is published or refused for itself; the answer keeps the order.

    A list of which nothing was taken, and that may be sent again, is refused whole: 429 or 503 with Retry-After.
    """
    body = await _counted_body(request, desk)
    if not isinstance(body, list):
        return await _Line(agent, desk).say(body)
    if len(body) > MOST_AT_ONCE:
        with desk.measures.counted():
            raise wrong_field("body", f"{len(body)} messages; send at most {MOST_AT_ONCE} at once")
    return await _Line(agent, desk).say_each(body)


def _verb(kind: MessageType) -> Callable[..., Awaitable[Posted]]:
    async def verb(
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
        return await _Line(agent, desk).say(posted)

    return verb


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


class _Line:
    """What one request says, one message after the other: behind one that did not fit, none is handed over.

    So what was refused can be sent again, and is still in its order.
    """

    def __init__(self, agent: str, desk: GatewayDesk) -> None:
        self._agent = agent
        self._desk = desk
        self._full: Problem | None = None

    async def say(self, posted: Any) -> Posted:
        """Publish one posted message; raises the `Problem` for which it is refused. It is counted either way."""
        with self._desk.measures.counted():
            message = message_of(posted, self._agent, self._desk.roster, self._desk.clock.now())
            if self._full is not None:
                raise self._full
            try:
                await say(message, self._desk)
            except Problem as problem:
                if problem.body.status == 429:
                    self._full = problem
                raise
        return Posted(message_id=message.message_id, status="published")

    async def say_or_refuse(self, posted: Any) -> Posted:
        """The same, and a refusal is an answer too."""
        try:
            return await self.say(posted)
        except Problem as problem:
            told = posted.get("message_id") if isinstance(posted, dict) else None
            message_id = told if isinstance(told, str) else None
            return Posted(message_id=message_id, status="refused", problem=problem.body)

    async def say_each(self, many: list[Any]) -> PostedMany:
        """Hand over the whole list, in its order, and only then wait: a Pub/Sub that is silent is waited for once."""
        results = await asyncio.gather(*(self.say_or_refuse(posted) for posted in many))
        again = [told.problem for told in results if told.problem and told.problem.retry_after is not None]
        if again and all(told.status == "refused" for told in results):
            first = again[0]
            detail = f"none of {len(many)} messages was taken: {first.detail}"
            raise Problem(first.status, first.title, detail, retry_after=first.retry_after)
        return PostedMany(results=results)


async def _counted_body(request: Request, desk: GatewayDesk) -> Any:
    """The body's JSON; one that cannot be read counts as one message, refused."""
    try:
        return await json_body(request)
    except Problem:
        with desk.measures.counted():
            raise
