"""An optimizer's views: they move capital to who holds what it wants, within a bound and for a time."""

from decimal import Decimal
from math import exp, tanh

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.payloads import Side
from contracts.risk.limits import Limits
from transforms.portfolio.tilts import Tilts

D = Decimal
LIMITS = Limits()
CAPITAL = {"a": D(1_000), "b": D(1_000), "c": D(1_000)}


def wanting(symbol: str = "BTCUSDT", side: Side = Side.BUY, strength: str = "0.8", until: int = 100) -> Tilts:
    tilts = Tilts()
    tilts.hear(symbol, side, D(strength), until)
    return tilts


def test_who_holds_what_is_wanted_gets_more() -> None:
    held = [("a", "BTCUSDT", D(50)), ("b", "BTCUSDT", D(-50)), ("c", "ETHUSDT", D(50))]
    found = wanting().factors(0, LIMITS, held, CAPITAL)
    assert found == {
        "a": pytest.approx(exp(0.2 * tanh(0.8))),
        "b": pytest.approx(exp(-0.2 * tanh(0.8))),
    }
    assert (round(found["a"], 2), round(found["b"], 2)) == (1.14, 0.88)


def test_a_view_ends_and_the_latest_counts() -> None:
    tilts = wanting()
    assert tilts.views(99) == {"BTCUSDT": D("0.8")}
    assert tilts.views(100) == {}
    tilts.hear("BTCUSDT", Side.HOLD, D(1), 200)
    assert tilts.views(99) == {"BTCUSDT": D("0.8")}
    tilts.hear("BTCUSDT", Side.SELL, D("0.5"), 200)
    assert tilts.views(150) == {"BTCUSDT": D("-0.5")}


def test_without_capital_there_is_nothing_to_tilt() -> None:
    assert wanting().factors(0, LIMITS, [("a", "BTCUSDT", D(50))], {"a": D(0)}) == {}


def test_it_goes_on_from_its_state() -> None:
    tilts = wanting()
    anew = Tilts()
    anew.load(tilts.dump())
    assert anew.dump() == tilts.dump() == {"BTCUSDT": ["0.8", 100]}


@given(
    st.decimals("0", "1", places=3),
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["BTCUSDT", "ETHUSDT"]),
            st.decimals("-1e6", "1e6", places=2),
        ),
        max_size=9,
    ),
)
def test_no_view_moves_a_weight_past_the_bound(strength: Decimal, held: list) -> None:
    found = wanting(strength=str(strength)).factors(0, LIMITS, held, CAPITAL)
    most = exp(float(LIMITS.optimizer_tilt))
    assert all(1 / most - 1e-12 <= factor <= most + 1e-12 for factor in found.values())
