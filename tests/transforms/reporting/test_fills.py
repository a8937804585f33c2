"""Lots, round trips and profit over time, from the same fills."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.reporting.example import run
from transforms.reporting.backtests import account_of
from transforms.reporting.fills import Fill, profit_over_time
from transforms.reporting.lots import lots_of
from transforms.reporting.round_trips import Outcomes, RoundTrip, outcomes, round_trips_of
from transforms.reporting.series import Series


def fill(moment: int, sign: int, quantity: float, price: float, fee: float = 0.0, agent: str = "a") -> Fill:
    return Fill(moment, agent, "BTCUSDT", sign, quantity, price, fee)


FILLS = st.lists(
    st.builds(
        fill,
        moment=st.just(0),
        sign=st.sampled_from([-1, 1]),
        quantity=st.sampled_from([0.001, 0.5, 1.0, 2.0, 3.25]),
        price=st.floats(1, 1_000),
        fee=st.floats(-1, 5),
        agent=st.sampled_from(["a", "b"]),
    ),
    max_size=40,
).map(lambda fills: [Fill(place, *list(_values(one))[1:]) for place, one in enumerate(fills)])


def _values(one: Fill) -> tuple:
    return (one.moment, one.agent, one.symbol, one.sign, one.quantity, one.price, one.fee)


def test_first_in_first_out() -> None:
    bought = [fill(1, 1, 2.0, 100.0, fee=2.0), fill(2, 1, 1.0, 130.0, fee=1.0)]
    lots = lots_of([*bought, fill(5, -1, 2.5, 140.0, fee=5.0)], {"BTCUSDT": 150.0}, end=9)
    assert [(lot.quantity, lot.entry, lot.exit, lot.opened, lot.closed, lot.is_open) for lot in lots] == [
        (2.0, 100.0, 140.0, 1, 5, False),
        (0.5, 130.0, 140.0, 2, 5, False),
        (0.5, 130.0, 150.0, 2, 9, True),
    ]
    assert [lot.fees for lot in lots] == pytest.approx([2.0 + 4.0, 0.5 + 1.0, 0.5])
    assert [lot.profit for lot in lots] == pytest.approx([74.0, 3.5, 9.5])


def test_a_short_makes_what_the_price_falls() -> None:
    (lot,) = lots_of([fill(1, -1, 2.0, 100.0), fill(3, 1, 2.0, 90.0)], {}, end=9)
    assert (lot.sign, lot.profit) == (-1, 20.0)


@given(FILLS)
def test_lots_and_profit_over_time_are_the_same_money(fills: list[Fill]) -> None:
    prices = {"BTCUSDT": Series.of([(0, 500.0)])}
    lots = lots_of(fills, {"BTCUSDT": 500.0}, end=100)
    made = profit_over_time(fills, prices, np.array([100]))[0]
    assert sum(lot.profit for lot in lots) == pytest.approx(made, rel=1e-9, abs=1e-6)
    assert sum(lot.fees for lot in lots) == pytest.approx(sum(f.fee for f in fills), rel=1e-9, abs=1e-6)
    traded = sum(lot.quantity for lot in lots) + sum(lot.quantity for lot in lots if not lot.is_open)
    assert traded == pytest.approx(sum(f.quantity for f in fills))


def test_a_round_trip_is_from_flat_to_flat_or_through_zero() -> None:
    trips = round_trips_of(
        [
            fill(1, 1, 1.0, 100.0, fee=1.0),
            fill(2, 1, 1.0, 110.0, fee=1.0),
            fill(3, -1, 3.0, 120.0, fee=3.0),  # closes two, and opens one short
            fill(4, 1, 1.0, 125.0, fee=1.0),
            fill(5, -1, 1.0, 90.0),  # stays open
        ]
    )
    assert [(t.sign, t.opened, t.closed) for t in trips] == [(1, 1, 3), (-1, 3, 4)]
    assert [t.profit for t in trips] == pytest.approx([30.0 - 2.0 - 2.0, -5.0 - 1.0 - 1.0])


@given(FILLS)
def test_when_all_is_closed_round_trips_are_all_the_money(fills: list[Fill]) -> None:
    flat = {agent: sum(f.sign * f.quantity for f in fills if f.agent == agent) for agent in ("a", "b")}
    closing = [fill(99, -1 if q > 0 else 1, abs(q), 77.0, agent=a) for a, q in flat.items() if abs(q) > 1e-9]
    every = [*fills, *closing]
    made = profit_over_time(every, {}, np.array([100]))[0]
    assert sum(t.profit for t in round_trips_of(every)) == pytest.approx(made, rel=1e-9, abs=1e-6)


def test_round_trips_are_those_that_a_backtest_tells() -> None:
    account = account_of(run(hours=500))
    assert len(account.round_trips) > 20
    found, told = sorted(round_trips_of(account.fills), key=str), sorted(account.round_trips, key=str)
    assert [(t.agent, t.symbol, t.sign, t.opened, t.closed) for t in found] == [
        (t.agent, t.symbol, t.sign, t.opened, t.closed) for t in told
    ]
    assert [t.profit for t in found] == pytest.approx([t.profit for t in told], abs=1e-7)


def test_how_round_trips_ended() -> None:
    trips = [RoundTrip("a", "BTCUSDT", 1, 0, 10_000_000, profit) for profit in (30.0, -10.0, 0.0, -10.0)]
    assert outcomes(trips) == Outcomes(
        round_trips=4,
        hit_rate=0.25,
        profit_factor=1.5,
        mean_profit=2.5,
        best=30.0,
        worst=-10.0,
        mean_seconds=10.0,
    )
    assert outcomes([]) == Outcomes(0, None, None, None, None, None, None)
    assert outcomes(trips[:1]).profit_factor is None


def test_what_is_carried_in_is_worth_what_it_was_then() -> None:
    held = Fill(0, "a", "BTCUSDT", 1, 2.0, 100.0, carried=True)
    prices = {"BTCUSDT": Series.of([(0, 100.0), (10, 105.0)])}
    assert profit_over_time([held], prices, np.array([0, 10])).tolist() == [0.0, 10.0]
