"""The desk's core: what one message goes through, in the order of the log, and what follows from it."""

import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.controls import Budget, ControlAction, Goal, MessageClass
from contracts.message import Message
from contracts.payloads import Consensus, Heartbeat, HftSignal, Mark, Question, StrategyDiscussion
from tests.transforms.coordination.desk import (
    ROSTER,
    START,
    Talk,
    adjustment,
    as_lines,
    control,
    fill,
    insight,
    message,
    recipients,
    risk,
    rows,
    thesis,
)
from transforms.coordination.desk import Coordination
from transforms.log import LogEntry


def signal(strategy: str = "market_making", symbol: str = "ETHUSDT") -> HftSignal:
    return HftSignal(side="BUY", symbol=symbol, confidence=0.5, notional=10, strategy=strategy)


def settled() -> Talk:
    """A desk on which everyone has just heard a broadcast, so that no floor is due, and nobody is above the mean."""
    talk = Talk()
    for agent in ("ann", "bob", "cid"):
        talk.hear(message(agent, -100, thesis()))
    return talk


# --- routing ------------------------------------------------------------------------------------------------------


def test_a_thesis_reaches_the_inbox_and_the_context_of_whom_it_concerns() -> None:
    outputs = settled().hear(message("ann", 0, thesis()))
    assert recipients(outputs, "inbox") == recipients(outputs, "contexts") == ["bob"]
    deliveries = {row.recipient: (row.delivered, row.reason) for row in rows(outputs, "deliveries")}
    assert deliveries == {"bob": (True, "relevant"), "cid": (False, "not_relevant")}
    assert recipients(outputs, "admitted") == []


def test_the_desks_own_consensus_needs_no_budget_and_goes_to_whom_it_concerns() -> None:
    talk = settled()
    for second in range(5):
        said = Consensus(symbol="BTCUSDT", side="BUY", score=1, participants=("ann", "bob"))
        outputs = talk.hear(message("trading", second, said))
        assert rows(outputs, "messages")[0].verdict == "admitted"
        assert recipients(outputs, "inbox") == ["ann", "bob"]
    assert talk.verdict(message("trading", 6, insight())) == "refused"
    assert talk.verdict(message("stranger", 6, said)) == "refused"


def test_a_bot_has_an_inbox_and_no_context() -> None:
    outputs = settled().hear(message("bob", 0, Question(topic="market making", question="?")))
    assert recipients(outputs, "inbox") == ["ann", "cid"] or recipients(outputs, "inbox") == ["cid"]
    assert "cid" not in recipients(outputs, "contexts")


def test_a_discussion_reaches_its_addressee_alone_however_relevant() -> None:
    outputs = settled().hear(message("cid", 0, StrategyDiscussion(topic="tea", content="?"), recipient="ann"))
    assert recipients(outputs, "inbox") == recipients(outputs, "contexts") == ["ann"]
    assert [row.reason for row in rows(outputs, "deliveries")] == ["directed"]


def test_a_signal_reaches_the_trading_job_whoever_else_hears_it() -> None:
    said = message("ann", 0, signal("unnamed", "SOLUSDT"))
    outputs = settled().hear(said)
    assert [o.value for o in outputs if o.port == "admitted"] == [said]
    assert recipients(outputs, "inbox") == []


def test_a_copy_is_the_message_but_for_its_recipient() -> None:
    said = message("ann", 0)
    copy = next(o.value for o in settled().hear(said) if o.port == "inbox")
    assert copy == said.model_copy(update={"recipient": copy.recipient})
    assert Message.from_json(copy.to_json()) == copy


def test_a_heartbeat_is_admitted_and_bothers_nobody() -> None:
    talk = Talk()
    outputs = talk.hear(message("ann", 0, Heartbeat()))
    assert rows(outputs, "messages")[0].verdict == "admitted"
    assert len(outputs) == 1
    assert rows(talk.hear(message("ann", 1)), "messages")[0].activity_score == 1.0


# --- verdicts -----------------------------------------------------------------------------------------------------


def test_a_repeated_id_is_dropped() -> None:
    talk = Talk()
    assert talk.verdict(message("ann", 0, message_id="m1")) == "admitted"
    outputs = talk.hear(message("ann", 1, message_id="m1"))
    assert [row.verdict for row in rows(outputs, "messages")] == ["duplicate"]
    assert len(outputs) == 1


def test_what_is_past_the_budget_is_throttled_with_the_time_to_wait() -> None:
    talk = Talk()
    outputs = [rows(talk.hear(message("ann", at)), "messages")[0] for at in (0, 0, 0, 4, 10)]
    assert [(row.verdict, row.retry_after_seconds) for row in outputs] == [
        ("admitted", None), ("admitted", None), ("admitted", None), ("throttled", 6.0), ("admitted", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (message("eve", 0), "unknown sender"),
        (message("ann", 0, recipient="eve"), "unknown recipient"),
        (message("console", 0, control(ControlAction.MUTE, agent="eve")), "a control of an unknown agent"),
        (message("market", 0, Mark(symbol="BTCUSDT", price=1)), "records do not pass through coordination"),
    ],
)
def test_what_has_no_place_is_refused_with_the_reason(said: Message, reason: str) -> None:
    (row,) = rows(Talk().hear(said), "messages")
    assert (row.verdict, row.reason) == ("refused", reason)


def test_a_message_dated_back_finds_the_budget_of_the_latest_time() -> None:
    talk = Talk()
    for at in (100, 100, 100):
        talk.verdict(message("ann", at))
    late = rows(talk.hear(message("ann", 0)), "messages")[0]
    assert (late.verdict, late.retry_after_seconds) == ("throttled", 10.0)


def test_an_agent_above_twice_the_mean_is_held_back_until_it_decays() -> None:
    """ann's sixteen fills make her 2.3 times the mean; she goes on talking, and is heard again when they have decayed."""
    talk = settled()
    for number in range(16):
        talk.hear(
            message("trading", 0, fill("ann").model_copy(update={"sequence": number + 1}), recipient="ann")
        )
    scores, heard = [], []
    for at in range(10, 1000, 10):
        outputs = talk.hear(message("ann", at))
        scores.append(rows(outputs, "messages")[0].activity_score)
        heard.append(next(row.reason for row in rows(outputs, "deliveries") if row.recipient == "bob"))
    down = next(index for index, score in enumerate(scores) if score <= 2)
    assert scores[0] > 2.3
    assert 20 < down < 90
    assert set(heard[:down]) == {"sender_too_active", "floor"}
    assert heard[:down].count("floor") <= 3
    assert "relevant" in heard[down:]
    assert max(scores[down:]) < 2.2


# --- critical -----------------------------------------------------------------------------------------------------

talkers = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "cid"]), st.integers(0, 20), st.booleans()), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(talkers, st.booleans())
def test_a_critical_message_is_never_throttled_and_reaches_everyone(
    said: list[tuple[str, int, bool]], mute: bool
) -> None:
    talk, at = Talk(), 0.0
    if mute:
        talk.hear(message("console", 0, control(ControlAction.MUTE, agent="ann")))
    for sender, gap, critical in said:
        at += gap / 10
        outputs = talk.hear(message(sender, at, risk() if critical else thesis()))
        if critical:
            assert rows(outputs, "messages")[0].verdict == "admitted"
            assert recipients(outputs) == [agent for agent in ("ann", "bob", "cid") if agent != sender]


# --- controls -----------------------------------------------------------------------------------------------------


def test_each_control_is_in_force_from_its_place_and_audited() -> None:
    talk = Talk()
    wide = Budget(seconds_per_message=1, burst=10)
    asked = [
        control(ControlAction.THRESHOLD, agent="bob", threshold=0.95, reason="calmer"),
        control(ControlAction.BUDGET, agent="ann", message_class=MessageClass.CHATTER, budget=wide),
        control(ControlAction.MUTE, agent="cid"),
        control(ControlAction.UNMUTE, agent="cid"),
    ]
    audited = [rows(talk.hear(message("console", at, one)), "controls")[0] for at, one in enumerate(asked)]
    assert [(row.action, row.agent, row.before, row.after) for row in audited] == [
        ("threshold", "bob", "0.6", "0.95"),
        (
            "budget",
            "ann",
            '{"message_class":"chatter","seconds_per_message":10.0,"burst":3}',
            '{"message_class":"chatter","seconds_per_message":1.0,"burst":10}',
        ),
        ("mute", "cid", "false", "true"),
        ("unmute", "cid", "true", "false"),
    ]
    assert {row.issued_by for row in audited} == {"operator"}
    assert audited[0].reason == "calmer"
    assert [talk.verdict(message("ann", 10)) for _ in range(11)] == ["admitted"] * 10 + ["throttled"]


def test_a_muted_agent_is_refused_until_it_is_unmuted() -> None:
    talk = Talk()
    talk.hear(message("console", 0, control(ControlAction.MUTE, agent="ann")))
    assert talk.verdict(message("ann", 1)) == "refused"
    talk.hear(message("console", 2, control(ControlAction.UNMUTE, agent="ann")))
    assert talk.verdict(message("ann", 3)) == "admitted"


@pytest.mark.parametrize(
    "one",
    [
        control(ControlAction.GOAL, goal=Goal.MARKET_NEUTRAL),
        control(ControlAction.KILL),
        control(ControlAction.KILL, agent="eve"),
        control(ControlAction.RESTORE, core="portfolio", state={}),
    ],
)
def test_what_is_not_ours_goes_on_to_the_trading_job_and_is_not_audited_here(one: object) -> None:
    outputs = Talk().hear(message("console", 0, one))
    assert len([o for o in outputs if o.port == "admitted"]) == 1
    assert rows(outputs, "controls") == []


# --- the log and the state ----------------------------------------------------------------------------------------


def a_day(seed: int, count: int) -> list[Message]:
    """A lively log: theses, signals, directed insights, fills, repeats, late ones and controls."""
    dice, said, at = random.Random(seed), [], 0.0
    for _ in range(count):
        at += dice.choice((0.2, 1, 5, 60))
        sender = dice.choice(("ann", "bob", "cid", "eve"))
        payload = dice.choice(
            (thesis(), thesis("ETHUSDT", 0.95), signal(), insight(), adjustment(), risk(), fill("ann"))
        )
        recipient = dice.choice((None, None, "ann"))
        said.append(message(sender, at - dice.choice((0, 0, 0, 30)), payload, recipient))
        if dice.random() < 0.1:
            said.append(dice.choice(said))
        if dice.random() < 0.05:
            agent = dice.choice(("ann", "bob"))
            said.append(
                message(
                    "console",
                    at,
                    control(dice.choice((ControlAction.MUTE, ControlAction.UNMUTE)), agent=agent),
                )
            )
    return said


def test_the_same_log_gives_the_same_bytes() -> None:
    said = a_day(1, 300)
    first, second = Talk(), Talk()
    assert [as_lines(first.hear(one)) for one in said] == [as_lines(second.hear(one)) for one in said]
    assert first.core.dump() == second.core.dump()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 59))
def test_it_goes_on_from_a_dump_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    said = a_day(seed, 60)
    whole, before = Talk(), Talk()
    for one in said[:cut]:
        whole.hear(one)
        before.hear(one)
    resumed = Talk(Coordination("main", ROSTER))
    resumed.core.restore(before.core.dump())
    resumed.position = before.position
    assert resumed.core.dump() == whole.core.dump()
    for one in said[cut:]:
        assert as_lines(resumed.hear(one)) == as_lines(whole.hear(one))


def test_a_restore_control_brings_the_state_in_through_the_log() -> None:
    before = Talk()
    for one in a_day(2, 100):
        before.hear(one)
    anew = Talk()
    state = orjson.loads(before.core.dump())
    outputs = anew.hear(
        message("launcher", 0, control(ControlAction.RESTORE, core="coordination", state=state))
    )
    assert [row.action for row in rows(outputs, "controls")] == ["restore"]
    assert orjson.loads(anew.core.dump())["throttle"] == state["throttle"]
    assert orjson.loads(anew.core.dump())["activity"] == state["activity"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_every_message_has_one_verdict_and_every_possible_recipient_of_an_admitted_one_a_delivery_row(
    seed: int,
) -> None:
    talk = Talk()
    for one in a_day(seed, 40):
        outputs = talk.hear(one)
        (row,) = rows(outputs, "messages")
        deliveries = rows(outputs, "deliveries")
        assert recipients(outputs) == [d.recipient for d in deliveries if d.delivered]
        if row.verdict == "admitted" and one.recipient is None:
            assert {d.recipient for d in deliveries} == {"ann", "bob", "cid"} - {one.sender}
        elif row.verdict != "admitted":
            assert len(outputs) == 1


def test_late_is_what_the_log_says_and_no_row_is_checked_less_than_a_reader_would() -> None:
    for one in a_day(3, 100):
        for output in Talk().hear(one):
            assert type(output.value).from_json(output.value.to_json()) == output.value


def test_the_state_is_bounded_by_the_roster_and_the_horizon() -> None:
    """Thirty thousand messages a second apart: what is kept follows from the last twenty minutes alone."""
    talk, sizes = Talk(), []
    said = message("ann", 0)
    for number in range(30_000):
        micros = START + number * 1_000_000
        one = said.with_valid(message_id=f"m{number}")
        talk.core.apply(LogEntry("main", number + 1, False, micros, one))
        if number > 2_000 and number % 600 == 0:
            sizes.append(len(talk.core.dump()))
    assert max(sizes) - min(sizes) < 300 * 11
