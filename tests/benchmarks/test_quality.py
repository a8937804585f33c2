"""The scales on which forecasts and decisions are judged, by hand on small numbers."""

from decimal import Decimal

import numpy as np
import pytest

from contracts.decisions import Opinion
from contracts.payloads import Side
from tests.benchmarks.forecast_quality import coverage, naive, pinball
from tests.benchmarks.quality_bars import Bars
from tests.benchmarks.resampling import mean_interval
from tests.benchmarks.simulated_trades import Account

COST = 0.0012


def bars(*ohlc: tuple[float, float, float, float]) -> Bars:
    """One-minute bars."""
    first, high, low, last = (np.array(column, float) for column in zip(*ohlc, strict=True))
    return Bars("test", "BTCUSDT", 60, first, high, low, last, np.ones(len(ohlc)))


def opinion(
    side: str, size: float = 1.0, minutes: int = 2, stop: int | None = None, target: int | None = None
) -> Opinion:
    return Opinion(
        side=Side(side),
        confidence=0.5,
        size_fraction=size,
        stop_loss=stop and Decimal(stop),
        take_profit=target and Decimal(target),
        horizon_seconds=60 * minutes,
        rationale="",
    )


FLAT = (100.0, 100.0, 100.0, 100.0)


def test_the_pinball_loss_weighs_what_lies_above_and_below_by_the_level() -> None:
    levels = np.array([0.05, 0.5, 0.95])
    said = np.array([[98.0, 100.0, 102.0]])
    assert pinball(said, np.array([103.0]), levels).tolist() == [[0.25, 1.5, pytest.approx(0.95)]]
    assert pinball(said, np.array([97.0]), levels).tolist() == [
        [pytest.approx(0.95), 1.5, pytest.approx(0.25)]
    ]
    assert coverage(np.array([[98.0, 102.0], [98.0, 102.0]]), np.array([98.0, 103.0]), 0, -1) == 0.5


def test_the_naive_walk_stays_where_it_is_and_widens_with_the_root_of_time() -> None:
    said = naive(np.array([100.0, 101.0] * 30))
    assert said[:, 2] == pytest.approx(np.full(15, 101.0))
    width = np.log(said[:, 4] / said[:, 0])
    assert width[3] == pytest.approx(2 * width[0])


def test_an_interval_of_a_mean_is_the_same_every_time_and_a_point_when_nothing_varies() -> None:
    assert mean_interval(np.full(9, 2.0)) == (2.0, 2.0)
    values = np.arange(100.0)
    low, high = mean_interval(values)
    assert low < values.mean() < high
    assert (low, high) == mean_interval(values)


@pytest.mark.parametrize(
    ("said", "path", "gross", "held"),
    [
        (opinion("BUY"), [FLAT, (100, 103, 99, 102), (102, 102, 102, 101)], 0.01, 2),  # its horizon
        (opinion("SELL"), [FLAT, (100, 103, 99, 102), (102, 102, 102, 101)], -0.01, 2),
        (opinion("BUY", stop=98), [FLAT, (100, 101, 97, 99), FLAT], -0.02, 1),
        (opinion("BUY", target=103), [FLAT, (100, 104, 99, 101), FLAT], 0.03, 1),
        (opinion("BUY", stop=98, target=103), [FLAT, (100, 104, 97, 101), FLAT], -0.02, 1),  # both: the stop
        (opinion("BUY", stop=98), [FLAT, FLAT, (95, 96, 94, 95)], -0.05, 2),  # the open is beyond it
        (opinion("SELL", stop=102, target=97), [FLAT, (100, 101, 96, 99), FLAT], 0.03, 1),
        (opinion("BUY", minutes=60), [FLAT, (100, 101, 99, 100), (100, 104, 100, 104)], 0.04, 2),  # the end
    ],
)
def test_a_trade_ends_at_its_stop_its_target_its_horizon_or_the_end(
    said: Opinion, path: list[tuple[float, float, float, float]], gross: float, held: int
) -> None:
    day = bars(*path)
    account = Account(day, closes_only=False)
    account.fill(said, 1)
    for bar in range(1, len(day)):
        account.pass_bar(bar)
    account.end()
    (trade,) = account.trades
    assert [trade.gross, trade.net, trade.held] == pytest.approx([gross, gross - COST, held])


def test_an_opinion_against_the_position_closes_it_first_in_first_out_and_turns_it_with_the_rest() -> None:
    day = bars(FLAT, FLAT, (110, 110, 110, 110), (120, 120, 120, 120), (120, 120, 120, 120))
    account = Account(day, closes_only=False)
    account.fill(opinion("BUY", 0.5, 60), 1)
    account.fill(opinion("BUY", 0.5, 60), 2)
    account.fill(opinion("SELL", 0.75, 60), 3)
    assert account.held() == pytest.approx(0.25)
    assert [trade.lot.size for trade in account.trades] == pytest.approx([0.5, 0.25])
    assert [trade.gross for trade in account.trades] == pytest.approx([0.2, 1 / 11])
    account.fill(opinion("SELL", 1.0, 60), 4)
    assert account.held() == pytest.approx(-0.75)


def test_a_bot_only_closes() -> None:
    account = Account(bars(FLAT, FLAT, FLAT), closes_only=True)
    account.fill(opinion("BUY", 0.5), 1)
    account.fill(opinion("SELL", 1.0), 2)
    assert (account.held(), len(account.trades)) == (0, 1)
