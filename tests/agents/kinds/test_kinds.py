"""Each kind of request: what fits, what is refused, and the decision that follows."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.endpoints.handler import DecisionHandler
from agents.endpoints.in_process import InProcess
from agents.kinds.forecast import BARS_AHEAD, LEVELS, AskForecast
from agents.kinds.kind import kind_named
from agents.kinds.portfolio import AskPortfolio
from agents.kinds.sentiment import AskSentiment
from contracts.decisions import CallStatus, OtherMarket
from contracts.payloads import Guidance, Side
from contracts.refusals import Refusal
from tests.agents.questions import CLOSES, question, roster

ASKED = question(price=Decimal(100))
GUIDED = question(
    price=Decimal(100),
    held=Decimal("0.1"),
    guidance=Guidance(
        agent="profit-maximizer",
        role="portfolio_optimizer",
        goal="market_neutral",
        capital=Decimal(1_000),
        remaining=Decimal(1_000),
        text="Go on.",
    ),
    others=(OtherMarket(symbol="ETHUSDT", seen=ASKED.event_time, closes=(7.0, 8.0)),),
)


def quantiles(*last: float) -> str:
    return json.dumps({"quantiles": [[99.0, 99.5, 100.0, 100.5, 101.0]] * (BARS_AHEAD - 1) + [list(last)]})


def mood(**changes) -> str:
    return json.dumps({"symbol": "BTCUSDT", "score": 0.8, "confidence": 0.5, "rationale": "Joy."} | changes)


def weights(**shares: float) -> str:
    return json.dumps({"weights": shares, "confidence": 0.7, "rationale": "Balance."})


@pytest.mark.parametrize(
    ("last", "side", "confidence", "size", "stop", "target"),
    [
        ((99.0, 99.5, 100.0, 100.5, 101.0), Side.HOLD, 0.5, 0.0, None, None),
        ((98.0, 99.6, 100.1, 100.6, 102.0), Side.HOLD, 0.5, 0.0, None, None),  # less than a round trip
        ((90.0, 97.0, 100.2, 103.0, 110.0), Side.HOLD, 0.5, 0.0, None, None),  # nothing, for its width
        ((99.0, 100.0, 100.5, 101.0, 102.0), Side.BUY, 0.75, 0.5483, "99", "101"),
        ((98.0, 99.0, 99.5, 100.0, 101.0), Side.SELL, 0.75, 0.5483, "101", "99"),
        ((101.0, 101.1, 101.2, 101.3, 101.4), Side.BUY, 0.95, 1.0, None, "101.3"),
    ],
)
def test_a_forecast_becomes_a_decision(last, side, confidence, size, stop, target):
    opinion = AskForecast().opinion(quantiles(*last), ASKED)
    assert (opinion.side, opinion.confidence, opinion.size_fraction) == (side, confidence, size)
    told = [level and Decimal(level) for level in (stop, target)]
    assert [opinion.stop_loss, opinion.take_profit] == told


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (
            (98.0, 99.5, 100.0, 100.5, 102.0),
            "Wider moves of BTCUSDT are to be expected than of late: a standard",
        ),
        (
            (99.9, 99.95, 100.0, 100.05, 100.1),
            "Narrower moves of BTCUSDT are to be expected than of late: a standard",
        ),
        ((99.3, 99.8, 100.0, 100.2, 100.7), ""),
    ],
)
def test_a_forecast_of_another_width_than_of_late_is_an_insight(last, told):
    """0.112 % a bar is 0.43 % in fifteen."""
    closes = tuple(100.0 + 0.112 * (n % 2) for n in range(61))
    insight = AskForecast().opinion(quantiles(*last), ASKED.with_valid(closes=closes)).insight
    assert insight.startswith(told) and bool(insight) == bool(told)


def test_a_clear_mood_is_an_insight_held_or_not():
    told = "The mood about BTCUSDT is +0.80: Joy."
    for held, insight, score in (("0", told, 0.8), ("1", told, 0.8), ("0", "", 0.5)):
        assert (
            AskSentiment().opinion(mood(score=score), ASKED.with_valid(held=Decimal(held))).insight == insight
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (quantiles(1, 2, 3, 4), "15 rows of 5"),
        (json.dumps({"quantiles": [[1, 2, 3, 4, 5]]}), "15 rows of 5"),
        (quantiles(100, 99, 101, 102, 103), "quantiles that fall"),
        (quantiles(-1, 99, 101, 102, 103), "greater than 0"),
        (quantiles(1, 2, 3, 4, float("nan")), "not JSON"),
        ('{"quantiles": "none"}', "quantiles"),
    ],
)
def test_a_forecast_that_is_none_is_refused(text, told):
    with pytest.raises(Refusal, match=told):
        AskForecast().opinion(text, ASKED)


@pytest.mark.parametrize(
    ("changes", "held", "side", "size"),
    [
        ({}, "0", Side.BUY, 0.4),
        ({"score": -0.8}, "0", Side.SELL, 0.4),
        ({"score": 0.5}, "0", Side.HOLD, 0.0),
        ({}, "1", Side.HOLD, 0.0),
    ],
)
def test_a_clear_sentiment_becomes_a_trade(changes, held, side, size):
    opinion = AskSentiment().opinion(mood(**changes), ASKED.with_valid(held=Decimal(held)))
    assert (opinion.side, opinion.size_fraction) == (side, size)
    if side is not Side.HOLD:
        assert (opinion.take_profit - 100) * side.sign > 0 > (opinion.stop_loss - 100) * side.sign


@pytest.mark.parametrize(
    "changes", [{"symbol": "ETHUSDT"}, {"score": 1.1}, {"score": "1"}, {"confidence": None}, {"side": "BUY"}]
)
def test_a_sentiment_that_does_not_fit_is_refused(changes):
    with pytest.raises(Refusal):
        AskSentiment().opinion(mood(**changes), ASKED)


@pytest.mark.parametrize(
    ("weight", "side", "size"),
    [
        (0.01, Side.HOLD, 0.0),
        (0.015, Side.HOLD, 0.0),
        (0.035, Side.BUY, 0.5),
        (0.9, Side.BUY, 1.0),
        (-0.01, Side.SELL, 0.4),
    ],
)
def test_a_portfolio_becomes_a_step_towards_it(weight, side, size):
    """0.1 at 100 is 1 % of the capital of 1,000."""
    opinion = AskPortfolio().opinion(weights(BTCUSDT=weight, ETHUSDT=0.0), GUIDED)
    assert (opinion.side, opinion.size_fraction) == (side, size)


def test_a_portfolio_without_capital_holds():
    assert AskPortfolio().opinion(weights(BTCUSDT=0.5), ASKED).side is Side.HOLD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (weights(BTCUSDT=0.7, ETHUSDT=-0.7), "add up to 1.4"),
        (weights(ETHUSDT=0.1), "no weight for BTCUSDT"),
        (weights(BTCUSDT=0.1, DOGEUSDT=0.1), "not asked about: DOGEUSDT"),
        (weights(BTCUSDT=1.5), "less than or equal to 1"),
    ],
)
def test_a_portfolio_that_does_not_fit_is_refused(text, told):
    with pytest.raises(Refusal, match=told):
        AskPortfolio().opinion(text, GUIDED)


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["symbol", "score", "confidence", "rationale", "weights", "quantiles", "side"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ["decision", "forecast", "sentiment", "portfolio"])
@settings(max_examples=60, deadline=None)
@given(content=_ANY)
def test_any_prediction_and_any_answer_is_an_opinion_or_a_refusal(name, content):
    kind = kind_named(name)
    for read in (lambda: kind.receive(content), lambda: kind.opinion(json.dumps(content), GUIDED)):
        try:
            read()
        except Refusal as refusal:
            assert refusal.error


@settings(max_examples=100)
@given(st.lists(st.floats(0.01, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)))
def test_any_forecast_that_fits_is_a_sound_decision(last):
    try:
        opinion = AskForecast().opinion(quantiles(*sorted(last)), ASKED)
    except ValueError:
        raise AssertionError(f"a forecast that fits was refused: {sorted(last)}") from None
    assert (opinion.side is Side.HOLD) == (opinion.size_fraction == 0.0)
    assert 0 <= opinion.confidence <= 1


@pytest.mark.parametrize(
    ("agent", "model"),
    [
        ("deepseek-v3", "rule:momentum"),
        ("fingpt-alpha", "rule:sentiment_neutral"),
        ("lagllama-degen", "forecast:statistical"),
        ("profit-maximizer", "rule:allocation"),
    ],
)
def test_every_agent_is_answered_in_its_own_way_here(agent, model):
    handler = DecisionHandler(roster(), InProcess.of(roster()), tells_latency=False)
    asked = GUIDED.with_valid(agent=agent, price=Decimal(str(CLOSES[-1])))
    (outcome,) = handler.run_inference([asked], handler.load_model())
    assert (outcome.status, outcome.model) == (CallStatus.ANSWERED, model), outcome.error
    assert outcome.cost_usd == 0
