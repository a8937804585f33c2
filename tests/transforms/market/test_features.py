import math
from importlib.util import find_spec

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.market.bars import SECOND, Bar
from transforms.market.features import FEATURES, feature, feature_columns, features_of
from transforms.market.window import BARS_KEPT, Depth, MarkPrice, Quote, RecentBars, Window

needs_talib = pytest.mark.skipif(
    find_spec("talib") is None, reason="TA-Lib is not installed on this platform"
)


def history(bars: int, seed: int = 7) -> Window:
    """A random walk of bars with quotes and marks; the seed makes it the same each time."""
    random = np.random.default_rng(seed)
    close = np.round(40_000 * np.exp(np.cumsum(random.normal(0, 0.001, bars))), 1)
    opened = np.concatenate(([40_000.0], close[:-1]))
    high = np.maximum(opened, close) + np.round(random.exponential(10, bars), 1)
    low = np.minimum(opened, close) - np.round(random.exponential(10, bars), 1)
    volume = np.round(random.exponential(20, bars), 3)
    bought = np.round(volume * random.uniform(0, 1, bars), 3)
    quote = Quote(
        close - 0.1, random.uniform(1, 5, bars), close + 0.1, random.uniform(1, 5, bars), np.zeros(bars)
    )
    mark = MarkPrice(close + 1, close - 1, np.full(bars, 1e-4))
    return Window(
        opened,
        high,
        low,
        close,
        volume,
        volume * close,
        bought,
        np.full(bars, 9.0),
        quote,
        mark,
        Depth(volume, bought),
    )


def window_at(whole: Window, end: int) -> Window:
    """What a job sees after `end` bars, fed one by one."""
    recent = RecentBars()
    for place in range(end):
        opened, high, low, close, volume, quote_volume, bought, trades = (
            column[place] for column in whole[:8]
        )
        recent.add(
            Bar(60, place * 60 * SECOND, opened, high, low, close, volume, quote_volume, bought, int(trades))
        )
    moment = end - 1
    return recent.window(
        Quote(*(column[moment] for column in whole.quote)),
        MarkPrice(*(column[moment] for column in whole.mark)),
        Depth(*(column[moment] for column in whole.depth)),
    )


def test_a_history_gives_the_same_as_bar_by_bar() -> None:
    whole = history(BARS_KEPT + 40)
    columns = feature_columns(whole)
    assert list(columns) == list(FEATURES)
    for end in (1, 2, 14, 15, 20, 26, 61, BARS_KEPT - 1, BARS_KEPT, BARS_KEPT + 1, BARS_KEPT + 40):
        told = {name: column[end - 1] for name, column in columns.items() if not math.isnan(column[end - 1])}
        assert told == pytest.approx(features_of(window_at(whole, end)), rel=1e-9, abs=1e-12)


@needs_talib
@pytest.mark.parametrize("bars", [26, 61, BARS_KEPT])
def test_ta_lib_agrees(bars: int) -> None:
    import talib

    window = window_at(history(bars), bars)
    told = features_of(window)
    close = window.close
    assert told["rsi_14"] == pytest.approx(talib.RSI(close, 14)[-1], rel=1e-9)
    assert told["atr_14"] == pytest.approx(talib.ATR(window.high, window.low, close, 14)[-1], rel=1e-9)
    upper, middle, lower = (band[-1] for band in talib.BBANDS(close, 20, 2, 2))
    assert told["bollinger_position_20"] == pytest.approx(
        (close[-1] - middle) / ((upper - lower) / 2), rel=1e-6
    )
    trend = (talib.EMA(close, 12)[-1] - talib.EMA(close, 26)[-1]) / close[-1]
    assert told["trend_12_26"] == pytest.approx(trend, rel=1e-9, abs=1e-15)
    assert told["return_15"] == pytest.approx(talib.ROCP(close, 15)[-1], rel=1e-9)


@needs_talib
def test_ta_lib_over_the_whole_past_is_hardly_different() -> None:
    """What lies before the bars kept weighs (13/14)^113, about 1/4300, of the first of them."""
    import talib

    whole = history(1_000)
    told = features_of(window_at(whole, 1_000))
    assert told["rsi_14"] == pytest.approx(talib.RSI(whole.close, 14)[-1], abs=0.05)
    assert told["atr_14"] == pytest.approx(talib.ATR(whole.high, whole.low, whole.close, 14)[-1], rel=0.001)


def test_exact_values() -> None:
    window = Window(
        open=np.array([100.0, 110.0]),
        high=np.array([112.0, 111.0]),
        low=np.array([99.0, 98.0]),
        close=np.array([110.0, 99.0]),
        volume=np.array([2.0, 4.0]),
        quote_volume=np.array([210.0, 410.0]),
        taker_buy_volume=np.array([2.0, 1.0]),
        trades=np.array([3.0, 5.0]),
        quote=Quote(bid=98.0, bid_quantity=1.0, ask=102.0, ask_quantity=3.0, age=0.25),
        mark=MarkPrice(mark_price=101.0, index_price=100.0, funding_rate=-0.0001),
        depth=Depth(bid_quantity=6.0, ask_quantity=2.0),
    )
    assert features_of(window) == pytest.approx(
        {
            "bar_open": 110.0,
            "bar_high": 111.0,
            "bar_low": 98.0,
            "bar_close": 99.0,
            "bar_volume": 4.0,
            "bar_trades": 5.0,
            "return_1": -0.1,
            "signed_volume_share": -0.5,
            "spread": 0.04,
            "microprice": 99.0,
            "top_imbalance": -0.5,
            "book_imbalance_5": 0.5,
            "quote_age": 0.25,
            "funding_rate": -0.0001,
            "mark_index_basis": 0.01,
        },
        rel=1e-12,
    )


def test_realised_volatility_vwap_and_volume_by_hand() -> None:
    close = 100 * np.exp(np.cumsum(np.tile([0.01, -0.01], 11)[:21]))
    volume = np.array([1.0] * 20 + [3.0])
    window = Window(close, close, close, close, volume, volume * 50, volume * 0.75, volume)
    told = features_of(window)
    assert told["realised_volatility_20"] == pytest.approx(0.01)
    assert told["vwap_distance_20"] == pytest.approx(close[-1] / 50 - 1)
    assert told["signed_volume_share_20"] == pytest.approx(0.5)
    assert told["volume_z_20"] == pytest.approx((3.0 - 22 / 20) / math.sqrt((28 / 20) - (22 / 20) ** 2))


def test_a_jump_stands_out_of_the_returns_before_it() -> None:
    """Returns of +1 % and -1 % in turn have the median 0 or so and the distance 1 %; then +10 %."""
    close = 100 * np.cumprod([1.0, *([1.01, 0.99] * 10), 1.1])
    told = features_of(Window(close, close, close, close, close, close, close, close))
    assert told["jump_score_60"] == pytest.approx(0.1 / (1.4826 * 0.01), rel=0.01)


def test_what_cannot_be_told_is_absent() -> None:
    still = np.full(30, 100.0)
    told = features_of(
        Window(still, still, still, still, np.zeros(30), np.zeros(30), np.zeros(30), np.zeros(30))
    )
    assert told == pytest.approx(
        {
            "bar_open": 100.0, "bar_high": 100.0, "bar_low": 100.0, "bar_close": 100.0, "bar_volume": 0.0,
            "bar_trades": 0.0, "return_1": 0.0, "return_5": 0.0, "return_15": 0.0, "realised_volatility_20": 0.0,
            "atr_14": 0.0, "trend_12_26": 0.0,
        },
        abs=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("name", list(FEATURES))
def test_a_feature_comes_with_its_last_bar_and_not_before(name: str) -> None:
    whole = history(BARS_KEPT)
    needed = FEATURES[name].bars
    assert name in features_of(window_at(whole, needed))
    if needed > 1:
        assert name not in features_of(window_at(whole, needed - 1))


@pytest.mark.parametrize("name", list(FEATURES))
def test_a_feature_says_its_formula(name: str) -> None:
    assert len(FEATURES[name].formula.__doc__ or "") > 30


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_bounds(seed: int) -> None:
    told = features_of(window_at(history(70, seed), 70))
    assert 0 <= told["rsi_14"] <= 100
    assert -1 <= told["signed_volume_share"] <= 1
    assert -1 <= told["signed_volume_share_20"] <= 1
    assert told["atr_14"] > 0


def test_a_hole_between_bars_starts_the_window_anew() -> None:
    recent = RecentBars()
    for place in (0, 1, 2, 4):
        recent.add(Bar.flat(place * 60 * SECOND, 60, 100.0 + place))
    assert recent.window(Quote(), MarkPrice(), Depth()).close.tolist() == [104.0]


def test_recent_bars_are_bounded_and_go_on_from_their_state() -> None:
    recent, again = RecentBars(), RecentBars()
    for place in range(BARS_KEPT + 3):
        recent.add(Bar.flat(place * 60 * SECOND, 60, 100.0 + place))
    assert recent.window(Quote(), MarkPrice(), Depth()).close.tolist() == [
        103.0 + place for place in range(BARS_KEPT)
    ]
    assert Bar.flat(2 * 60 * SECOND, 60, 1.0) not in recent
    assert Bar.flat(3 * 60 * SECOND, 60, 1.0) in recent
    again.take_up(orjson.loads(orjson.dumps(recent.state())))
    assert orjson.dumps(again.state()) == orjson.dumps(recent.state())


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="two features are called 'spread'"):
        feature("spread")(lambda window: 0.0)
    with pytest.raises(ValueError, match="128 are kept"):
        feature("too_long", bars=129)
