"""What the desk is held against: holding, chance, its own exposure, the months."""

import numpy as np
import pytest

from contracts.time import to_micros
from tests.contracts.examples import T0
from transforms.reporting.buy_and_hold import buy_and_hold
from transforms.reporting.exposure import exposure
from transforms.reporting.fills import Fill
from transforms.reporting.lots import Lot
from transforms.reporting.months import by_month, month_starts
from transforms.reporting.random_entry import random_entry
from transforms.reporting.series import DAY, HOUR, Series

EDGES = np.array([0, 10, 20])


def test_buying_and_holding_equal_parts() -> None:
    prices = {"A": Series.of([(0, 100.0), (20, 150.0)]), "B": Series.of([(10, 50.0), (15, 25.0)])}
    held = buy_and_hold(prices, EDGES)
    assert held is not None
    assert held.tolist() == [1.0, 1.0, (1.5 + 0.5) / 2]


def test_nothing_to_hold() -> None:
    assert buy_and_hold({"A": Series.of([])}, EDGES) is None


def rising(step: float, hours: int = 100) -> Series:
    return Series.of([(place * HOUR, 100.0 * (1 + step * place)) for place in range(hours + 1)])


def lot(opened: int, closed: int, sign: int = 1, entry: float = 100.0, leave: float = 110.0) -> Lot:
    return Lot("a", "A", sign, 10.0, opened * HOUR, closed * HOUR, entry, leave, 5.0, False)


def draw(lots: list[Lot], series: Series, seed: int = 1):
    return random_entry(lots, {"A": series}, 0, 100 * HOUR, 10_000.0, seed)


def test_where_nothing_moves_chance_pays_the_same_fees() -> None:
    found = draw([lot(1, 5, leave=100.0)], rising(0.0))
    assert found is not None
    assert (found.low, found.median, found.high, found.own) == (-0.0005, -0.0005, -0.0005, -0.0005)
    assert found.percentile == 0.5


def test_timing_that_beats_every_other_is_told() -> None:
    peak = Series.of([(0, 100.0), (49 * HOUR, 100.0), (50 * HOUR, 200.0), (51 * HOUR, 100.0)])
    best = draw([lot(49, 50, leave=200.0)], peak)
    worst = draw([lot(50, 51, entry=200.0, leave=100.0)], peak)
    assert best is not None and worst is not None
    assert best.own == pytest.approx(0.0995)
    assert best.percentile > 0.95 and worst.percentile < 0.05


def test_chance_is_seeded_and_keeps_turnover_and_side() -> None:
    lots = [lot(1, 20), lot(30, 31, sign=-1)]
    assert draw(lots, rising(0.01)) == draw(lots, rising(0.01))
    assert draw(lots, rising(0.01)) != draw(lots, rising(0.01), seed=2)
    # The same 1,000 bought for 19 hours and sold short for one: by the price's slope, 1 % of 100 an hour.
    found = draw([lot(1, 20)], rising(0.01))
    assert found is not None
    assert 1_000 * 19 / 200 - 5 < found.low * 10_000 < found.high * 10_000 < 1_000 * 0.19 - 5


def test_a_lot_as_long_as_the_period_has_one_time_to_begin() -> None:
    found = draw([lot(0, 100, leave=200.0)], rising(0.01))
    assert found is not None
    assert found.low == found.high == found.own == pytest.approx((1_000 - 5) / 10_000)


def test_no_lots_or_prices_are_no_comparison() -> None:
    assert draw([], rising(0.01)) is None
    assert random_entry([lot(1, 2)], {}, 0, HOUR, 10_000.0, 1) is None


def test_exposure_is_weighted_by_time() -> None:
    equity = Series.of([(0, 1_000.0), (10, 2_000.0)])
    gross = Series(equity.moments, np.array([500.0, 0.0]))
    net = Series(equity.moments, np.array([-500.0, 0.0]))
    fills = [Fill(1, "a", "A", 1, 5.0, 100.0), Fill(0, "a", "A", 1, 9.0, 100.0, carried=True)]
    found = exposure(fills, equity, gross, net, 0, 40)
    assert found.traded_value == 500.0
    assert found.turnover == pytest.approx(500.0 / 1_750.0)
    assert (found.gross, found.net, found.largest_gross, found.time_in_market) == (0.125, -0.125, 0.5, 0.25)


def test_a_desk_that_lost_all_has_no_exposure_to_tell() -> None:
    equity = Series.of([(0, 0.0)])
    found = exposure([], equity, equity, equity, 0, 40)
    assert (found.turnover, found.gross, found.time_in_market) == (0.0, 0.0, 0.0)


def test_returns_by_month() -> None:
    start = to_micros(T0.replace(month=12, day=30, hour=12, minute=0, second=0, microsecond=0))
    end = start + 40 * DAY
    starts = month_starts(start, end)
    assert len(starts) == 4
    equity = Series.of([(start + HOUR, 110.0), (starts[1], 120.0), (starts[2] + HOUR, 60.0)])
    first, second = by_month(equity, 100.0, start, end)
    assert (first.year, second.year) == (2024, 2025)
    assert first.months == pytest.approx({12: 0.2})
    assert second.months == pytest.approx({1: 0.0, 2: -0.5})
    assert second.whole == pytest.approx(-0.5)
