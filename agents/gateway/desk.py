"""The desk as the gateway sees it: everything that its routes need, handed in by whoever makes the app."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agents.gateway.inboxes import Inboxes
from agents.gateway.live_view import View
from agents.gateway.measures import Measures
from agents.gateway.problems import Problem
from agents.gateway.publisher import Publisher
from agents.gateway.tokens import Tokens
from contracts.live_view import LiveView
from contracts.roster import AgentProfile, Roster
from contracts.time import Clock, WallClock


@dataclass
class GatewayDesk:
    """What the routes share. `clock` is the desk's: it stamps what agents say; `wall` tells how old a picture is."""

    roster: Roster
    tokens: Tokens
    publisher: Publisher
    inboxes: Inboxes
    view: View
    clock: Clock
    measures: Measures
    wall: Clock = field(default_factory=WallClock)
    last_seen: dict[str, datetime] = field(default_factory=dict)

    @property
    def keys(self) -> LiveView:
        """The keys of the desk's live view."""
        return LiveView(self.roster.desk)

    def profile(self, agent: str) -> AgentProfile:
        """The agent's entry; raises a 404 that says who is on the desk."""
        if agent not in self.roster.by_agent:
            known = ", ".join(self.roster.by_agent)
            raise Problem(404, "Unknown agent", f"{agent[:64]} is not on the desk; known are {known}")
        return self.roster.by_agent[agent]


_bearer = HTTPBearer(auto_error=False, description="an agent's own token, or the operators'")


def _desk(request: Request) -> GatewayDesk:
    desk: GatewayDesk = request.app.state.desk
    return desk


Desk = Annotated[GatewayDesk, Depends(_desk)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _token(credentials: HTTPAuthorizationCredentials | None) -> str:
    if credentials is None:
        raise Problem(401, "No token", "send `Authorization: Bearer <token>` with the token of the agent")
    return credentials.credentials


async def _agent(desk: Desk, credentials: Credentials) -> str:
    agent = desk.tokens.agent_of(_token(credentials))
    if agent is None:
        raise Problem(401, "Wrong token", "the token is no agent's: check the agent's SAPPHIRE_AGENT_TOKEN")
    desk.last_seen[agent] = desk.clock.now()
    return agent


async def _reader(desk: Desk, credentials: Credentials) -> str | None:
    if desk.tokens.is_admin(_token(credentials)):
        return None
    return await _agent(desk, credentials)


async def _operator(desk: Desk, credentials: Credentials) -> None:
    if not desk.tokens.is_admin(_token(credentials)):
        raise Problem(
            403,
            "Operators only",
            "controls need the operators' token (SAPPHIRE_ADMIN_TOKEN); an agent has none",
        )


Agent = Annotated[str, Depends(_agent)]
"""The agent whose token came with the request."""

Reader = Annotated[str | None, Depends(_reader)]
"""Whoever may look: an agent, or None for an operator."""

Operator = Annotated[None, Depends(_operator)]
"""The request has the operators' token."""
