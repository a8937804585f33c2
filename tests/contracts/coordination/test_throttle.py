"""The throttle: exact, bounded, forgiving after the cooldown, and unmoved by questions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.controls import Budget, MessageClass
from contracts.coordination.throttle import Throttle
from tests.transforms.coordination.desk import ROSTER, SECOND

LINE = ("ann", MessageClass.CHATTER)

budgets = st.builds(
    Budget, seconds_per_message=st.integers(1, 40_000_000).map(lambda n: n / 1e6), burst=st.integers(1, 20)
)
steps = st.lists(st.integers(0, 30_000_000), max_size=60)
"""Microseconds between one message and the next."""


def throttle(budget: Budget) -> Throttle:
    return Throttle({LINE: budget})


def times(gaps: list[int]) -> list[int]:
    now, at = 1_000_000_000, []
    for gap in gaps:
        now += gap
        at.append(now)
    return at


class RationalGcra:
    """The same rule as a leaky bucket in exact fractions of seconds: a level that drains, and `burst` at the brim."""

    def __init__(self, budget: Budget) -> None:
        self.period = Fraction(round(budget.seconds_per_message * 1e6), 1_000_000)
        self.burst = budget.burst
        self.level = Fraction(0)
        self.at: Fraction | None = None

    def take(self, micros: int) -> Fraction:
        now = Fraction(micros, 1_000_000)
        if self.at is not None:
            self.level = max(Fraction(0), self.level - (now - self.at) / self.period)
        self.at = now
        excess = self.level + 1 - self.burst
        if excess > 0:
            return excess * self.period
        self.level += 1
        return Fraction(0)


def test_the_worked_example_of_the_docstring() -> None:
    line = throttle(Budget(seconds_per_message=10, burst=3))
    answers = [line.take(LINE, 1_000 * SECOND + at * SECOND) / SECOND for at in (0, 0, 0, 0, 10, 12, 60)]
    assert answers == [0, 0, 0, 10, 0, 8, 0]


@given(budgets, steps)
def test_it_is_exact_against_rational_arithmetic(budget: Budget, gaps: list[int]) -> None:
    ours, exact = throttle(budget), RationalGcra(budget)
    for now in times(gaps):
        assert Fraction(ours.take(LINE, now), 1_000_000) == exact.take(now)


@given(budgets, steps)
def test_any_interval_admits_at_most_the_burst_and_the_rate(budget: Budget, gaps: list[int]) -> None:
    line = throttle(budget)
    admitted = [now for now in times(gaps) if not line.take(LINE, now)]
    period = round(budget.seconds_per_message * 1e6)
    for first, begin in enumerate(admitted):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= budget.burst + Fraction(admitted[last] - begin, period)


@given(budgets, steps)
def test_a_whole_burst_is_back_after_the_cooldown(budget: Budget, gaps: list[int]) -> None:
    line = throttle(budget)
    now = 0
    for now in times(gaps):
        line.take(LINE, now)
    rested = now + round(budget.seconds_per_message * 1e6) * budget.burst
    assert [line.take(LINE, rested) for _ in range(budget.burst)] == [0] * budget.burst
    assert line.take(LINE, rested) > 0


@given(budgets, steps)
def test_asking_changes_nothing_and_tells_the_truth(budget: Budget, gaps: list[int]) -> None:
    asked, silent = throttle(budget), throttle(budget)
    for now in times(gaps):
        wait = asked.wait(LINE, now)
        assert asked.wait(LINE, now + wait) == 0
        assert wait == 0 or asked.wait(LINE, now + wait - 1) == 1
        assert asked.take(LINE, now) == silent.take(LINE, now) == wait
    assert asked.state() == silent.state()


@given(budgets, budgets, steps)
def test_a_changed_budget_is_in_force_and_never_owes_more_than_its_own_burst(
    old: Budget, new: Budget, gaps: list[int]
) -> None:
    line = throttle(old)
    now = 0
    for now in times(gaps):
        line.take(LINE, now)
    line.change(LINE, new, now)
    assert line.budget(LINE) == new
    assert line.wait(LINE, now) <= round(new.seconds_per_message * 1e6)


def test_the_same_share_of_the_burst_stays_spent() -> None:
    """Narrowed when all is spent: nothing is left. Widened when a third is spent: two thirds are left."""
    wide, narrow = Budget(seconds_per_message=1, burst=20), Budget(seconds_per_message=60, burst=3)
    line = throttle(wide)
    assert [line.take(LINE, SECOND) for _ in range(20)] == [0] * 20
    line.change(LINE, narrow, SECOND)
    assert line.take(LINE, SECOND) == 60 * SECOND
    line = throttle(narrow)
    line.take(LINE, SECOND)
    line.change(LINE, Budget(seconds_per_message=1, burst=30), SECOND)
    assert [line.take(LINE, SECOND) for _ in range(21)] == [0] * 20 + [SECOND]


def test_a_budget_that_was_not_changed_is_the_rosters() -> None:
    """The roster's new budget comes into force with what was spent of the old one; a control's stays."""
    old, new = Budget(seconds_per_message=10, burst=3), Budget(seconds_per_message=2, burst=6)
    first = throttle(old)
    assert [first.take(LINE, SECOND) for _ in range(3)] == [0] * 3
    second = throttle(new)
    second.take_up(first.state(), SECOND)
    assert second.budget(LINE) == new
    assert second.wait(LINE, SECOND) == 2 * SECOND
    first.change(LINE, Budget(seconds_per_message=5, burst=1), SECOND)
    second.take_up(first.state(), SECOND)
    assert second.budget(LINE) == Budget(seconds_per_message=5, burst=1)
    assert second.state() == first.state()


@given(budgets, steps, steps)
def test_it_goes_on_from_its_state(budget: Budget, before: list[int], after: list[int]) -> None:
    first, second = throttle(budget), throttle(budget)
    moments = times(before + after)
    for now in moments[: len(before)]:
        first.take(LINE, now)
    second.take_up(first.state(), 0)
    assert [first.take(LINE, now) for now in moments[len(before) :]] == [
        second.take(LINE, now) for now in moments[len(before) :]
    ]


def test_classes_and_senders_do_not_share_a_budget() -> None:
    line = Throttle.of(ROSTER)
    while not line.take(("ann", MessageClass.CHATTER), SECOND):
        pass
    assert line.wait(("ann", MessageClass.SIGNAL), SECOND) == 0
    assert line.wait(("bob", MessageClass.CHATTER), SECOND) == 0


def test_an_agent_that_left_the_roster_is_forgotten() -> None:
    line = throttle(Budget(seconds_per_message=1, burst=1))
    line.take_up([["gone", "chatter", 5, 1.0, 1, True]], 0)
    assert [entry[0] for entry in line.state()] == ["ann"]


def test_a_critical_message_has_no_line() -> None:
    with pytest.raises(KeyError):
        Throttle.of(ROSTER).take(("ann", MessageClass.CRITICAL), SECOND)


def test_the_state_stays_as_large_as_it_was() -> None:
    line = throttle(Budget(seconds_per_message=1, burst=5))
    sizes = set()
    for number in range(200_000):
        line.take(LINE, START_OF_MANY + number * 300_000)
        if number % 20_000 == 0:
            sizes.add(len(repr(line.state())))
    assert len(sizes) == 1


START_OF_MANY = 1_700_000_000_000_000
