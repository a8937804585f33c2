"""Routes: whether a trade would pass the desk's checks, were it proposed now. Asking changes nothing."""

import orjson
from fastapi import APIRouter, Request

from agents.gateway.answers import FailingCheck, TradeValidation
from agents.gateway.bodies import read_body, takes
from agents.gateway.desk import Desk, GatewayDesk, Reader
from agents.gateway.problems import Problem, refusals
from agents.gateway.told_states import known, last_state
from contracts.risk.checks import Verdict
from contracts.risk.money import told
from contracts.risk.standing import RiskStanding
from contracts.risk.trade_question import TradeQuestion
from contracts.rows.operations import CoreStateRow
from contracts.time import to_micros

router = APIRouter(tags=["the desk"], responses=refusals(401, 404, 413, 422, 503))

CORE = "trading"

FRESH_SECONDS = 5.0
"""A state told so lately (wall clock) is the desk's present; of an older one nothing was heard since, and its prices age."""


@router.post("/agent/{agent}/validate-trade", openapi_extra=takes(TradeQuestion))
async def validate_trade(agent: str, request: Request, reader: Reader, desk: Desk) -> TradeValidation:
    """Would the trade pass now: by the trading job's own checks and its last known state, every failing check named.

    `known` says how old that state is; what was proposed or traded since is not in it. Without a state: 503.
    """
    desk.profile(agent)
    question = await read_body(request, TradeQuestion)
    row = await last_state(desk, CORE)
    if row is None:
        raise Problem(503, "No state", "the trading job has not told its desk's state yet", retry_after=1.0)
    found = known(desk, row)
    standing = _standing(desk, row)
    if found.age_seconds > FRESH_SECONDS:
        standing.clock = max(standing.clock, to_micros(desk.clock.now()))
    order, failing = standing.prospect(question.wish(agent, standing.clock))
    return TradeValidation(
        agent=agent,
        symbol=question.symbol,
        side=question.side,
        would_pass=not failing,
        failing=[_failing(verdict) for verdict in failing],
        quantity=told(order.quantity),
        price=told(order.price),
        notional=told(order.quantity * order.price),
        is_reducing=order.is_reducing,
        state=standing.state,
        known=found,
    )


def _standing(desk: GatewayDesk, row: CoreStateRow) -> RiskStanding:
    try:
        return RiskStanding.of(desk.roster, orjson.loads(row.state))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise Problem(
            503,
            "No state",
            "the trading job's state is of another version: update the gateway",
            retry_after=5.0,
        ) from None


def _failing(verdict: Verdict) -> FailingCheck:
    return FailingCheck(
        check=verdict.check,
        reason=verdict.reason,
        limit=None if verdict.limit is None or not verdict.limit.is_finite() else told(verdict.limit),
        observed=None
        if verdict.observed is None or not verdict.observed.is_finite()
        else told(verdict.observed),
    )
