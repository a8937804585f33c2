"""Routes: how operators change the running desk."""

from fastapi import APIRouter, Request

from agents.gateway.answers import Posted
from agents.gateway.bodies import read_body, takes
from agents.gateway.desk import Desk, Operator
from agents.gateway.problems import Problem, refusals, wrong_field
from agents.gateway.publisher import BufferFull, PublishFailed
from contracts.controls import Control
from contracts.message import said_by

router = APIRouter(tags=["controls"], responses=refusals(401, 403, 413, 422, 503))

OPERATOR = "operator"
"""The sender of a control; its `issued_by` says which one."""


@router.post("/controls", openapi_extra=takes(Control))
async def control(request: Request, operator: Operator, desk: Desk) -> Posted:
    """Publish a control. It takes effect from its place in the desk's log on; the controls table shows it."""
    desk.measures.posted += 1
    try:
        asked = await read_body(request, Control)
        if asked.agent is not None and asked.agent not in desk.roster.by_agent:
            raise wrong_field("agent", f"{asked.agent} is not on the roster")
        message = said_by(OPERATOR, asked, desk=desk.roster.desk, event_time=desk.clock.now())
        await desk.publisher.publish(message)
    except Problem:
        desk.measures.refused += 1
        raise
    except (BufferFull, PublishFailed) as failed:
        desk.measures.refused += 1
        raise Problem(503, "Not published", f"{failed}; send it again", retry_after=1.0) from None
    desk.measures.published += 1
    return Posted(message_id=message.message_id, status="published")
