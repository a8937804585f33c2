"""Each kind of order at a market that is written out, with exact values."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.orders import OrderType, TimeInForce
from execution.matching.core import MatchingCore
from execution.matching.events import Cancelled, Event, Expired, Filled, Rejected, Triggered
from execution.matching.order import Order
from execution.matching.terms import SpreadModel, Terms
from execution.matching.units import UNIT, amount_of, money_of
from tests.execution.matching.tape import INSTRUMENTS

BTC = "BTCUSDT"
MINUTE = 60_000_000


def at(price: str | int) -> int:
    return int(Decimal(price) * UNIT)


def core(**terms: Any) -> MatchingCore:
    return MatchingCore({BTC: INSTRUMENTS[BTC]}, Terms(**terms))


def booked(**terms: Any) -> MatchingCore:
    """Two levels a side, one and two bitcoin."""
    made = core(**terms)
    made.on_book(BTC, 0, [(at(100), UNIT), (at(99), 2 * UNIT)], [(at(101), UNIT), (at(102), 2 * UNIT)])
    return made


def order(name: str, sign: int, quantity: str, **more: Any) -> Order:
    kind = OrderType.LIMIT if "limit" in more else OrderType.MARKET
    return Order(name, BTC, sign, at(quantity), more.pop("type", kind), **more)


def fills(events: Any) -> list[tuple[Decimal, Decimal]]:
    return [(amount_of(e.price), amount_of(e.quantity)) for e in events if isinstance(e, Filled)]


def last(events: Any) -> Event:
    found: Event = list(events)[-1]
    return found


def told(*prices: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in prices]


def test_a_market_order_walks_the_levels_and_pays_the_taker_fee() -> None:
    events = booked().submit("a", order("o", 1, "1.5"), 0)
    assert fills(events) == told(("101", "1"), ("102", "0.5"))
    # 101 x 0.00035, 51 x 0.00035
    assert [money_of(e.fee) for e in events if isinstance(e, Filled)] == [
        Decimal("0.03535"),
        Decimal("0.01785"),
    ]
    assert [e.trade_id for e in events if isinstance(e, Filled)] == ["o-1", "o-2"]


def test_what_the_book_does_not_hold_expires_and_stays_taken() -> None:
    market = booked()
    events = market.submit("a", order("o", 1, "5"), 0)
    assert fills(events) == told(("101", "1"), ("102", "2"))
    assert isinstance(last(events), Expired)
    assert fills(market.submit("a", order("again", 1, "1"), 0)) == []
    market.on_depth(BTC, 1, [(False, at(101), UNIT)])
    assert fills(market.submit("a", order("anew", 1, "1"), 1)) == told(("101", "1"))


@pytest.mark.parametrize(
    ("force", "limit", "expected", "end"),
    [
        (TimeInForce.IOC, "101", [("101", "1")], Expired),
        (TimeInForce.FOK, "101", [], Expired),
        (TimeInForce.FOK, "102", [("101", "1"), ("102", "1")], Filled),
        (TimeInForce.GTX, "101", [], Expired),
        (TimeInForce.GTC, "101", [("101", "1")], Filled),
    ],
)
def test_time_in_force(force: TimeInForce, limit: str, expected: Any, end: type[Event]) -> None:
    market = booked()
    events = market.submit("a", order("o", 1, "2", limit=at(limit), time_in_force=force), 0)
    assert fills(events) == told(*expected)
    assert isinstance(last(events), end)
    assert len(market.open_orders("a")) == (force is TimeInForce.GTC)


def test_a_resting_order_waits_for_its_turn() -> None:
    market = booked()
    market.submit("a", order("o", 1, "1", limit=at(100)), 0)
    assert market.open_orders("a")[0].ahead == UNIT
    assert fills(market.on_trade(BTC, 1, at(100), at("0.7"), True)) == []
    assert fills(market.on_trade(BTC, 2, at(100), at("0.5"), True)) == told(("100", "0.2"))
    # A buyer who took an offer at our price has not met our bid.
    assert fills(market.on_trade(BTC, 3, at(100), at("9"), False)) == []
    assert fills(market.on_trade(BTC, 4, at("99.9"), at("0.3"), True)) == told(("100", "0.3"))
    events = market.on_trade(BTC, 5, at(100), at("9"), True)
    assert fills(events) == told(("100", "0.5"))
    # As a maker: 50 x 0.0001
    assert isinstance(events[-1], Filled) and money_of(events[-1].fee) == Decimal("0.005")


def test_the_queue_shortens_with_the_level_and_no_trade_counts_twice() -> None:
    market = booked()
    market.submit("a", order("o", 1, "1", limit=at(100)), 0)
    market.on_depth(BTC, 5, [(True, at(100), at("0.4"))])
    assert market.open_orders("a")[0].ahead == at("0.4")
    assert fills(market.on_trade(BTC, 4, at(100), at("0.6"), True)) == []
    assert market.open_orders("a")[0].ahead == at("0.4")
    assert fills(market.on_trade(BTC, 6, at(100), at("0.6"), True)) == told(("100", "0.2"))


def test_behind_the_quote_the_queue_is_unknown_until_the_quote_comes() -> None:
    market = core()
    market.on_quote(BTC, 0, at(100), UNIT, at(101), UNIT)
    market.submit("a", order("o", 1, "1", limit=at(98)), 0)
    assert market.open_orders("a")[0].ahead is None
    market.on_trade(BTC, 1, at(98), at("5"), True)
    market.on_quote(BTC, 2, at(98), at("0.5"), at(99), UNIT)
    assert market.open_orders("a")[0].ahead == at("0.5")
    assert fills(market.on_trade(BTC, 3, at(98), at("0.7"), True)) == told(("98", "0.2"))


def test_without_trades_a_resting_order_trades_when_the_other_side_comes_to_it() -> None:
    market = core()
    market.on_quote(BTC, 0, at(100), UNIT, at(101), UNIT)
    market.submit("a", order("o", 1, "1", limit=at(100)), 0)
    assert fills(market.on_quote(BTC, 1, at("99.9"), UNIT, at(100), at("0.3"))) == told(("100", "0.3"))


@pytest.mark.parametrize(
    ("kind", "sign", "stop", "quiet", "fires", "price"),
    [
        (OrderType.STOP_MARKET, -1, 95, 96, 95, "100"),
        (OrderType.STOP_MARKET, 1, 105, 104, 106, "101"),
        (OrderType.TAKE_PROFIT_MARKET, -1, 105, 104, 105, "100"),
        (OrderType.TAKE_PROFIT_MARKET, 1, 95, 96, 94, "101"),
    ],
)
def test_a_conditional_order_fires_at_its_price(
    kind: OrderType, sign: int, stop: int, quiet: int, fires: int, price: str
) -> None:
    market = booked()
    market.on_trade(BTC, 0, at(100), UNIT, True)
    market.submit("a", order("o", sign, "0.5", type=kind, stop=at(stop)), 0)
    assert not market.on_trade(BTC, 1, at(quiet), UNIT, True)
    events = market.on_trade(BTC, 2, at(fires), UNIT, True)
    assert isinstance(events[0], Triggered) and fills(events) == told((price, "0.5"))


def test_a_stop_that_would_fire_at_once_is_refused() -> None:
    market = booked()
    market.on_trade(BTC, 0, at(100), UNIT, True)
    events = market.submit("a", order("o", -1, "1", type=OrderType.STOP_MARKET, stop=at(100)), 0)
    assert isinstance(last(events), Rejected) and last(events).reason == (
        "stop_price: it would fire at once, the price is 100"
    )


def test_a_trailing_stop_follows_and_turns() -> None:
    market = booked()
    market.on_trade(BTC, 0, at(100), UNIT, True)
    trailing = order("o", -1, "1", type=OrderType.TRAILING_STOP_MARKET, callback=UNIT // 100, stop=at(105))
    market.submit("a", trailing, 0)
    # Below its activation price it follows nothing; at 110 its level is 108.9.
    for moment, price in enumerate((90, 104, 106, 110, 109), 1):
        assert not market.on_trade(BTC, moment, at(price), UNIT, True)
    assert market.next_triggers(BTC)[0] == at("108.9")
    assert fills(market.on_trade(BTC, 9, at("108.9"), UNIT, True)) == told(("100", "1"))


def test_reduce_only_takes_no_more_than_is_held_and_ends_with_the_position() -> None:
    market = booked()
    assert last(market.submit("a", order("early", -1, "1", reduce_only=True), 0)).reason.startswith(
        "reduce_only"
    )
    market.submit("a", order("open", 1, "0.5"), 0)
    market.submit("a", order("rest", -1, "0.5", limit=at(110), reduce_only=True), 0)
    events = market.submit("a", order("close", -1, "1", reduce_only=True), 0)
    assert fills(events) == told(("100", "0.5"))
    assert {e.client_order_id for e in events if isinstance(e, Expired)} == {"rest", "close"}
    assert market.position("a", BTC).quantity == 0
    # (100 - 101) x 0.5
    assert money_of(market.position("a", BTC).realised) == Decimal("-0.5")


def test_an_order_meets_the_prices_of_its_arrival() -> None:
    market = core(order_latency=timedelta(milliseconds=10), cancel_latency=timedelta(milliseconds=10))
    market.on_quote(BTC, 0, at(100), UNIT, at(101), UNIT)
    assert not market.submit("a", order("o", 1, "1"), 0)
    assert market.next_moment() == 10_000
    assert not market.on_quote(BTC, 9_000, at(200), UNIT, at(201), UNIT)
    # A quote at the very moment of its arrival comes before it.
    assert not market.on_quote(BTC, 10_000, at(300), UNIT, at(301), UNIT)
    assert fills(market.on_quote(BTC, 11_000, at(400), UNIT, at(401), UNIT)) == told(("301", "1"))


def test_a_cancellation_may_come_too_late() -> None:
    market = core(cancel_latency=timedelta(milliseconds=10))
    market.on_quote(BTC, 0, at(100), UNIT, at(101), UNIT)
    for name in ("o", "p"):
        market.submit("a", order(name, 1, "1", limit=at("100.5")), 0)
    assert not market.cancel("a", "o", 0) and not market.cancel("a", "p", 0)
    assert fills(market.on_trade(BTC, 5_000, at("100.5"), UNIT, True)) == told(("100.5", "1"))
    events = market.advance(10_000)
    assert [(type(e), e.client_order_id) for e in events] == [(Cancelled, "p")]


BAR = (0, MINUTE, at(100), at(106), at(94), at(103), 100 * UNIT)
"""From 00:00 to 00:01: open 100, high 106, low 94, close 103, volume 100."""


def barred(*orders: Order) -> list[Event]:
    """What a bar makes of orders that were sent at its open, under a spread of 0.1 % to either side."""
    market = core(spread=SpreadModel(half_spread=Decimal("0.001")))
    market.on_bar(BTC, -MINUTE, 0, at(100), at(100), at(100), at(100), 100 * UNIT)
    market.submit("a", order("held", 1, "1"), 0)
    for one in orders:
        market.submit("a", one, 0)
    return list(market.on_bar(BTC, *BAR))


def test_a_bar_that_holds_both_a_stop_and_a_target_counts_as_the_stop() -> None:
    legs: dict[str, Any] = {"reduce_only": True}
    events = barred(
        order("target", -1, "1", type=OrderType.TAKE_PROFIT_MARKET, stop=at(105), **legs),
        order("stop", -1, "1", type=OrderType.STOP_MARKET, stop=at(95), **legs),
    )
    # 95 less half a spread of 0.095, rounded down to the tick.
    assert fills(events) == told(("94.9", "1"))
    assert {e.client_order_id for e in events if isinstance(e, Filled | Triggered)} == {"stop"}


def test_a_bar_that_opens_beyond_a_stop_fills_at_its_open() -> None:
    market = core(spread=SpreadModel(half_spread=Decimal(0)))
    market.on_bar(BTC, -MINUTE, 0, at(110), at(110), at(110), at(110), 100 * UNIT)
    market.submit("a", order("stop", -1, "1", type=OrderType.STOP_MARKET, stop=at(105)), 0)
    assert fills(market.on_bar(BTC, *BAR)) == told(("100", "1"))


def test_a_bar_fills_a_resting_order_only_where_it_went_beyond_and_by_a_share_of_its_volume() -> None:
    events = barred(
        order("touched", 1, "1", limit=at(94)), order("beyond", 1, "12", limit=at("94.1")),
        order("sold", -1, "1", limit=at("105.9")),
    )  # fmt: skip
    # A tenth of the bar's volume of 100 can have been ours.
    assert fills(events) == told(("94.1", "10"), ("105.9", "1"))


def test_quotes_of_its_time_make_a_bar_a_last_price_and_no_more() -> None:
    market = core()
    market.on_quote(BTC, 1_000, at(100), UNIT, at(101), UNIT)
    market.submit("a", order("o", 1, "1", limit=at(96)), 1_000)
    assert not market.on_bar(BTC, *BAR)
