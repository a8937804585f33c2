"""The tuner: its suggestions are bounded, small, and follow the market and the talk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.coordination.tuner import (
    EVERY_MICROS,
    FARTHEST,
    LARGEST_STEP,
    LEAST,
    MOST,
    SMALLEST_STEP,
    Tuner,
)

MINUTE = 60_000_000
AVERAGE = {"a": 1.0}


def in_regime(ratio: float, middle: float = 0.5) -> Tuner:
    """A tuner that heard a usual volatility for twelve hours, and then this many times of it."""
    tuner = Tuner({"a": middle})
    for minute in range(1, 720):
        tuner.hear(0.03, minute * MINUTE)
    tuner.hear(0.03 * ratio, 720 * MINUTE)
    return tuner


def suggested(tuner: Tuner, threshold: float, activity: float = 1.0) -> float | None:
    found = tuner.look({"a": threshold}, {"a": activity}, 720 * MINUTE)
    return found[0].suggested if found else None


@pytest.mark.parametrize(
    ("ratio", "activity", "in_force", "wanted"),
    [
        (1.0, 1.0, 0.5, None),
        (2.0, 1.0, 0.5, 0.55),
        (2.0, 1.0, 0.55, 0.6),
        (2.0, 1.0, 0.6, None),
        (4.0, 3.0, 0.63, 0.65),
        (0.5, 1.0, 0.5, 0.45),
        (0.5, 0.0, 0.4, 0.35),
        (1.0, 0.8, 0.5, None),
        (1.0, 2.0, 0.5, 0.55),
        (1.0, 1.0, 0.9, 0.85),
    ],
)
def test_it_follows_market_and_activity(
    ratio: float, activity: float, in_force: float, wanted: float | None
) -> None:
    found = suggested(in_regime(ratio), in_force, activity)
    assert found == (None if wanted is None else pytest.approx(wanted, abs=2e-3))


def test_it_looks_every_five_minutes_of_event_time() -> None:
    tuner = in_regime(2.0)
    assert suggested(tuner, 0.5) is not None
    assert tuner.look({"a": 0.55}, AVERAGE, 720 * MINUTE + EVERY_MICROS - 1) == []
    assert len(tuner.look({"a": 0.55}, AVERAGE, 720 * MINUTE + EVERY_MICROS)) == 1


def test_what_still_stands_is_said_again_after_an_hour() -> None:
    tuner = in_regime(2.0)
    said = [
        bool(tuner.look({"a": 0.5}, AVERAGE, 720 * MINUTE + number * EVERY_MICROS)) for number in range(13)
    ]
    assert said == [True, *[False] * 11, True]


def test_what_is_usual_is_learned_anew() -> None:
    tuner = in_regime(2.0)
    assert tuner.regime == pytest.approx(2.0, abs=0.01)
    for minute in range(721, 721 + 48 * 60):
        tuner.hear(0.06, minute * MINUTE)
    assert tuner.regime == pytest.approx(1.0, abs=0.01)
    assert Tuner({"a": 0.5}).regime == 1.0


def test_it_stays_around_what_a_person_set() -> None:
    tuner = in_regime(1.0)
    tuner.set_by_a_person("a", 0.2)
    assert suggested(tuner, 0.2) is None
    assert suggested(in_regime(1.0), 0.2) == 0.25


def test_the_reason_says_what_was_seen() -> None:
    (found,) = in_regime(2.0).look({"a": 0.5}, {"a": 1.25}, 720 * MINUTE)
    assert found.reason == (
        "the market is 1.99 times as volatile as usual, and the agent 1.25 times as active as the desk's mean"
    )


units = st.floats(0, 1)


@given(st.lists(st.floats(0, 2), max_size=20), st.floats(0, 50), units, units, st.integers(0, 10_000_000))
def test_a_suggestion_is_bounded_and_worth_it(
    volatilities: list[float], activity: float, middle: float, own: float, pause: int
) -> None:
    tuner = Tuner({"a": middle})
    for number, volatility in enumerate(volatilities, 1):
        tuner.hear(volatility, number * pause + 1)
    for suggestion in tuner.look({"a": own}, {"a": activity}, 1):
        step = suggestion.suggested - own
        assert SMALLEST_STEP - 1e-3 <= abs(step) <= LARGEST_STEP + 1e-3
        assert 0 <= suggestion.suggested <= 1
        low, high = max(LEAST, middle - FARTHEST), min(MOST, middle + FARTHEST)
        if low <= own <= high:  # never out of its bounds
            assert low - 1e-3 <= suggestion.suggested <= high + 1e-3
        else:  # always towards them
            assert (step > 0) == (own < low)


@given(st.floats(0.1, 10), st.floats(0.1, 10), units)
def test_a_wilder_market_never_asks_for_a_lower_threshold(one: float, other: float, own: float) -> None:
    calm, wild = sorted((one, other))
    lower, higher = (suggested(in_regime(ratio), own) or own for ratio in (calm, wild))
    assert lower <= higher


@given(st.lists(st.floats(0, 2), max_size=5))
def test_it_goes_on_from_its_state(volatilities: list[float]) -> None:
    tuner = Tuner({"a": 0.5, "b": 0.4})
    for number, volatility in enumerate(volatilities, 1):
        tuner.hear(volatility, number * MINUTE)
        tuner.look({"a": 0.5, "b": 0.4}, {"a": 1.0, "b": 1.0}, number * MINUTE)
    anew = Tuner({"a": 0.5})
    anew.take_up(tuner.state())
    assert anew.state()[2:] == tuner.state()[2:]
    again = Tuner({"a": 0.5, "b": 0.4})
    again.take_up(tuner.state())
    assert again.state() == tuner.state()
    assert anew.regime == tuner.regime
