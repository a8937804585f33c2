"""Consequences: what follows from an answer, and from having none."""

from collections.abc import Iterator

import orjson

from contracts.decisions import CallOutcome, CallStatus, DecisionRequest, Opinion
from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.payloads import Decision, Insight, Proposal, Reasoning, Side, TradeThesis, Usage
from contracts.refusals import KEPT_BYTES, DeadLetter, Reason, Refusal, dead_letter
from contracts.rows.decisions import DecisionRow, ModelCall
from contracts.rows.operations import DeadLetterRow
from transforms.core import DEAD_LETTERS, ROWS, Output

PROPOSALS = "proposals"
"""The port of wishes to trade."""

DECISIONS = "decisions"
"""The port of what was decided, holds too."""

REASONING = "reasoning"
"""The port of why."""

THESES = "theses"
"""The port of what the agent tells its peers, by way of coordination."""

INSIGHTS = "insights"
"""The port of what the agent noticed, for its peers, by way of coordination."""

USAGES = "usages"
"""The port of what calls really took, for the job that reserved it."""

JOB = "decisions"

_NO_ANSWER = Opinion(side=Side.HOLD, confidence=0.0, size_fraction=0.0, horizon_seconds=1, rationale="")


def consequences(outcome: CallOutcome, unheard: frozenset[str] = frozenset()) -> list[Output]:
    """Everything that follows from one call, in order; what would leave by DECISIONS or REASONING not if that is `unheard`.

    Always a Decision, its row and the call's row; of a call that was asked for, its usage. A trade is a Proposal and a
    TradeThesis too; what the agent noticed is an Insight, trade or not; an answer has its Reasoning; a call without a
    usable answer is a HOLD, never a guess, and a dead letter that keeps what was answered. A call for which no budget was
    left is a HOLD alone: nothing was refused.
    """
    return list(_consequences(outcome, unheard))


def _consequences(outcome: CallOutcome, unheard: frozenset[str]) -> Iterator[Output]:
    request, opinion = outcome.request, outcome.opinion or _NO_ANSWER
    if opinion.side is not Side.HOLD:
        yield Output(PROPOSALS, _said(request, _proposal(request, opinion)))
        yield Output(THESES, _said(request, _thesis(request, opinion)))
    if opinion.insight:
        yield Output(INSIGHTS, _said(request, _insight(request, opinion)))
    if DECISIONS not in unheard:
        yield Output(DECISIONS, _said(request, _decision(outcome, opinion)))
    if outcome.status is CallStatus.ANSWERED:
        if REASONING not in unheard:
            yield Output(REASONING, _said(request, _reasoning(request, opinion)))
    elif outcome.status is not CallStatus.OVER_BUDGET:
        letter = _letter(outcome)
        yield Output(DEAD_LETTERS, letter)
        yield Output(ROWS, DeadLetterRow.of(letter))
    yield Output(ROWS, _decision_row(outcome, opinion))
    yield Output(ROWS, _call_row(outcome))
    if outcome.status is not CallStatus.OVER_BUDGET:
        yield Output(USAGES, _usage(outcome))


def _usage(outcome: CallOutcome) -> Message:
    request = outcome.request
    usage = Usage(
        decision_id=request.decision_id,
        agent=request.agent,
        made=outcome.attempts > 0,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost_usd=outcome.cost_usd,
    )
    return said_by(
        JOB,
        usage,
        desk=request.desk,
        event_time=request.event_time,
        recipient=request.agent,
        correlation_id=request.decision_id,
        derived_from=(request.decision_id,),
    )


def _said(request: DecisionRequest, payload: Contract) -> Message:
    return said_by(
        request.agent,
        payload,
        desk=request.desk,
        event_time=request.event_time,
        correlation_id=request.decision_id,
        derived_from=(request.decision_id,),
    )


def _proposal(request: DecisionRequest, opinion: Opinion) -> Proposal:
    return Proposal.of_known(
        decision_id=request.decision_id,
        as_of=request.event_time,
        symbol=request.symbol,
        side=opinion.side,
        confidence=opinion.confidence,
        size_fraction=opinion.size_fraction,
        price=request.price,
        stop_loss=opinion.stop_loss,
        take_profit=opinion.take_profit,
        horizon_seconds=opinion.horizon_seconds,
        rationale=opinion.rationale,
    )


def _thesis(request: DecisionRequest, opinion: Opinion) -> TradeThesis:
    return TradeThesis.of_known(
        symbol=request.symbol,
        side=opinion.side,
        thesis=opinion.rationale,
        conviction=opinion.confidence,
        entry_price=request.price,
        stop_loss=opinion.stop_loss,
        take_profit=opinion.take_profit,
        timeframe=f"{opinion.horizon_seconds}s",
    )


def _insight(request: DecisionRequest, opinion: Opinion) -> Insight:
    return Insight.of_known(insight=opinion.insight, confidence=opinion.confidence, symbol=request.symbol)


def _decision(outcome: CallOutcome, opinion: Opinion) -> Decision:
    return Decision.of_known(**_decided(outcome, opinion))


def _decision_row(outcome: CallOutcome, opinion: Opinion) -> DecisionRow:
    request = outcome.request
    return DecisionRow.of_known(
        row_id=derived_id(request.event_time, "decision", request.decision_id),
        event_time=request.event_time,
        desk=request.desk,
        position=request.position,
        rationale=opinion.rationale,
        **_decided(outcome, opinion),
    )


def _decided(outcome: CallOutcome, opinion: Opinion) -> dict:
    """What a Decision and its row have in common."""
    request = outcome.request
    return {
        "decision_id": request.decision_id,
        "agent": request.agent,
        "model": outcome.model,
        "prompt": outcome.prompt,
        "snapshot_id": request.snapshot_id,
        "symbol": request.symbol,
        "side": opinion.side,
        "confidence": opinion.confidence,
        "size_fraction": opinion.size_fraction,
        "price": request.price,
        "stop_loss": opinion.stop_loss,
        "take_profit": opinion.take_profit,
        "horizon_seconds": opinion.horizon_seconds,
        "outcome": str(outcome.status),
    }


def _reasoning(request: DecisionRequest, opinion: Opinion) -> Reasoning:
    return Reasoning.of_known(
        decision_id=request.decision_id,
        agent=request.agent,
        symbol=request.symbol,
        rationale=opinion.rationale,
    )


def _call_row(outcome: CallOutcome) -> ModelCall:
    request = outcome.request
    return ModelCall.of_known(
        row_id=derived_id(request.event_time, "call", request.decision_id),
        event_time=request.event_time,
        desk=request.desk,
        position=request.position,
        decision_id=request.decision_id,
        agent=request.agent,
        endpoint=outcome.endpoint,
        model=outcome.model,
        prompt=outcome.prompt,
        latency_ms=outcome.latency_ms,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        cost_usd=outcome.cost_usd,
        outcome=str(outcome.status),
        error=outcome.error,
        attempts=outcome.attempts,
        deadline_ms=outcome.deadline_ms,
    )


def _letter(outcome: CallOutcome) -> DeadLetter:
    request = outcome.request
    bad_answer = outcome.status is CallStatus.BAD_ANSWER
    kept = {
        "decision_id": request.decision_id,
        "agent": request.agent,
        "symbol": request.symbol,
        "endpoint": outcome.endpoint,
        "status": outcome.status,
    }
    return dead_letter(
        JOB,
        "answer" if bad_answer else "call",
        Refusal(Reason.BAD_ANSWER if bad_answer else Reason.CALL_FAILED, outcome.error),
        _with_answer(kept, outcome.answer),
        request.event_time,
    )


def _with_answer(kept: dict[str, str], answer: str) -> bytes:
    """As JSON, with as much of the answer as a dead letter keeps."""
    while len(data := orjson.dumps(kept | {"answer": answer})) > KEPT_BYTES:
        answer = answer[: len(answer) * 3 // 4]
    return data
