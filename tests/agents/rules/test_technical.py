from decimal import Decimal

import pytest

from agents.rules.rule import MarketView, rule_named
from contracts.payloads import Side

CALM = [100.0, 100.2] * 10
FALL = [*CALM, 99.0, 98.0]
RISE = [*CALM, 101.2, 102.2]


def view(closes: list[float], *, held: float = 0.0, last_volume: float = 5.0) -> MarketView:
    return MarketView(
        symbol="SOLUSDT",
        price=closes[-1],
        closes=tuple(closes),
        highs=tuple(close + 0.5 for close in closes),
        lows=tuple(close - 0.5 for close in closes),
        volumes=(*[5.0] * (len(closes) - 1), last_volume),
        position_quantity=held,
    )


def test_a_spent_fall_is_bought_with_a_stop_and_a_target() -> None:
    opinion = rule_named("technical").decide(view(FALL))
    # 14 moves: six +0.2, six -0.2, -1.2 (from 100.2), -1.0: RSI 100 x 1.2 / 4.6 = 26.09; ATR (12 x 1 + 1.7 + 1.5) / 14.
    assert opinion.side is Side.BUY
    assert opinion.confidence == pytest.approx(0.5 + 0.02 * (35 - 100 * 1.2 / 4.6), abs=1e-4)
    ranges = (12 * 1.0 + 1.7 + 1.5) / 14
    assert opinion.stop_loss == Decimal(f"{98 - 1.5 * ranges:.3f}")
    assert opinion.take_profit == Decimal(f"{98 + 3 * ranges:.3f}")
    assert opinion.size_fraction == opinion.confidence


def test_a_spent_rise_is_sold() -> None:
    opinion = rule_named("technical").decide(view(RISE))
    assert opinion.side is Side.SELL
    assert opinion.stop_loss is not None
    assert opinion.take_profit is not None
    assert opinion.take_profit < 102 < opinion.stop_loss


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (view(CALM), "the bands need 21"),
        (view([100.0] * 22), "does not move"),
        (view([*CALM, 100.0, 100.1]), "nothing is spent"),
        (view(FALL, last_volume=4.0), "volume is below"),
        (view(FALL, held=1.0), "waits for the middle band"),
    ],
)
def test_it_holds_and_says_why(shown: MarketView, says: str) -> None:
    opinion = rule_named("technical").decide(shown)
    assert (opinion.side, opinion.size_fraction) == (Side.HOLD, 0.0)
    assert says in opinion.rationale


@pytest.mark.parametrize(("held", "closes", "side"), [(1.0, RISE, Side.SELL), (-1.0, FALL, Side.BUY)])
def test_a_trade_is_over_at_the_middle_band(held: float, closes: list[float], side: Side) -> None:
    opinion = rule_named("technical").decide(view(closes, held=held))
    assert (opinion.side, opinion.size_fraction, opinion.stop_loss) == (side, 1.0, None)
