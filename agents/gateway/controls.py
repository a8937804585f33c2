"""Routes: how operators change the running desk."""

from fastapi import APIRouter, Request

from agents.gateway.answers import Posted, WrongField
from agents.gateway.bodies import read_body, takes
from agents.gateway.desk import Desk, GatewayDesk, Operator
from agents.gateway.problems import Problem, refusals, wrong_field
from agents.gateway.saying import say
from contracts.controls import Control, ControlAction
from contracts.message import said_by

router = APIRouter(tags=["controls"], responses=refusals(401, 403, 413, 422, 429, 503))

OPERATOR = "operator"
"""The sender of a control; its `issued_by` says which one."""

MACHINES = frozenset({"tuner", "launcher", "execution", "trading"})
"""Who issues controls or stops trading without a person: the log has to tell them apart from people."""


@router.post("/controls", openapi_extra=takes(Control))
async def control(request: Request, operator: Operator, desk: Desk) -> Posted:
    """Publish a control. It takes effect from its place in the desk's log on; the controls table shows it.

    `issued_by` is a person: no agent and no part of the desk. A `restore` is the launcher's alone.
    """
    with desk.measures.counted():
        asked = await read_body(request, Control)
        _check(asked, desk)
        message = said_by(OPERATOR, asked, desk=desk.roster.desk, event_time=desk.clock.now())
        await say(message, desk)
    return Posted(message_id=message.message_id, status="published")


def _check(asked: Control, desk: GatewayDesk) -> None:
    if asked.action is ControlAction.RESTORE:
        raise _not_a_persons("action", "restore is the launcher's: start the job with --restore")
    if asked.issued_by.casefold() in MACHINES or asked.issued_by in desk.roster.by_agent:
        raise _not_a_persons("issued_by", f"{asked.issued_by} is no person: say who asks for it")
    if asked.agent is not None and asked.agent not in desk.roster.by_agent:
        raise wrong_field("agent", f"{asked.agent} is not on the roster")


def _not_a_persons(field: str, reason: str) -> Problem:
    return Problem(
        403, "Not an operator's to say", f"{field}: {reason}", [WrongField(field=field, reason=reason)]
    )
