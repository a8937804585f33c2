"""Deduplication: an id counts once within the horizon, and what is remembered is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.coordination.deduplication import (
    DIGEST_BYTES,
    HORIZON_MICROS,
    MOST_IDS,
    Deduplication,
    SenderIds,
)

NOW = 1_705_276_800_000_000
MINUTE = 60_000_000

arrivals = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 8 * MINUTE)), max_size=60)


def heard(seen: SenderIds, what: list[tuple[str, int]], now: int = NOW) -> list[bool]:
    answers = []
    for message_id, gap in what:
        now += gap
        answers.append(seen.is_repeated(message_id, now))
    return answers


def test_the_worked_example_of_the_docstring() -> None:
    seen = SenderIds()
    at = {"a0": 0, "b": 1, "a2": 2, "c": 11, "a12": 12}
    assert [seen.is_repeated(name[0], NOW + minute * MINUTE) for name, minute in at.items()] == [
        False, False, True, False, True,
    ]  # fmt: skip


@given(arrivals)
def test_known_within_the_horizon_and_forgotten_after_two(what: list[tuple[str, int]]) -> None:
    answers = heard(SenderIds(), what)
    last: dict[str, int] = {}
    now = NOW
    for (message_id, gap), repeated in zip(what, answers, strict=True):
        now += gap
        age = now - last[message_id] if message_id in last else None
        if age is None:
            assert not repeated
        elif age < HORIZON_MICROS:
            assert repeated
        elif age > 2 * HORIZON_MICROS:
            assert not repeated
        last[message_id] = now


@given(arrivals, arrivals)
def test_it_goes_on_from_its_state(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    first, second = SenderIds(), SenderIds()
    heard(first, before)
    second.take_up(first.state())
    later = NOW + sum(gap for _, gap in before)
    assert heard(first, after, later) == heard(second, after, later)
    assert first.state() == second.state()


def test_a_desk_that_says_too_much_shortens_the_horizon_and_not_the_memory() -> None:
    seen = SenderIds()
    for number in range(3 * MOST_IDS):
        seen.is_repeated(f"m{number}", NOW)
    _, young, old = seen.state()
    assert len(young) + len(old) <= 2 * MOST_IDS * DIGEST_BYTES * 4 // 3 + 8
    assert seen.is_repeated(f"m{3 * MOST_IDS - 1}", NOW)


def test_nobodys_talk_makes_anothers_ids_forgotten() -> None:
    seen = Deduplication(["ann", "bob"])
    assert not seen.is_repeated("bob", "once", NOW)
    for number in range(3 * MOST_IDS):
        seen.is_repeated("ann", f"m{number}", NOW)
        seen.is_repeated(f"stranger-{number}", "hello", NOW)
    assert seen.is_repeated("bob", "once", NOW)
    assert seen.is_repeated(f"stranger-{number}", "hello", NOW)
    assert not seen.is_repeated("bob", f"m{number}", NOW)


def test_whoever_has_spoken_is_in_the_state_and_who_left_the_roster_is_forgotten() -> None:
    first, second = Deduplication(["ann", "bob", "cid"]), Deduplication(["bob", "cid"])
    for sender in ("ann", "bob"):
        first.is_repeated(sender, "a", NOW)
    second.take_up(first.state())
    assert [*first.state()] == ["ann", "bob"]
    assert [*second.state()] == ["bob"]
    assert second.is_repeated("bob", "a", NOW)
    assert not second.is_repeated("ann", "a", NOW)
