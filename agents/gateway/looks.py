"""Routes: what there is to know about the desk. Reading changes nothing."""

from decimal import Decimal
from typing import Any

from fastapi import APIRouter

from agents.gateway.answers import AgentActivity, AgentGuidance, AgentRole, PortfolioStatus
from agents.gateway.desk import Desk, GatewayDesk, Reader
from agents.gateway.problems import refusals
from agents.gateway.told_states import ToldStanding, told_standing
from contracts.payloads import Guidance
from contracts.roster import AgentProfile
from contracts.time import to_micros

router = APIRouter(tags=["the desk"], responses=refusals(401, 404, 422, 503))


@router.get("/agent/{agent}/guidance")
async def guidance(agent: str, reader: Reader, desk: Desk) -> AgentGuidance:
    """What the portfolio asks of an agent; null until it has."""
    desk.profile(agent)
    found = (await desk.view.documents(desk.keys.guidance)).get(agent)
    return AgentGuidance(
        agent=agent,
        role=(await _roles(desk))[agent],
        guidance=None if found is None else Guidance.model_validate(found),
    )


@router.get("/agent-roles")
async def agent_roles(reader: Reader, desk: Desk) -> dict[str, AgentRole]:
    """Everyone on the desk, as the roster has them, with the capital that they have now."""
    return await _roles(desk)


@router.get("/agent-activity")
async def agent_activity(reader: Reader, desk: Desk) -> dict[str, AgentActivity]:
    """How active everyone is now, and which thresholds are in force: by coordination's rules and last known state.

    `known` says how old that state is. Without one the answer is what the roster says and what was last heard.
    """
    heard = await desk.view.documents(desk.keys.activity)
    told = await told_standing(desk)
    now = to_micros(desk.clock.now())
    return {
        agent: AgentActivity(
            **_standing(profile, heard.get(agent), told, now), last_seen=desk.last_seen.get(agent)
        )
        for agent, profile in desk.roster.by_agent.items()
    }


def _standing(
    profile: AgentProfile, heard: dict[str, Any] | None, told: ToldStanding, now: int
) -> dict[str, Any]:
    if told.standing is None:
        return {
            "participation_threshold": profile.participation_threshold,
            "activity": heard,
            "known": None,
        }
    return {
        "participation_threshold": told.standing.threshold(profile.agent),
        "activity": {
            "activity_score": told.standing.activity(profile.agent, now),
            "last_event_time": None if heard is None else heard["last_event_time"],
        },
        "known": told.known,
    }


@router.get("/portfolio-status")
async def portfolio_status(reader: Reader, desk: Desk) -> PortfolioStatus:
    """The desk's book as last known."""
    allocations = await desk.view.documents(desk.keys.allocations)
    return PortfolioStatus(
        desk=desk.roster.desk,
        desk_time=desk.clock.now(),
        starting_capital=desk.roster.capital,
        portfolio=await desk.view.document(desk.keys.portfolio),
        positions=list((await desk.view.documents(desk.keys.positions)).values()),
        allocations={agent: allocations.get(agent) for agent in desk.roster.by_agent},
        agent_roles={agent: profile.role for agent, profile in desk.roster.by_agent.items()},
    )


async def _roles(desk: GatewayDesk) -> dict[str, AgentRole]:
    allocations = await desk.view.documents(desk.keys.allocations)
    return {
        agent: AgentRole(
            role=profile.role,
            expertise=profile.expertise,
            contribution=profile.contribution,
            collaboration_partners=profile.collaboration_partners,
            risk_tolerance=profile.risk_tolerance,
            time_horizon=profile.time_horizon,
            preferred_assets=profile.preferred_assets,
            leverage_cap=profile.leverage_cap,
            allocated_capital=Decimal(allocations[agent]["capital"]) if agent in allocations else None,
        )
        for agent, profile in desk.roster.by_agent.items()
    }
