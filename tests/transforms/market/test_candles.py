from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.market.batches import at
from transforms.market.bars import SECOND, Bar, OpenBars, add_trades
from transforms.market.candles import UNITS, Candle, Trades, candles

Trade = tuple[int, int, float, float, bool]

quantities = st.integers(1, 5_000_000).map(lambda lots: lots / 1_000)
prices = st.integers(1, 1_000_000).map(lambda ticks: ticks / 10)


@st.composite
def tapes(draw: st.DrawFn, most_micros: int = 4 * SECOND) -> list[Trade]:
    """Trades in the order of (event_time, trade_id)."""
    times = sorted(draw(st.lists(st.integers(0, most_micros), min_size=1, max_size=40)))
    return [
        (at(0) + time, number, draw(prices), draw(quantities), draw(st.booleans()))
        for number, time in enumerate(times)
    ]


def columns(tape: list[Trade]) -> Trades:
    times, ids, trade_prices, sizes, buys = zip(*tape, strict=True)
    return Trades(np.array(times), np.array(ids), np.array(trade_prices), np.array(sizes), np.array(buys))


def by_hand(tape: list[Trade], seconds: int) -> list[Bar]:
    """The same bars, trade by trade and in exact arithmetic."""
    stretches: dict[int, list[Trade]] = defaultdict(list)
    for trade in tape:
        stretches[trade[0] - trade[0] % (seconds * SECOND)].append(trade)
    bars = []
    for start, inside in sorted(stretches.items()):
        traded = [trade[2] for trade in inside]
        sizes = [Decimal(repr(trade[3])) for trade in inside]
        quote = sum(Decimal(round(trade[2] * trade[3] * UNITS)) for trade in inside) / UNITS
        bought = sum((s for s, trade in zip(sizes, inside, strict=True) if trade[4]), Decimal(0))
        bars.append(
            Bar(
                seconds, start, traded[0], max(traded), min(traded), traded[-1],
                float(sum(sizes)), float(quote), float(bought), len(inside),
            )
        )  # fmt: skip
    return bars


def through(parts: list[list[Trade]], seconds: int, lateness: int) -> tuple[list[Bar], int]:
    """The bars that the parts make one after another, and how many trades came late."""
    bars, late, latest, closed = OpenBars(seconds), 0, 0, []
    for part in parts:
        if part:
            late += add_trades(columns(part), (bars,), latest, lateness)
            latest = max(latest, *(trade[0] for trade in part))
            closed += bars.close(latest - lateness)
    return closed + list(bars.close()), late


@settings(max_examples=60, deadline=None)
@given(tapes(), st.sampled_from([1, 2, 60]))
def test_bars_are_those_of_a_plain_loop(tape: list[Trade], seconds: int) -> None:
    made = [Bar.made_of(candle, seconds) for candle in candles(columns(tape), seconds * SECOND)]
    assert made == by_hand(tape, seconds)


@settings(max_examples=60, deadline=None)
@given(tapes(), st.data())
def test_how_trades_are_cut_into_batches_changes_nothing(tape: list[Trade], data: st.DataObject) -> None:
    cuts = sorted({0, len(tape), *data.draw(st.lists(st.integers(0, len(tape)), max_size=8))})
    parts = [tape[start:end] for start, end in pairwise(cuts)]
    assert through(parts, 1, 0) == (by_hand(tape, 1), 0)


@settings(max_examples=60, deadline=None)
@given(tapes(most_micros=SECOND - 1), st.data())
def test_out_of_order_within_a_bar_changes_nothing(tape: list[Trade], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(tape))
    cuts = sorted({0, len(tape), *data.draw(st.lists(st.integers(0, len(tape)), max_size=4))})
    parts = [shuffled[start:end] for start, end in pairwise(cuts)]
    assert through(parts, 1, 0) == (by_hand(tape, 1), 0)


@settings(max_examples=60, deadline=None)
@given(tapes(), st.data(), st.sampled_from([0, SECOND // 2, 2 * SECOND]))
def test_what_is_late_does_not_depend_on_the_batches(
    tape: list[Trade], data: st.DataObject, lateness: int
) -> None:
    shuffled = data.draw(st.permutations(tape))
    cuts = sorted({0, len(tape), *data.draw(st.lists(st.integers(0, len(tape)), max_size=4))})
    parts = [shuffled[start:end] for start, end in pairwise(cuts)]
    bars, late = through(parts, 1, lateness)
    assert (bars, late) == through([[trade] for trade in shuffled], 1, lateness)
    assert sum(bar.trades for bar in bars) + late == len(tape)


def test_a_candle_of_three_trades() -> None:
    tape = [(at(0.1), 1, 100.0, 0.1, True), (at(0.2), 2, 102.0, 0.2, False), (at(0.9), 3, 101.0, 0.3, True)]
    (candle,) = candles(columns(tape), SECOND)
    assert candle == Candle(
        start=at(0), first_time=at(0.1), first_id=1, open=100.0, high=102.0, low=100.0, last_time=at(0.9), last_id=3,
        close=101.0, volume=60_000_000, quote_volume=6_070_000_000, taker_buy_volume=40_000_000, trades=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        (0.0, 1.0),
        (-1.0, 1.0),
        (float("nan"), 1.0),
        (float("inf"), 1.0),
        (1.0, 0.0),
        (1.0, float("nan")),
        (1.0, 1e9),
    ],
)
def test_a_trade_that_cannot_be_is_left_out(price: float, quantity: float) -> None:
    tape = [(at(0), 1, 100.0, 1.0, True), (at(0), 2, price, quantity, True)]
    assert columns(tape).sound().ids.tolist() == [1]
