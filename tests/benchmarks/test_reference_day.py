"""What coordination is to reach on the reference workload, on the documented day and on days of other seeds."""

from functools import cache

import pytest

from tests.benchmarks.coordination_policies import Score, sapphire, score
from tests.benchmarks.loudness import DECAY_MICROS, Heard, Spell
from tests.benchmarks.reference_desk import SEED, day_of, roster

DECAY_MINUTES = DECAY_MICROS / 60_000_000

BEYOND_DECAY = {
    SEED: [],
    2: [("hummingbot-mm", 15.7, {Heard.FILL: 32})],
    8: [("hummingbot-mm", 10.1, {Heard.FILL: 20})],
}
"""By seed, the spells above twice the mean that outlast the decay: whose, how many minutes, and what was heard in them."""


@cache
def played(seed: int) -> Score:
    desk = roster()
    return score(sapphire(desk), day_of(seed), desk)


def beyond_decay(seed: int) -> list[Spell]:
    return [spell for spell in played(seed).spells if spell.beyond_decay_minutes > 0]


@pytest.mark.parametrize("seed", BEYOND_DECAY)
def test_the_targets_are_met(seed: int) -> None:
    day = played(seed)
    assert day.signals > 5_000
    assert day.throttled < 0.30
    assert 0.60 <= day.avoided <= 0.80
    assert day.critical_lost == 0
    assert day.floors_due > 0
    assert day.floors_kept == day.floors_due


def test_nobody_is_above_twice_the_mean_for_longer_than_the_decay() -> None:
    day = played(SEED)
    assert [spell.agent for spell in day.spells if spell.minutes > 1] != []
    assert day.longest_above_minutes <= DECAY_MINUTES
    assert day.beyond_decay_minutes == 0


@pytest.mark.parametrize("seed", BEYOND_DECAY)
def test_which_spells_outlast_the_decay(seed: int) -> None:
    spells = beyond_decay(seed)
    assert [(spell.agent, round(spell.minutes, 1), spell.heard) for spell in spells] == BEYOND_DECAY[seed]


@pytest.mark.parametrize("seed", BEYOND_DECAY)
def test_only_what_is_never_held_back_keeps_an_agent_up_for_longer(seed: int) -> None:
    for spell in beyond_decay(seed):
        assert spell.heard[Heard.BROADCAST] == 0
        assert spell.minutes_after_what_is_never_held_back <= DECAY_MINUTES
