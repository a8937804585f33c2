import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules.market_making import MarketMaking
from agents.rules.rule import MarketView
from contracts.payloads import Side

QUIET = [100.0] * 30


def view(last: float, *, held: float = 0.0, trade: float = 1.0) -> MarketView:
    closes = [*QUIET, last]
    return MarketView(
        symbol="SOLUSDT",
        price=last,
        closes=tuple(closes),
        highs=tuple(close + 0.5 for close in closes),
        lows=tuple(close - 0.5 for close in closes),
        volumes=(1.0,) * len(closes),
        position_quantity=held,
        trade_quantity=trade,
    )


def test_what_crosses_the_quotes_is_taken() -> None:
    # fair = 100 - 2 x 2/11 = 99.636, ATR = (13 x 1 + 2.5) / 14, half = 0.83036: bid 98.806.
    opinion = MarketMaking().decide(view(98.0))
    assert opinion.side is Side.BUY
    assert opinion.take_profit is not None
    assert float(opinion.take_profit) == pytest.approx(100 - 2 * 2 / 11, abs=1e-3)
    half = 0.75 * (13 + 2.5) / 14
    assert opinion.stop_loss is not None
    assert float(opinion.stop_loss) == pytest.approx(98 - 4 * half, abs=1e-3)
    assert MarketMaking().decide(view(102.0)).side is Side.SELL
    assert MarketMaking().decide(view(100.1)).side is Side.HOLD


def test_it_leans_against_its_inventory() -> None:
    assert MarketMaking().decide(view(99.2, held=0.0)).side is Side.HOLD
    assert MarketMaking().decide(view(99.2, held=-1.5)).side is Side.BUY
    assert MarketMaking().decide(view(100.01, held=3.0)).side is Side.SELL


def test_a_full_inventory_is_not_added_to() -> None:
    opinion = MarketMaking().decide(view(90.0, held=3.0))
    assert opinion.side is Side.HOLD
    assert "inventory is full" in opinion.rationale
    assert MarketMaking().decide(view(90.0, held=0.1, trade=0.0)).side is Side.HOLD


def test_too_few_bars_say_so() -> None:
    shown = MarketView(symbol="SOLUSDT", price=1.0, closes=(1.0,), highs=(1.0,), lows=(1.0,), volumes=(1.0,))
    assert "the quotes need 15" in MarketMaking().decide(shown).rationale


@given(last=st.floats(50, 200), held=st.floats(-10, 10), trade=st.floats(0, 5))
def test_inventory_never_grows_past_full(last: float, held: float, trade: float) -> None:
    opinion = MarketMaking().decide(view(last, held=held, trade=trade))
    if abs(held) >= 3 * trade and held:
        assert opinion.side.sign * held <= 0
    assert opinion == MarketMaking().decide(view(last, held=held, trade=trade))
