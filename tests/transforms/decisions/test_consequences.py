from decimal import Decimal

import orjson
import pytest

from contracts.decisions import CallOutcome, CallStatus, Opinion
from contracts.message import MessageType
from contracts.payloads import Insight, Side
from contracts.refusals import Reason
from tests.agents.questions import question
from transforms.core import DEAD_LETTERS, ROWS
from transforms.decisions.consequences import (
    DECISIONS,
    INSIGHTS,
    PROPOSALS,
    REASONING,
    THESES,
    USAGES,
    consequences,
)

BUY = Opinion(
    side=Side.BUY,
    confidence=0.7,
    size_fraction=0.5,
    stop_loss=Decimal(100),
    take_profit=Decimal(120),
    horizon_seconds=900,
    rationale="It rises.",
)
HOLD = Opinion(side=Side.HOLD, confidence=0.5, size_fraction=0, horizon_seconds=60, rationale="Wait.")


FAILURES = [status for status in CallStatus if status not in (CallStatus.ANSWERED, CallStatus.OVER_BUDGET)]


def outcome(opinion=None, status=CallStatus.ANSWERED, **more):
    return CallOutcome(
        request=question(),
        endpoint="deepseek-momentum-endpoint",
        model="rule:momentum",
        prompt="decide.1-00000000",
        status=status,
        opinion=opinion,
        **more,
    )


def ports(outputs):
    return [port for port, _ in outputs]


def rows(outputs):
    return {value.table: value for port, value in outputs if port == ROWS}


def test_a_trade_is_proposed_told_and_explained():
    outputs = consequences(outcome(BUY))
    assert ports(outputs) == [PROPOSALS, THESES, DECISIONS, REASONING, ROWS, ROWS, USAGES]
    said = [value for port, value in outputs if port not in (ROWS, USAGES)]
    assert [message.type for message in said] == [
        MessageType.PROPOSAL, MessageType.TRADE_THESIS, MessageType.DECISION, MessageType.REASONING,
    ]  # fmt: skip
    assert {(m.sender, m.desk, m.correlation_id, m.event_time) for m in said} == {
        ("deepseek-v3", "main", "decision-1", question().event_time)
    }
    proposal = said[0].payload
    assert (proposal.side, proposal.size_fraction, proposal.price) == (Side.BUY, 0.5, question().price)
    assert (proposal.stop_loss, proposal.take_profit) == (Decimal(100), Decimal(120))
    row = rows(outputs)["decisions"]
    assert (row.side, row.model, row.outcome, row.rationale) == (
        Side.BUY,
        "rule:momentum",
        "answered",
        "It rises.",
    )
    assert consequences(outcome(BUY)) == outputs


def test_a_hold_is_decided_and_not_proposed():
    outputs = consequences(outcome(HOLD))
    assert ports(outputs) == [DECISIONS, REASONING, ROWS, ROWS, USAGES]
    assert rows(outputs)["decisions"].side is Side.HOLD


@pytest.mark.parametrize("opinion", [BUY, HOLD], ids=["trade", "hold"])
def test_what_an_agent_noticed_is_told_whatever_it_decided(opinion):
    noticed = opinion.with_valid(insight="Volume dries up.")
    (told,) = [value for port, value in consequences(outcome(noticed)) if port == INSIGHTS]
    assert (told.type, told.sender, told.recipient) == (MessageType.INSIGHT, "deepseek-v3", None)
    assert told.payload == Insight(
        insight="Volume dries up.", confidence=opinion.confidence, symbol="BTCUSDT"
    )
    assert (told.correlation_id, told.event_time) == ("decision-1", question().event_time)
    assert INSIGHTS not in ports(consequences(outcome(opinion)))


@pytest.mark.parametrize("status", FAILURES)
def test_no_usable_answer_is_a_hold_and_a_dead_letter(status):
    outputs = consequences(outcome(status=status, error="why", answer="Buy it!", latency_ms=3.5))
    assert ports(outputs) == [DECISIONS, DEAD_LETTERS, ROWS, ROWS, ROWS, USAGES]
    letter = outputs[1].value
    bad = status is CallStatus.BAD_ANSWER
    assert letter.reason is (Reason.BAD_ANSWER if bad else Reason.CALL_FAILED)
    assert (letter.error, letter.stage) == ("why", "answer" if bad else "call")
    assert orjson.loads(letter.payload)["answer"] == "Buy it!"
    decision, call = rows(outputs)["decisions"], rows(outputs)["model_calls"]
    assert (decision.side, decision.size_fraction, decision.outcome) == (Side.HOLD, 0.0, status)
    assert (call.outcome, call.error, call.latency_ms) == (status, "why", 3.5)


def test_a_call_that_was_not_made_for_its_budget_is_a_hold_and_nothing_was_refused():
    outputs = consequences(outcome(status=CallStatus.OVER_BUDGET, error="2 of 2 calls", attempts=0))
    assert ports(outputs) == [DECISIONS, ROWS, ROWS]
    decision, call = rows(outputs)["decisions"], rows(outputs)["model_calls"]
    assert (decision.side, decision.outcome, decision.rationale) == (Side.HOLD, "over_budget", "")
    assert (call.outcome, call.attempts, call.error) == ("over_budget", 0, "2 of 2 calls")


def test_what_a_call_took_is_told_to_who_reserved_it():
    told = consequences(outcome(HOLD, tokens_in=900, tokens_out=80, cost_usd=Decimal("0.0003")))[-1].value
    assert (told.type, told.recipient, told.sender) == (MessageType.USAGE, "deepseek-v3", "decisions")
    usage = told.payload
    assert (usage.made, usage.tokens_in, usage.tokens_out) == (True, 900, 80)
    assert (usage.decision_id, usage.cost_usd) == ("decision-1", Decimal("0.0003"))
    open_circuit = consequences(outcome(status=CallStatus.UNREACHABLE, attempts=0))[-1].value
    assert not open_circuit.payload.made


def test_an_opinion_belongs_to_an_answered_call_alone():
    with pytest.raises(ValueError, match="an answered call has an opinion"):
        outcome(None)
    with pytest.raises(ValueError, match="an answered call has an opinion"):
        outcome(BUY, CallStatus.DEADLINE)
