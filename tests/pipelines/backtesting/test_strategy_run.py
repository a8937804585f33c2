from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.matching.units import units
from pipelines.backtesting.data import open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.moving_averages import CrossFollower, MovingAverageCross
from pipelines.backtesting.scenario import Costs
from pipelines.backtesting.strategy_run import StrategyRun, run_strategy
from pipelines.backtesting.tape import make_tape
from tests.pipelines.backtesting.worlds import spec_of, write_bars, write_stream

CROSS = MovingAverageCross(4, 11)
COSTS = Costs(funding=False, liquidation=False)


def followed(cross: MovingAverageCross, prices: list[int]) -> list[tuple[int, int]]:
    follower = CrossFollower(cross)
    told = ((row, follower.take(price)) for row, price in enumerate(prices))
    return [(row, side) for row, side in told if side]


@settings(deadline=None)
@given(
    prices=st.lists(st.integers(1, 10**13), max_size=60),
    fast=st.integers(1, 5),
    more=st.integers(1, 8),
)
def test_columns_tell_what_is_told_event_by_event(prices: list[int], fast: int, more: int) -> None:
    cross = MovingAverageCross(fast, fast + more)
    places, sides = cross.wishes(np.array(prices, np.int64))
    assert list(zip(places.tolist(), sides.tolist(), strict=True)) == followed(cross, prices)


def test_a_crossing_by_hand() -> None:
    """Means of two and three: 10 10 10 | 20 is above, 8 is below."""
    places, sides = MovingAverageCross(2, 3).wishes(np.array([10, 10, 10, 20, 20, 8, 2]))
    assert (places.tolist(), sides.tolist()) == ([3, 5], [1, -1])


def test_averages_must_differ() -> None:
    with pytest.raises(ValueError, match="fast is at least 1 and less than slow"):
        MovingAverageCross(5, 5)


@pytest.mark.parametrize("order_ms", [0, 300])
@pytest.mark.parametrize("world", [write_stream, write_bars])
def test_skipping_trades_the_same(tmp_path: Path, world: object, order_ms: int) -> None:
    tape = make_tape(open_data(spec_of(world(tmp_path, 120))).columns)  # type: ignore[operator]

    def run(every_event: bool) -> StrategyRun:
        return run_strategy(
            tape, "BTCUSDT", CROSS, Decimal("0.5"), COSTS, order_ms=order_ms, every_event=every_event
        )

    skipping = run(every_event=False)
    assert run(every_event=True) == skipping
    assert len(skipping.wishes) > 3
    assert not skipping.rejected
    decided = {f"wish-{number}": wish.micros for number, wish in enumerate(skipping.wishes, 1)}
    assert {fill.micros - decided[fill.client_order_id] for fill in skipping.fills} == {order_ms * 1_000}
    turned = sum(fill.sign * fill.quantity for fill in skipping.fills)
    assert abs(turned) <= units(Decimal("0.5"))


def test_a_symbol_without_prices_is_told(tmp_path: Path) -> None:
    tape = make_tape(open_data(spec_of(write_bars(tmp_path, 20))).columns)
    with pytest.raises(BacktestError, match="no prices of SOLUSDT"):
        run_strategy(tape, "SOLUSDT", CROSS, Decimal(1))
