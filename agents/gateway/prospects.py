"""Routes: what would become of a message, were it said now. Asking changes nothing."""

from typing import Annotated

from fastapi import APIRouter, Query

from agents.gateway.answers import ParticipationCheck, ProspectiveDelivery
from agents.gateway.desk import Desk, Reader
from agents.gateway.posting import MAY_BE_POSTED
from agents.gateway.problems import refusals, wrong_field
from agents.gateway.told_states import told_standing
from contracts.coordination.participation import DeliveryReason
from contracts.coordination.relevance import Facts, fact_fields, words
from contracts.coordination.standing import Prospect
from contracts.message import MessageType
from contracts.model import Name, Unit
from contracts.time import to_micros

router = APIRouter(tags=["the desk"], responses=refusals(401, 404, 422, 503))


@router.get("/agent/{agent}/participation-check")
async def participation_check(
    agent: str,
    reader: Reader,
    desk: Desk,
    kind: Annotated[MessageType, Query(alias="type", description="what would be said")],
    symbol: Annotated[Name | None, Query(description="what it is about")] = None,
    topic: Annotated[str | None, Query(max_length=256, description="its topic or strategy")] = None,
    conviction: Annotated[Unit | None, Query(description="conviction, confidence or score")] = None,
    recipient: Annotated[Name | None, Query(description="one agent; without it, everyone")] = None,
) -> ParticipationCheck:
    """Would the agent be admitted now, and who would hear it: by coordination's own rules and its last known state.

    `known` says how old that state is; what was said since is not in it. Without a state there is no verdict.
    """
    desk.profile(agent)
    if kind not in MAY_BE_POSTED:
        raise wrong_field("query.type", f"{kind} is not an agent's to say; one of {', '.join(MAY_BE_POSTED)}")
    if recipient is not None and recipient not in desk.roster.by_agent:
        raise wrong_field("query.recipient", f"{recipient} is not on the roster")
    if recipient == agent:
        raise wrong_field("query.recipient", "an agent does not write to itself")
    _check_facts(kind, symbol=symbol, topic=topic, conviction=conviction)
    told = await told_standing(desk)
    if told.standing is None:
        return ParticipationCheck(agent=agent, type=kind, detail=told.missing, known=told.known)
    facts = Facts(agent, symbol, None if topic is None else words(topic), conviction)
    now = to_micros(desk.clock.now())
    prospect = told.standing.prospect(facts, kind.message_class, recipient, now)
    return ParticipationCheck(
        agent=agent,
        type=kind,
        verdict="refused" if prospect.refused else "throttled" if prospect.wait_micros else "admitted",
        detail=prospect.refused or ("budget" if prospect.wait_micros else ""),
        retry_after=prospect.wait_micros / 1e6 if prospect.wait_micros else None,
        activity_score=prospect.activity,
        deliveries=_deliveries(prospect, kind, recipient),
        known=told.known,
    )


def _check_facts(kind: MessageType, **told: str | float | None) -> None:
    """A fact that such a message cannot have would say how relevant another one is."""
    fields = fact_fields(kind.payload_model)
    for (name, value), field in zip(told.items(), fields, strict=True):
        if value is not None and field is None:
            raise wrong_field(f"query.{name}", f"{kind} has no {name}: leave it out")


def _deliveries(prospect: Prospect, kind: MessageType, recipient: str | None) -> list[ProspectiveDelivery]:
    if prospect.refused or prospect.wait_micros or kind is MessageType.HEARTBEAT:
        return []  # a sign of life is admitted, and concerns nobody
    if recipient is not None:
        return [ProspectiveDelivery(recipient=recipient, delivered=True, reason=DeliveryReason.DIRECTED)]
    return [
        ProspectiveDelivery(
            recipient=verdict.recipient,
            delivered=verdict.delivered,
            reason=verdict.reason,
            relevance=verdict.relevance,
            threshold=verdict.threshold,
        )
        for verdict in prospect.deliveries
    ]
