"""Participation: thresholds as they stand, the floor, holding back; asking changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.coordination.participation import FLOOR_MICROS, HOLD_BACK_ABOVE, DeliveryReason, Participation
from contracts.coordination.relevance import Facts, facts_of
from tests.transforms.coordination.desk import ROSTER, message, thesis

NOW = 1_705_276_800_000_000

unit = st.floats(0, 1)
activities = st.floats(0, 7)
moments = st.integers(0, 3 * FLOOR_MICROS)


def heard() -> Participation:
    """A desk on which everyone heard a broadcast just now, so that no floor is due."""
    participation = Participation(ROSTER)
    for agent in ("ann", "bob", "cid"):
        participation.delivered(agent, NOW)
    return participation


def about(relevance: float) -> Facts:
    """Facts from cid, who has no partners, that have just this relevance to ann: certainty is all they have."""
    return Facts("cid", None, None, relevance)


def test_relevant_enough_is_delivered_and_less_is_not() -> None:
    participation = heard()
    to_bob = participation.verdict(facts_of(message("ann", 0)), "bob", 1.0, NOW)
    assert (to_bob.delivered, to_bob.reason, to_bob.threshold) == (True, DeliveryReason.RELEVANT, 0.6)
    to_cid = participation.verdict(facts_of(message("ann", 0)), "cid", 1.0, NOW)
    assert (to_cid.delivered, to_cid.reason) == (False, DeliveryReason.NOT_RELEVANT)


@pytest.mark.parametrize(
    ("activity", "quiet_share", "threshold"),
    [(1.0, 0.0, 0.6), (0.2, 0.0, 0.6), (1.5, 0.0, 0.7), (1.0, 0.5, 0.5), (9.0, 0.0, 1.0), (0.0, 9.0, 0.4)],
)
def test_the_threshold_rises_with_the_sender_and_falls_with_silence(
    activity: float, quiet_share: float, threshold: float
) -> None:
    now = NOW + int(quiet_share * FLOOR_MICROS)
    assert heard().verdict(about(0.5), "bob", activity, now).threshold == pytest.approx(threshold)


@given(unit, activities, moments)
def test_the_verdicts_for_many_are_those_for_each(conviction: float, activity: float, later: int) -> None:
    participation, facts, now = heard(), about(conviction), NOW + later
    alone = [participation.verdict(facts, agent, activity, now) for agent in ("bob", "ann")]
    assert participation.verdicts(facts, ("bob", "ann"), activity, now) == alone
    assert [verdict.recipient for verdict in alone] == ["bob", "ann"]


def test_a_sender_above_twice_the_mean_is_held_back_whatever_it_says() -> None:
    certain = facts_of(message("ann", 0, thesis(conviction=1.0)))
    verdict = heard().verdict(certain, "bob", HOLD_BACK_ABOVE + 0.01, NOW)
    assert (verdict.delivered, verdict.reason, verdict.relevance) == (
        False,
        DeliveryReason.SENDER_TOO_ACTIVE,
        1.0,
    )


@given(st.lists(st.tuples(st.integers(0, 200_000_000), unit, activities), min_size=1, max_size=60))
def test_every_agent_hears_a_broadcast_in_every_floor_interval_that_has_one(
    said: list[tuple[int, float, float]],
) -> None:
    participation, now, last_heard = Participation(ROSTER), NOW, None
    for gap, conviction, activity in said:
        now += gap
        verdict = participation.verdict(Facts("cid", "SOLUSDT", None, conviction), "ann", activity, now)
        if verdict.delivered:
            participation.delivered("ann", now)
        else:
            assert last_heard is not None
            assert now - last_heard < FLOOR_MICROS
        last_heard = now if verdict.delivered else last_heard


@given(unit, activities, moments)
def test_asking_changes_nothing(conviction: float, activity: float, later: int) -> None:
    participation = heard()
    before = repr(participation.state())
    first = participation.verdict(about(conviction), "ann", activity, NOW + later)
    assert participation.verdict(about(conviction), "ann", activity, NOW + later) == first
    assert repr(participation.state()) == before


@given(unit, unit, activities, moments)
def test_more_relevance_never_hurts(one: float, other: float, activity: float, later: int) -> None:
    less, more = sorted((one, other))
    participation = heard()
    verdicts = [
        participation.verdict(about(conviction), "ann", activity, NOW + later).delivered
        for conviction in (less, more)
    ]
    assert verdicts == sorted(verdicts)


def test_thresholds_and_last_deliveries_survive_and_strangers_do_not() -> None:
    participation = heard()
    participation.change_threshold("bob", 0.9)
    state = participation.state()
    state[0]["gone"] = 0.1
    state[1]["gone"] = NOW
    again = Participation(ROSTER)
    again.take_up(state)
    assert again.threshold("bob") == 0.9
    assert again.threshold("ann") == Participation(ROSTER).threshold("ann")
    assert again.state() == participation.state()


def test_a_threshold_that_was_not_changed_is_the_rosters() -> None:
    agents = [profile.model_copy(update={"participation_threshold": 0.1}) for profile in ROSTER.agents]
    participation = heard()
    participation.change_threshold("bob", 0.9)
    again = Participation(ROSTER.model_copy(update={"agents": tuple(agents)}))
    again.take_up(participation.state())
    assert (again.threshold("ann"), again.threshold("bob")) == (0.1, 0.9)
