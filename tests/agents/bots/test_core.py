from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.bots.core import BotCore, Saying
from agents.bots.history import Bar
from agents.rules.rule import MarketView, hold
from contracts.decisions import Opinion
from contracts.message import Message, said_by
from contracts.payloads import (
    Guidance,
    HftSignal,
    OrderExecution,
    OrderStatus,
    Question,
    Response,
    Side,
    TradeThesis,
)
from contracts.roster import read_roster
from contracts.settings import Settings

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
ROSTER = read_roster(Settings.model_fields["roster"].default)


class Says:
    """A rule that says what the test wants."""

    def __init__(self, side: Side = Side.BUY, fraction: float = 1.0) -> None:
        self.side, self.fraction = side, fraction
        self.seen: list[MarketView] = []

    def decide(self, view: MarketView) -> Opinion:
        self.seen.append(view)
        if self.side is Side.HOLD:
            return hold("nothing")
        return Opinion(
            side=self.side,
            confidence=0.7,
            size_fraction=self.fraction,
            horizon_seconds=60,
            rationale="because",
        )


def bar(minute: int, close: float = 2_500.0) -> Bar:
    return Bar(NOON + timedelta(minutes=minute), close + 1, close - 1, close, 10.0)


def bot(rule: Says, agent: str = "hummingbot-mm") -> BotCore:
    return BotCore(ROSTER, ROSTER.by_agent[agent], rule)


def kinds(sayings: list[Saying]) -> list[type]:
    return [type(saying.payload) for saying in sayings]


def execution(number: int, side: Side, quantity: str, agent: str = "hummingbot-mm") -> Message:
    step = OrderExecution(
        client_order_id="o-1",
        execution_id=f"e-{number}",
        sequence=number,
        agent=agent,
        symbol="ETHUSDT",
        side=side,
        status=OrderStatus.FILLED,
        quantity=quantity,
        filled_quantity=quantity,
        last_quantity=quantity,
        last_price="2500",
        venue="paper",
    )
    return said_by("execution", step, desk="main", event_time=NOON)


def test_an_entry_is_a_signal_a_thesis_and_a_question() -> None:
    core = bot(Says())
    said = core.saw("ETHUSDT", bar(0))
    assert kinds(said) == [HftSignal, TradeThesis, Question]
    signal = said[0].payload
    assert isinstance(signal, HftSignal)
    assert (signal.notional, signal.price, signal.strategy) == (
        Decimal("42.500"),
        Decimal("2500.00"),
        "rule:market_making",
    )
    assert signal.as_of == NOON, "the moment of the bar that it follows"
    assert [saying.recipient for saying in said] == [None, None, "freqtrade-hft"]
    assert said[2].correlation_id == said[0].message_id


def test_the_same_bar_is_seen_once_and_says_the_same() -> None:
    core = bot(Says())
    first = core.saw("ETHUSDT", bar(0))
    assert core.saw("ETHUSDT", bar(0)) == []
    assert core.saw("ETHUSDT", bar(-1)) == []
    assert bot(Says()).saw("ETHUSDT", bar(0)) == first


def test_partners_are_asked_in_turn_and_seldom() -> None:
    core = bot(Says())
    asked = [
        (minute, saying.recipient)
        for minute in range(31)
        for saying in core.saw("ETHUSDT", bar(minute))
        if isinstance(saying.payload, Question)
    ]
    assert asked == [(0, "freqtrade-hft"), (15, "lagllama-degen"), (30, "freqtrade-hft")]


@pytest.mark.parametrize(
    ("agent", "symbol", "price", "fraction", "notional"),
    [
        ("hummingbot-mm", "BTCUSDT", 42_700.0, 0.5, "42.7000"),
        ("hummingbot-mm", "BTCUSDT", 44_100.0, 1.0, None),
        ("hummingbot-mm", "ETHUSDT", 2_500.0, 0.05, "5.00000"),
        ("freqtrade-hft", "BTCUSDT", 42_700.0, 1.0, "42.7000"),
        ("freqtrade-hft", "ETHUSDT", 2_500.0, 1.0, "52.500"),
        ("hummingbot-mm", "SOLUSDT", 100.0, 1.0, None),
    ],
)
def test_a_trade_fits_the_cap_in_whole_lots(
    agent: str, symbol: str, price: float, fraction: float, notional: str | None
) -> None:
    said = bot(Says(fraction=fraction), agent).saw(symbol, bar(0, price))
    found = [saying.payload.notional for saying in said if isinstance(saying.payload, HftSignal)]
    assert found == ([] if notional is None else [Decimal(notional)])


def guidance(**changes: Any) -> Guidance:
    told = {
        "agent": "hummingbot-mm",
        "role": "market_maker",
        "goal": "market_neutral",
        "capital": "400",
        "remaining": "400",
        "text": "",
    }
    return Guidance.model_validate(told | changes)


@pytest.mark.parametrize(
    ("changes", "notional"),
    [({}, ["20.000"]), ({"remaining": "7.6"}, ["7.500"]), ({"remaining": "-3"}, []), ({"capital": "0"}, [])],
)
def test_guidance_sizes_the_next_trade(changes: dict[str, str], notional: list[str]) -> None:
    core = bot(Says())
    core.heard(said_by("trading", guidance(**changes), desk="main", event_time=NOON))
    said = core.saw("ETHUSDT", bar(0))
    found = [s.payload.notional for s in said if isinstance(s.payload, HftSignal)]
    assert found == [Decimal(text) for text in notional]


def test_a_fill_is_booked_once_and_closed_as_reduce_only() -> None:
    rule = Says()
    core = bot(rule)
    for message in (
        execution(1, Side.BUY, "0.010"),
        execution(1, Side.BUY, "0.010"),
        execution(2, Side.BUY, "0.5", agent="freqtrade-hft"),
    ):
        assert core.heard(message) == []
    assert core.position("ETHUSDT") == Decimal("0.010")
    rule.side = Side.SELL
    [said] = core.saw("ETHUSDT", bar(0))
    assert isinstance(said.payload, HftSignal)
    assert said.payload.reduce_only
    assert said.payload.notional == Decimal("25.000")
    assert rule.seen[-1].position_quantity == 0.01


def test_a_large_position_is_closed_within_the_cap_even_without_room() -> None:
    core = bot(Says(Side.SELL))
    core.guided(guidance(remaining="0"))
    core.holds("ETHUSDT", Decimal("0.1"))
    [said] = core.saw("ETHUSDT", bar(0))
    assert isinstance(said.payload, HftSignal)
    assert said.payload.notional == Decimal("20.000")


def test_a_question_is_answered_to_who_asked() -> None:
    core = bot(Says(Side.HOLD))
    core.saw("ETHUSDT", bar(0))
    asked = said_by(
        "qwen-7b",
        Question(topic="trend", question="up?", symbol="ETHUSDT"),
        desk="main",
        event_time=NOON,
        recipient="hummingbot-mm",
    )
    [said] = core.heard(asked)
    assert core.heard(asked) == [said]
    assert (said.recipient, said.correlation_id) == ("qwen-7b", asked.message_id)
    assert said.payload == Response(
        answer="rule:market_making says HOLD for ETHUSDT. nothing", confidence=0.0, symbol="ETHUSDT"
    )


def test_without_an_opinion_it_says_so() -> None:
    asked = said_by("qwen-7b", Question(topic="t", question="?"), desk="main", event_time=NOON)
    [said] = bot(Says()).heard(asked)
    assert isinstance(said.payload, Response)
    assert (said.payload.answer, said.payload.confidence) == (
        "rule:market_making has no opinion about that yet.",
        0.0,
    )
