"""The stop and the target of an order whose agent gave none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.instruments import INSTRUMENTS
from contracts.risk.brackets import brackets_of
from contracts.risk.limits import Limits
from contracts.risk.wish import Wish
from tests.transforms.portfolio.desk_log import BTC, proposal

D = Decimal
INSTRUMENT = INSTRUMENTS[BTC]


def wish(side: str, **fields: object) -> Wish:
    return Wish.of(proposal(0, "d", "alpha", BTC, side, **fields))


@pytest.mark.parametrize(
    ("side", "atr", "stop", "target"),
    [
        ("BUY", "25", "41800", "42300"),
        ("SELL", "25", "42200", "41700"),
        ("BUY", "0.001", "41999.9", "42000.1"),
        ("BUY", "1000", "37800.0", "54000"),  # a stop is at most 10 % away
    ],
)
def test_they_follow_from_the_average_true_range(side: str, atr: str, stop: str, target: str) -> None:
    assert brackets_of(wish(side), INSTRUMENT, D(42_000), D(atr), Limits()) == (D(stop), D(target))


def test_what_the_agent_gave_stays() -> None:
    given_stop = wish("BUY", stop_loss=D(41_000))
    assert brackets_of(given_stop, INSTRUMENT, D(42_000), D(25), Limits()) == (D(41_000), D(42_300))
    given_target = wish("BUY", take_profit=D(43_000))
    assert brackets_of(given_target, INSTRUMENT, D(42_000), D(25), Limits()) == (D(41_800), D(43_000))


def test_nothing_is_made_up() -> None:
    assert brackets_of(wish("BUY"), INSTRUMENT, D(42_000), None, Limits()) == (None, None)
    assert brackets_of(wish("SELL", reduce_only=True), INSTRUMENT, D(42_000), D(25), Limits()) == (None, None)
    below = wish("BUY", take_profit=D(41_000))
    assert brackets_of(below, INSTRUMENT, D(42_000), D(25), Limits()) == (None, D(41_000))


@given(
    st.sampled_from(["BUY", "SELL"]),
    st.decimals("1", "100000", places=3),
    st.decimals("0.000001", "10000", places=6),
)
def test_they_lie_on_ticks_on_either_side_of_the_price(side: str, price: Decimal, atr: Decimal) -> None:
    asked = wish(side)
    stop, target = brackets_of(asked, INSTRUMENT, price, atr, Limits())
    sign = asked.side.sign
    assert stop is None or (stop % INSTRUMENT.tick == 0 and (price - stop) * sign > 0)
    assert target is None or (target % INSTRUMENT.tick == 0 and (target - price) * sign > 0)
    if stop is not None:
        assert abs(price - stop) <= max(price * Limits().stop_distance, INSTRUMENT.tick)
