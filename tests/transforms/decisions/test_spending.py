"""The hour of an agent's calls, against sums over all that was ever charged."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.calls import CallBudget
from contracts.payloads import Usage
from transforms.decisions.spending import HOUR_MICROS, SpentHour

BUDGET = CallBudget(calls_per_hour=2, tokens_per_hour=1_000, usd_per_hour=Decimal("0.01"))
MINUTE = 60_000_000
STEPS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 400), st.sampled_from(["asked", "made", "not made", "unknown"])
    ),
    max_size=30,
)


def usage(number: int, told: str, tokens: int) -> Usage:
    known = None if told == "unknown" else tokens
    return Usage(
        decision_id=f"d-{number}", agent="qwen-7b", made=told != "not made", tokens_in=known, tokens_out=known,
        cost_usd=None if known is None else Decimal(tokens) / 100_000,
    )  # fmt: skip


@given(STEPS)
def test_the_sums_are_those_of_the_charges_that_are_left(steps: list[tuple[int, int, str]]) -> None:
    hour, now = SpentHour(), 0
    for number, (minutes, tokens, told) in enumerate(steps):
        now += minutes * MINUTE
        hour.go_on(now)
        hour.charge(now, f"d-{number}", 500, Decimal("0.004"))
        if told != "asked":
            hour.settle(usage(number, told, tokens))
        left = hour.spending.charges
        assert all(charge.micros > now - HOUR_MICROS for charge in left)
        again = SpentHour(hour.spending)
        for needed in (0, 1, 500):
            asked = (BUDGET, needed, Decimal(needed) / 100_000)
            assert hour.exceeded(*asked) == again.exceeded(*asked)


def test_an_hour_has_room_again_when_a_call_is_an_hour_old() -> None:
    hour = SpentHour()
    for minute in (0, 20):
        hour.charge(minute * MINUTE, f"d-{minute}", 100, Decimal("0.001"))
    hour.go_on(40 * MINUTE)
    assert hour.exceeded(BUDGET, 100, Decimal(0)) == "2 of 2 calls in the last hour"
    hour.go_on(60 * MINUTE)
    assert hour.exceeded(BUDGET, 100, Decimal(0)) == ""
    assert hour.exceeded(BUDGET, 901, Decimal(0)).startswith("100 of 1000 tokens in the last hour")
    assert hour.exceeded(BUDGET, 0, Decimal("0.0095")).startswith("0.001 of 0.01 USD in the last hour")


def test_a_call_that_was_never_made_takes_nothing() -> None:
    hour = SpentHour()
    hour.charge(0, "d-0", 900, Decimal("0.001"))
    hour.settle(usage(7, "made", 1))
    assert hour.exceeded(BUDGET, 200, Decimal(0)).startswith("900 of 1000 tokens")
    hour.settle(usage(0, "not made", 0))
    assert hour.exceeded(BUDGET, 200, Decimal(0)) == ""
    assert [charge.calls for charge in hour.spending.charges] == [0]
