"""Routes: what an agent hears."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from agents.gateway.answers import InboxAcknowledged, InboxMessages
from agents.gateway.bodies import read_body, takes
from agents.gateway.desk import Agent, Desk, GatewayDesk
from agents.gateway.inbox import Named
from agents.gateway.inboxes import LEASE_SECONDS, Inboxes
from agents.gateway.problems import Problem, refusals
from contracts.message import Message
from contracts.model import Name

router = APIRouter(prefix="/inbox", tags=["inbox"], responses=refusals(401, 403, 404, 413, 422))

LONGEST_WAIT_SECONDS = 30.0
MOST_AT_ONCE = 500


class SentBy(BaseModel):
    """One message and no other: its id with its sender."""

    model_config = ConfigDict(extra="forbid")

    message_id: Name
    sender: Name


class Acknowledgement(BaseModel):
    """The messages that an agent is done with.

    Two senders may use the same id. An id alone is whatever was handed out under it; with its sender it is one message.
    """

    model_config = ConfigDict(extra="forbid")

    message_ids: list[Name | SentBy] = Field(min_length=1, max_length=1_000)

    @property
    def names(self) -> list[Named]:
        """What is acknowledged, as the inbox wants it."""
        return [Named(said) if isinstance(said, str) else Named(**dict(said)) for said in self.message_ids]


@router.get("/{agent}")
async def take(
    agent: str,
    request: Request,
    caller: Agent,
    desk: Desk,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="seconds for the first")] = 0.0,
    most: Annotated[int, Query(alias="max", ge=1, le=MOST_AT_ONCE)] = 100,
) -> InboxMessages:
    """Take what waits, in order by sender. What is not acknowledged comes again when its lease ends.

    An agent that goes away while it waits takes nothing.
    """
    _own(agent, caller, desk)
    taken = await _take_while_there(request, agent, desk.inboxes, wait, most)
    messages = [message.model_dump(mode="json") for message in taken]
    return InboxMessages(messages=messages, lease_seconds=LEASE_SECONDS)


async def _take_while_there(
    request: Request, agent: str, inboxes: Inboxes, wait: float, most: int
) -> list[Message]:
    """What waits in the inbox; nothing, and nothing stays leased, when the agent has gone away meanwhile."""
    poll, is_answered = object(), False
    try:
        async with asyncio.TaskGroup() as both:
            leaving = both.create_task(_leaves(request))
            taking = both.create_task(inboxes.take(agent, wait, most, poll))
            await asyncio.wait((leaving, taking), return_when=asyncio.FIRST_COMPLETED)
            is_there = not leaving.done()
            leaving.cancel()
            taking.cancel()
        is_answered = is_there
    finally:
        if not is_answered:
            inboxes.release(agent, poll)
    return taking.result() if is_answered else []


async def _leaves(request: Request) -> None:
    """Returns when the agent has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@router.post("/{agent}/ack", openapi_extra=takes(Acknowledgement))
async def acknowledge(agent: str, request: Request, caller: Agent, desk: Desk) -> InboxAcknowledged:
    """End messages; only now Pub/Sub forgets them. Acknowledging one again does no harm."""
    _own(agent, caller, desk)
    done = desk.inboxes.acknowledge(agent, (await read_body(request, Acknowledgement)).names)
    return InboxAcknowledged(acknowledged=list(done.message_ids), unknown=list(done.unknown))


def _own(agent: str, caller: str, desk: GatewayDesk) -> None:
    if agent != caller:
        raise Problem(403, "Not your inbox", f"the token is {caller}'s: it opens /inbox/{caller} alone")
    if agent not in desk.inboxes.agents:
        detail = f"{agent} is model-backed: the decisions job reads what is delivered to it"
        raise Problem(404, "No inbox", detail)
