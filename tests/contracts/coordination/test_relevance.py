"""Relevance: each fact, and what a message does not have."""

import pytest

from contracts.coordination.relevance import Relevance, concerns_nobody, facts_of
from contracts.payloads import Heartbeat, HftSignal, Question, StrategyDiscussion
from tests.transforms.coordination.desk import ROSTER, adjustment, insight, message, risk, thesis

relevance = Relevance(ROSTER)

CASES = {
    # partner and asset are full, conviction 0.7: (.25 + .25 + .15 x .7) / .65
    "thesis, partner, asset": ("ann", thesis(), "bob", 0.605 / 0.65),
    # neither partner nor asset
    "thesis, nothing but conviction": ("ann", thesis(), "cid", 0.105 / 0.65),
    "thesis, asset alone": ("cid", thesis("ETHUSDT", 1.0), "bob", 0.4 / 0.65),
    "insight without a symbol": ("bob", insight(0.5), "ann", 0.325 / 0.4),
    "question whose topic names a field": (
        "ann", Question(topic="Is mean-reversion over?", question="?"), "bob", 1.0,
    ),
    "question whose topic names a role": (
        "bob", Question(topic="what does the market maker pay", question="?"), "cid", 0.35 / 0.6,
    ),
    "discussion about something else": (
        "bob", StrategyDiscussion(topic="market hours", content="?"), "cid", 0.0,
    ),
    "signal of a strategy": (
        "ann",
        HftSignal(side="BUY", symbol="ETHUSDT", confidence=0, notional=1, strategy="market_making"),
        "cid",
        0.6,
    ),
    "adjustment": ("ann", adjustment("mean_reversion"), "bob", 1.0),
    "neither topic, symbol nor conviction": ("ann", risk(), "bob", 1.0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_mean_of_what_can_be_told(case: str) -> None:
    sender, payload, recipient, expected = CASES[case]
    assert relevance.of(facts_of(message(sender, 0, payload)), recipient) == pytest.approx(expected)


def test_partnership_counts_both_ways() -> None:
    facts = facts_of(message("bob", 0, risk()))
    assert relevance.of(facts, "ann") == 1.0
    assert relevance.of(facts, "cid") == 0.0


def test_a_heartbeat_concerns_nobody() -> None:
    assert concerns_nobody(message("ann", 0, Heartbeat()))
    assert not concerns_nobody(message("ann", 0, insight()))
