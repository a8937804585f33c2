"""The rules that stand in for models: what they say in markets whose answer is known, and in any market."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules.rule import MarketView, rule_named
from contracts.payloads import Side

NAMES = ("momentum", "mean_reversion", "volatility", "sentiment_neutral", "allocation")
RISING = tuple(100.0 + 0.4 * n + (0.05 if n % 2 else -0.05) for n in range(40))
FALLING = tuple(200.0 - close for close in RISING)
QUIET = tuple(100.0 + (0.05 if n % 2 else -0.05) for n in range(40))
JUMP_UP = (*QUIET[:36], 100.2, 100.2, 101.0, 101.5)


def opinion(name, closes, held=0.0):
    view = MarketView(symbol="ETHUSDT", price=closes[-1], closes=closes, position_quantity=held)
    return rule_named(name).decide(view)


@pytest.mark.parametrize(
    ("name", "closes", "held", "side"),
    [
        ("momentum", RISING, 0, Side.BUY),
        ("momentum", RISING, 1, Side.HOLD),
        ("momentum", RISING, -1, Side.BUY),
        ("momentum", FALLING, 0, Side.SELL),
        ("momentum", QUIET, 0, Side.HOLD),
        ("mean_reversion", JUMP_UP, 0, Side.SELL),
        ("mean_reversion", JUMP_UP, -1, Side.HOLD),
        ("mean_reversion", (*QUIET, 100.0), 1, Side.SELL),
        ("mean_reversion", (*QUIET, 100.0), -1, Side.BUY),
        ("mean_reversion", (*QUIET, 100.0), 0, Side.HOLD),
        ("volatility", JUMP_UP, 0, Side.BUY),
        ("volatility", JUMP_UP, 2, Side.HOLD),
        ("volatility", QUIET, 0, Side.HOLD),
        ("sentiment_neutral", RISING, 0, Side.HOLD),
        ("allocation", RISING, 0, Side.BUY),
        ("allocation", RISING, 1, Side.HOLD),
        ("allocation", FALLING, 1, Side.SELL),
        ("allocation", FALLING, 0, Side.SELL),
    ],
)
def test_known_markets(name, closes, held, side):
    assert opinion(name, closes, held).side is side


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("closes", [(100.0,), RISING[:10], (100.0,) * 60])
def test_too_little_to_see_is_a_hold(name, closes):
    assert opinion(name, closes).side is Side.HOLD


@given(
    st.sampled_from(NAMES),
    st.lists(st.floats(1.0, 1e5), min_size=1, max_size=60),
    st.floats(-5, 5),
)
def test_any_market_gives_the_same_sound_opinion_twice(name, closes, held):
    said = opinion(name, tuple(closes), held)
    assert said == opinion(name, tuple(closes), held)
    if said.side is Side.HOLD:
        assert said.size_fraction == 0
        return
    assert said.size_fraction > 0
    assert (closes[-1] - float(said.stop_loss)) * said.side.sign > 0
    assert (float(said.take_profit) - closes[-1]) * said.side.sign > 0


def test_sentiment_says_that_it_reads_no_news():
    assert opinion("sentiment_neutral", RISING).rationale.startswith("No news about ETHUSDT is read here")
