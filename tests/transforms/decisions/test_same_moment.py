"""What has the same moment makes no difference to one another: neither its order nor whether it is there already."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.decisions import DecisionRequest
from contracts.message import Message
from contracts.roster import AgentProfile, read_roster
from contracts.settings import Settings
from tests.transforms.decisions.told import at, entry, execution, snapshot, thesis
from transforms.decisions.agent_context import REQUESTS, AgentContext

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def portfolio_agent() -> AgentProfile:
    """One that is told of its other markets too."""
    return read_roster(Settings().roster).by_agent["profit-maximizer"]


def asked(*told: Message) -> list[DecisionRequest]:
    core = AgentContext("main", portfolio_agent())
    outputs = [output for said in told for output in core.apply(entry(said))]
    return [output.value for output in outputs if output.port == REQUESTS]


def test_what_is_said_at_the_moment_of_a_question_is_known_at_the_next() -> None:
    heard = [len(question.heard) for question in asked(thesis(1), snapshot(1), snapshot(2))]
    assert heard == [0, 1]


def test_a_snapshot_that_is_no_later_than_what_was_told_is_not_asked_about() -> None:
    told = [thesis(1), snapshot(2), snapshot(1, "7", "ETHUSDT"), snapshot(3, "8", "ETHUSDT")]
    assert [(question.symbol, question.event_time) for question in asked(*told)] == [
        ("BTCUSDT", at(2)),
        ("ETHUSDT", at(3)),
    ]


def test_other_markets_stand_as_they_did_before_the_question() -> None:
    bars = [(minute, symbol) for minute in (1, 2, 3) for symbol in SYMBOLS]
    questions = asked(*(snapshot(minute, str(10 * minute), symbol) for minute, symbol in bars))
    for question in questions:
        minute = int(question.closes[-1]) // 10
        others = [(other.seen, other.closes) for other in question.others]
        before = tuple(10.0 * earlier for earlier in range(1, minute))
        assert others == ([(at(minute - 1), before)] if before else [])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from("abcde")), unique=True, max_size=8),
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 5)), unique_by=lambda fill: fill[1], max_size=5),
    st.randoms(use_true_random=False),
)
def test_any_order_within_a_moment_asks_the_same(
    bars: list[tuple[int, bool]],
    theses: list[tuple[int, str]],
    fills: list[tuple[int, int]],
    random: Random,
) -> None:
    log = [
        snapshot(minute, str(price), symbol)
        for minute, (price, is_both) in enumerate(bars, 1)
        for symbol in SYMBOLS[: 1 + is_both]
    ]
    log += [thesis(minute, text) for minute, text in theses]
    log += [execution(minute, str(order), order=f"order-{order}") for minute, order in fills]
    by_moment = sorted(log, key=lambda said: (said.event_time, random.random()))
    other_way = sorted(log, key=lambda said: (said.event_time, random.random()))
    assert known(asked(*by_moment)) == known(asked(*other_way))


def known(questions: list[DecisionRequest]) -> list[DecisionRequest]:
    return sorted(questions, key=lambda question: question.decision_id)
