"""Routes: an agent is there."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from agents.gateway.answers import Alive, Registered
from agents.gateway.bodies import read_body, takes
from agents.gateway.desk import Agent, Desk
from agents.gateway.problems import refusals, wrong_field
from contracts.model import Text
from contracts.payloads import Heartbeat

router = APIRouter(tags=["presence"], responses=refusals(401, 413, 422))


class Registration(BaseModel):
    """What an agent tells about itself when it comes; the token says who it is."""

    model_config = ConfigDict(extra="forbid")

    agent: str | None = None
    software: Text = ""


@router.post("/register", openapi_extra=takes(Registration))
async def register(request: Request, agent: Agent, desk: Desk) -> Registered:
    """Tell the desk that the agent is there; may be said again at any time."""
    registration = await read_body(request, Registration)
    if registration.agent not in (None, agent):
        raise wrong_field("agent", f"the token is {agent}'s")
    return Registered(
        agent=agent,
        desk=desk.roster.desk,
        role=desk.profile(agent).role,
        has_inbox=agent in desk.inboxes.agents,
        desk_time=desk.clock.now(),
    )


@router.post("/heartbeat", openapi_extra=takes(Heartbeat))
async def heartbeat(request: Request, agent: Agent, desk: Desk) -> Alive:
    """A sign of life. It stays at the gateway (agent-activity's last_seen) and costs no message budget."""
    await read_body(request, Heartbeat)
    return Alive(agent=agent, desk_time=desk.clock.now())
