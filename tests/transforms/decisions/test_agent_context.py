from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.decisions import DecisionRequest
from contracts.message import Message
from contracts.payloads import Guidance, Heartbeat, Side
from tests.transforms.decisions.told import AGENT, at, entry, execution, message, profile, snapshot, thesis
from transforms.decisions.agent_context import CLOSES_KEPT, AgentContext
from transforms.decisions.deliveries import REMEMBERED


def context() -> AgentContext:
    return AgentContext("main", profile())


def asked(core: AgentContext, *told: Message) -> list[DecisionRequest]:
    """The questions that follow from a log."""
    return [output.value for number, said in enumerate(told, 1) for output in core.apply(entry(said, number))]


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


def guidance() -> Guidance:
    return Guidance(
        agent=AGENT,
        role="momentum",
        goal="maximum_profit",
        capital=Decimal(1440),
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


_SAID = st.one_of(
    st.builds(
        snapshot, st.integers(0, 30), st.integers(1, 9).map(str), st.sampled_from(["BTCUSDT", "ETHUSDT"])
    ),
    st.builds(thesis, st.integers(0, 30), st.sampled_from("abc")),
    st.builds(
        execution, st.integers(0, 30), st.integers(0, 5).map(str), st.sampled_from([Side.BUY, Side.SELL])
    ),
)


@settings(max_examples=40)
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
    ]
    assert first + second == questions
    assert after.dump() == whole.dump()
    assert all(heard.event_time <= question.event_time for question in questions for heard in question.heard)
