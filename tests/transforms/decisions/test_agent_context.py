from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calls import CallBudget
from contracts.decisions import DecisionRequest
from contracts.message import Message, said_by
from contracts.payloads import Guidance, Heartbeat, Side, Usage
from contracts.roster import EndpointBacking
from contracts.rows.decisions import DecisionRow, ModelCall
from tests.agents.questions import roster
from tests.transforms.decisions.told import AGENT, at, entry, execution, message, profile, snapshot, thesis
from transforms.core import Output
from transforms.decisions.agent_context import CLOSES_KEPT, REQUESTS, AgentContext
from transforms.decisions.deliveries import REMEMBERED


def asked(core: AgentContext, *told: Message) -> list[DecisionRequest]:
    """The questions that follow from a log."""
    return [value for port, value in outputs(core, *told) if port == REQUESTS]


def test_it_is_asked_on_its_cadence_by_event_time():
    told = [snapshot(0), snapshot(0.5), snapshot(1), snapshot(0.75), snapshot(1), snapshot(2)]
    questions = asked(context(), *told)
    assert [(question.event_time, question.position) for question in questions] == [
        (at(0), 1), (at(1), 3), (at(2), 6),
    ]  # fmt: skip


def test_each_symbol_has_its_own_cadence_and_closes():
    told = [
        snapshot(0),
        snapshot(0, "7", "ETHUSDT"),
        snapshot(0.5, "8", "ETHUSDT"),
        snapshot(1, "9", "ETHUSDT"),
    ]
    questions = asked(context(), *told)
    assert [(question.symbol, question.closes) for question in questions] == [
        ("BTCUSDT", (100.0,)), ("ETHUSDT", (7.0,)), ("ETHUSDT", (7.0, 8.0, 9.0)),
    ]  # fmt: skip


def test_closes_are_bounded_and_of_one_bar_length():
    told = [snapshot(minute, str(minute + 1)) for minute in range(CLOSES_KEPT + 5)]
    core = context()
    assert asked(core, *told)[-1].closes == tuple(float(close) for close in range(6, CLOSES_KEPT + 6))
    (question,) = asked(core, snapshot(100, "3", bar_seconds=300))
    assert question.closes == (3.0,)


def test_a_question_has_its_snapshot_and_an_id_that_repeats():
    seen = snapshot(0, "100.5")
    (question,) = asked(context(), seen)
    assert (question.price, question.features) == (Decimal("100.5"), {"return_1": 0.5})
    assert (question.snapshot_id, question.desk, question.agent) == (seen.message_id, "main", AGENT)
    assert asked(context(), seen) == [question]


def test_nothing_after_the_decision_enters_it():
    """A thesis, a fill and guidance that are dated later wait for their moment, in whatever order they arrive."""
    core = context()
    later = [thesis(1.5), execution(1.6, "2"), message(1.7, "portfolio", guidance(), to=AGENT)]
    (first,) = asked(core, *later, snapshot(1))
    assert (first.heard, first.held, first.guidance) == ((), 0, None)
    (second,) = asked(core, snapshot(2))
    assert [heard.text for heard in second.heard] == ["It rises."]
    assert (second.held, second.guidance) == (2, guidance())


def guidance(capital: int = 1440) -> Guidance:
    return Guidance(
        agent=AGENT,
        role="momentum",
        goal="maximum_profit",
        capital=Decimal(capital),
        remaining=Decimal(700),
        text="Go on.",
    )


def test_the_position_follows_each_orders_filled_quantity():
    told = [
        execution(0.1, "0"),
        execution(0.2, "1.5", sequence=2),
        execution(0.2, "1.5", sequence=2),  # delivered twice
        execution(0.1, "0.5", sequence=3),  # older, told later
        execution(0.3, "1", Side.SELL, "order-2"),
    ]
    (question,) = asked(context(), *told, snapshot(1))
    assert question.held == Decimal("0.5")
    core = context()
    asked(core, *told, snapshot(1))
    (question,) = asked(core, told[1], snapshot(2))
    assert question.held == Decimal("0.5")


def test_it_hears_each_saying_once_and_remembers_the_latest():
    said = [thesis(0.01 * number, f"Thesis {number}.") for number in range(REMEMBERED + 3)]
    silent = message(0, "qwen-7b", Heartbeat(), to=AGENT)
    (question,) = asked(context(), silent, *said, said[-1], snapshot(1))
    assert [heard.text for heard in question.heard] == [f"Thesis {n}." for n in range(3, REMEMBERED + 3)]
    heard = question.heard[-1]
    assert (heard.sender, heard.side, heard.weight, heard.symbol) == ("qwen-7b", Side.BUY, 0.8, "BTCUSDT")


def test_no_news_is_no_question():
    """The same price, and nothing held, heard or guided anew: nobody needs that call."""
    core = context()
    told = [snapshot(0, "100"), snapshot(1, "100"), snapshot(2, "100.01"), snapshot(3, "100.01")]
    assert [question.event_time for question in asked(core, *told)] == [at(0), at(2)]
    assert len(asked(core, thesis(3.5), snapshot(4, "100.01"))) == 1
    assert len(asked(core, execution(4.5, "1"), snapshot(5, "100.01"))) == 1
    assert len(asked(core, message(5.5, "portfolio", guidance(), to=AGENT), snapshot(6, "100.01"))) == 1
    assert asked(core, snapshot(7, "100.01")) == []


def test_how_far_a_price_must_move_to_be_news_is_in_the_roster():
    core = context(news_bps=10)
    told = [snapshot(0, "100"), snapshot(1, "100.1"), snapshot(2, "100.11"), snapshot(3, "100.02")]
    assert [question.event_time for question in asked(core, *told)] == [at(0), at(2)]


def context(budget: CallBudget | None = None, news_bps: float = 0.0) -> AgentContext:
    backing = profile().backing
    assert isinstance(backing, EndpointBacking)
    changed = backing.with_valid(budget=budget or backing.budget, news_bps=news_bps)
    return AgentContext("main", profile().with_valid(backing=changed), roster().price_of(backing))


def outputs(core: AgentContext, *told: Message) -> list[Output]:
    return [output for number, said in enumerate(told, 1) for output in core.apply(entry(said, number))]


def holds(said: list[Output]) -> list[DecisionRow]:
    return [value for _, value in said if isinstance(value, DecisionRow)]


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (CallBudget(calls_per_hour=2), "2 of 2 calls"),
        (CallBudget(tokens_per_hour=8_000), "7168 of 8000 tokens"),
        (CallBudget(usd_per_hour=Decimal("0.003")), "0.00284672 of 0.003 USD"),
    ],
)
def test_a_spent_hour_is_a_hold_that_says_so_and_passes(budget, told):
    core = context(budget)
    said = outputs(core, *(snapshot(20 * n) for n in range(4)))
    assert [port for port, _ in said].count(REQUESTS) == 3
    (hold,) = holds(said)
    assert (hold.side, hold.outcome, hold.event_time) == (Side.HOLD, "over_budget", at(40))
    (call,) = [value for _, value in said if isinstance(value, ModelCall)]
    assert told in call.error
    assert (call.outcome, call.attempts, call.cost_usd) == ("over_budget", 0, 0)


def usage(question: DecisionRequest, **told) -> Message:
    taken = Usage(decision_id=question.decision_id, agent=AGENT, **({"made": True} | told))
    return said_by(
        "decisions", taken, desk="main", event_time=question.event_time, recipient=AGENT, derived_from=("u",)
    )


@pytest.mark.parametrize(
    ("taken", "fits"),
    [
        ({"tokens_in": 700, "tokens_out": 100, "cost_usd": Decimal("0.0003")}, True),
        ({"made": False}, True),
        ({}, False),
        ({"tokens_in": 700}, False),
    ],
)
def test_the_true_usage_settles_a_reservation_and_no_usage_leaves_it(taken, fits):
    core = context(CallBudget(tokens_per_hour=5_000))
    (question,) = asked(core, snapshot(0))
    said = outputs(core, usage(question, **taken), snapshot(1))
    assert (not holds(said)) == fits


def test_usage_of_a_call_that_nobody_asked_for_changes_nothing():
    core = context()
    (question,) = asked(core, snapshot(0))
    before = core.dump()
    outputs(core, usage(question.with_valid(decision_id="another"), made=False))
    assert core.dump() == before


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 180), st.integers(0, 4_000)), max_size=40),
    st.integers(0, 6),
    st.integers(0, 30_000),
)
def test_no_hour_takes_more_than_the_budget(asks, calls, tokens):
    """Whatever is asked when, and whatever part of its reservation each call turns out to take."""
    core = context(CallBudget(calls_per_hour=calls, tokens_per_hour=tokens, usd_per_hour=Decimal(100)))
    taken = []
    for number, (minute, used) in enumerate(asks):
        made = [v for p, v in outputs(core, snapshot(minute, str(number + 1))) if p == REQUESTS]
        for question in made:
            used = min(used, 3_584)
            outputs(core, usage(question, tokens_in=used, tokens_out=0, cost_usd=Decimal(0)))
            taken.append((question.event_time, used))
    for moment, _ in taken:
        hour = [used for other, used in taken if moment - timedelta(hours=1) < other <= moment]
        assert len(hour) <= calls and sum(hour) <= tokens


_SAID = st.one_of(
    st.builds(
        snapshot, st.integers(0, 30), st.integers(1, 9).map(str), st.sampled_from(["BTCUSDT", "ETHUSDT"])
    ),
    st.builds(thesis, st.integers(0, 30), st.sampled_from("abc")),
    st.builds(
        execution, st.integers(0, 30), st.integers(0, 5).map(str), st.sampled_from([Side.BUY, Side.SELL])
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(_SAID, max_size=25), st.integers(0, 25))
def test_any_log_gives_the_same_answers_after_a_restart_and_never_looks_ahead(told, cut):
    whole = context()
    questions = asked(whole, *told)
    before, after = context(), context()
    first = asked(before, *told[:cut])
    after.restore(before.dump())
    second = [
        output.value
        for number, said in enumerate(told[cut:], cut + 1)
        for output in after.apply(entry(said, number))
        if output.port == REQUESTS
    ]
    assert first + second == questions
    assert after.dump() == whole.dump()


_DATED = st.one_of(
    st.builds(
        snapshot, st.integers(0, 30), st.integers(1, 9).map(str), st.sampled_from(["BTCUSDT", "ETHUSDT"])
    ),
    st.builds(thesis, st.integers(0, 30), st.text("abcdefgh", min_size=1, max_size=3)),
    st.builds(
        execution, st.integers(0, 30), st.integers(0, 5).map(str), st.sampled_from([Side.BUY, Side.SELL])
    ),
    st.integers(0, 30).map(
        lambda minute: message(minute, "portfolio", guidance(minute), str(minute), to=AGENT)
    ),
)


def known(questions: list[DecisionRequest]) -> list[DecisionRequest]:
    """The questions without their places in the log, which tell nothing to the agent."""
    return [question.with_valid(position=0) for question in questions]


@settings(max_examples=30, deadline=None)
@given(st.lists(_DATED, max_size=25))
def test_whatever_is_in_the_log_after_a_question_it_is_the_same_without(told):
    """In whatever order it arrives: leave out all that is dated later than a question, and the question is the same."""
    core, asked_so_far = context(), 0
    for number, said in enumerate(told, 1):
        for question in asked(core, said):
            asked_so_far += 1
            past = [other for other in told[:number] if other.event_time <= question.event_time]
            assert known(asked(context(), *past))[-1] == known([question])[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(_DATED, max_size=25), st.integers(0, 30))
def test_a_sorted_log_asks_the_same_up_to_any_moment_whatever_comes_after(told, minute):
    def in_order(log: list[Message]) -> list[Message]:
        return sorted(log, key=lambda said: (said.event_time, said.message_id))

    whole = [q for q in asked(context(), *in_order(told)) if q.event_time <= at(minute)]
    past = [said for said in told if said.event_time <= at(minute)]
    assert asked(context(), *in_order(past)) == whole
