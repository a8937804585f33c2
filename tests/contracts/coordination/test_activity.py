"""The activity score: 1 is average, old things count less, and asking changes nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.coordination.activity import HALF_LIFE_MICROS, PRIOR, Activity

AGENTS = ("ann", "bob", "cid")
NOW = 1_705_276_800_000_000

events = st.lists(st.tuples(st.sampled_from(AGENTS), st.booleans(), st.integers(0, 900_000_000)), max_size=40)
"""Who, whether it was a trade, and microseconds since the event before."""


def told(happened: list[tuple[str, bool, int]]) -> tuple[Activity, dict[str, float], int]:
    """The activity after the events, and the same sums told plainly: each event decayed by its age."""
    activity, now, past = Activity(AGENTS), NOW, []
    for agent, trade, gap in happened:
        now += gap
        (activity.trade if trade else activity.message)(agent, now)
        past.append((agent, 0.7 if trade else 0.3, now))
    plain = dict.fromkeys(AGENTS, 0.0)
    for agent, weight, at in past:
        plain[agent] += weight * 0.5 ** ((now - at) / HALF_LIFE_MICROS)
    return activity, plain, now


@given(events)
def test_it_is_the_decayed_sum_over_the_mean(happened: list[tuple[str, bool, int]]) -> None:
    activity, plain, now = told(happened)
    mean = sum(plain.values()) / len(AGENTS)
    for agent in AGENTS:
        assert activity.score(agent, now) == pytest.approx((plain[agent] + PRIOR) / (mean + PRIOR), rel=1e-9)


@given(events, st.integers(0, 10**14))
def test_one_is_average_at_any_time(happened: list[tuple[str, bool, int]], later: int) -> None:
    activity, _, now = told(happened)
    assert math.fsum(activity.score(agent, now + later) for agent in AGENTS) == pytest.approx(len(AGENTS))


@given(events)
def test_silence_brings_everyone_back_to_average(happened: list[tuple[str, bool, int]]) -> None:
    activity, _, now = told(happened)
    assert activity.score("ann", now + 40 * HALF_LIFE_MICROS) == pytest.approx(1.0, abs=1e-4)


@given(events)
def test_asking_changes_nothing(happened: list[tuple[str, bool, int]]) -> None:
    activity, _, now = told(happened)
    before = repr(activity.state())
    activity.score("ann", now + 10**12)
    assert repr(activity.state()) == before


@given(events, events)
def test_it_goes_on_from_its_state_to_the_bit(
    happened: list[tuple[str, bool, int]], then: list[tuple[str, bool, int]]
) -> None:
    first, _, now = told(happened)
    second = Activity(AGENTS)
    second.take_up(first.state())
    for agent, trade, gap in then:
        now += gap
        for activity in (first, second):
            (activity.trade if trade else activity.message)(agent, now)
    assert repr(first.state()) == repr(second.state())


def test_one_message_after_years_of_silence_is_counted() -> None:
    activity = Activity(AGENTS)
    activity.message("ann", NOW)
    ten_years = NOW + 10 * 365 * 86_400 * 1_000_000
    activity.message("bob", ten_years)
    assert activity.score("ann", ten_years) == pytest.approx(1.5 / 1.6)
    assert activity.score("bob", ten_years) == pytest.approx(1.8 / 1.6)


def test_the_sums_of_who_left_do_not_weigh_on_the_mean() -> None:
    busy = Activity((*AGENTS, "gone"))
    for _ in range(100):
        busy.message("gone", NOW)
    activity = Activity(AGENTS)
    activity.take_up(busy.state())
    assert activity.score("ann", NOW) == 1.0


def test_the_state_stays_as_large_as_it_was() -> None:
    activity = Activity(AGENTS)
    for number in range(200_000):
        activity.message(AGENTS[number % 3], NOW + number * 1_000_000)
    assert len(repr(activity.state())) < 200
