"""Margin, liquidation and funding, with exact values."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts.orders import OrderType
from execution.matching.core import MatchingCore
from execution.matching.events import Cancelled, Covered, Expired, Filled, Funded, Liquidated, Rejected
from execution.matching.order import Order
from execution.matching.terms import MarginTerms, Terms
from execution.matching.units import UNIT, money_of
from tests.execution.matching.tape import HOUR, INSTRUMENTS
from tests.execution.matching.test_orders import at

BTC, ETH = "BTCUSDT", "ETHUSDT"
MARGIN = MarginTerms(leverage=10, maintenance=Decimal("0.01"), liquidation_fee=Decimal("0.02"))


def funded_with(usdt: int, **terms: Any) -> MatchingCore:
    core = MatchingCore(
        {symbol: INSTRUMENTS[symbol] for symbol in (BTC, ETH)},
        Terms(taker_fee=Decimal(0), **({"margin": MARGIN} | terms)),
    )
    core.deposit("a", Decimal(usdt))
    for symbol in (BTC, ETH):
        core.on_quote(symbol, 0, at(1_000), 100 * UNIT, at(1_000), 100 * UNIT)
        core.on_mark(symbol, 0, at(1_000))
    return core


def buy(name: str, quantity: int, symbol: str = BTC, **more: Any) -> Order:
    return Order(name, symbol, 1, quantity * UNIT, **more)


def test_an_order_needs_its_share_of_the_value_that_the_position_may_grow_to() -> None:
    core = funded_with(1_000)
    core.submit("a", buy("rest", 4, type=OrderType.LIMIT, limit=at(900)), 0)
    assert core.balance("a").initial_margin == 400
    (denied,) = core.submit("a", buy("much", 7), 0)
    assert isinstance(denied, Rejected)
    assert denied.reason == "margin: 1100.00 USDT are needed at 10x, the account's equity is 1000.00"
    assert any(isinstance(e, Filled) for e in core.submit("a", buy("enough", 6), 0))
    # To the other side it takes risk away, whatever is left.
    assert any(isinstance(e, Filled) for e in core.submit("a", Order("close", BTC, -1, 6 * UNIT), 0))


def test_an_account_is_liquidated_at_the_first_mark_below_its_maintenance_margin() -> None:
    core = funded_with(1_000)
    core.submit("a", buy("open", 10), 0)
    core.submit("a", buy("wait", 1, ETH, type=OrderType.STOP_MARKET, stop=at(2_000)), 0)
    # At mark m: equity 1000 + 10 (m - 1000), maintenance 0.1 m. They meet at 909.0909...
    assert not core.on_mark(BTC, 1, at("909.1"))
    events = core.on_mark(BTC, 2, at("909.09"))
    assert [type(e) for e in events] == [Liquidated, Cancelled, Filled]
    liquidated, _, filled = events
    assert isinstance(liquidated, Liquidated) and isinstance(filled, Filled)
    assert (money_of(liquidated.equity), money_of(liquidated.maintenance)) == (
        Decimal("90.9"), Decimal("90.909"),
    )  # fmt: skip
    # The book still stands at 1000: closed there, at a fee of 2 %.
    assert (filled.client_order_id[:4], money_of(filled.fee)) == ("liq-", Decimal(200))
    assert core.balance("a").wallet == 800


def test_what_a_liquidation_leaves_owing_is_covered() -> None:
    core = funded_with(1_000)
    core.submit("a", buy("open", 10), 0)
    core.on_quote(BTC, 1, at(800), 100 * UNIT, at(800), 100 * UNIT)
    events = core.on_mark(BTC, 2, at(800))
    (covered,) = (e for e in events if isinstance(e, Covered))
    # 1000 - 10 x 200 - 8000 x 0.02
    assert money_of(covered.amount) == 1_160
    assert core.balance("a").wallet == 0


def test_losses_in_two_symbols_are_one_accounts() -> None:
    core = funded_with(1_000)
    for symbol in (BTC, ETH):
        core.submit("a", buy(f"open-{symbol}", 4, symbol), 0)
    assert not core.on_mark(BTC, 1, at(890))
    events = core.on_mark(ETH, 2, at(870))
    # Equity 1000 - 440 - 520 = 40, maintenance 35.6 + 34.8 = 70.4.
    assert isinstance(events[0], Liquidated) and money_of(events[0].equity) == 40


def test_without_a_book_a_position_is_closed_when_there_is_one_again() -> None:
    core = funded_with(1_000, quote_life=timedelta(seconds=1))
    core.submit("a", buy("open", 10), 0)
    core.on_quote(BTC, 1, 0, 0, 0, 0)
    assert not core.on_mark(BTC, 2, at(800))
    events = core.on_quote(BTC, 3, at(900), 4 * UNIT, at(900), UNIT)
    assert isinstance(events[0], Liquidated)
    assert not any(isinstance(e, Expired) for e in events)
    assert core.position("a", BTC).quantity == 0


def test_longs_pay_shorts_at_full_intervals_at_the_mark_and_rate_in_force() -> None:
    core = funded_with(10_000)
    core.submit("a", buy("open", 2), 0)
    core.deposit("b", Decimal(1_000))
    core.submit("b", Order("short", BTC, -1, UNIT), 0)
    core.on_mark(BTC, 7 * HOUR, at(1_100), 10_000)
    core.on_mark(BTC, 8 * HOUR, at(1_200), 20_000)
    events = core.advance(9 * HOUR)
    # At 08:00 the mark of that moment was known: 2 x 1200 x 0.0002.
    assert [(e.account, money_of(e.amount)) for e in events if isinstance(e, Funded)] == [
        ("a", Decimal("-0.48")),
        ("b", Decimal("0.24")),
    ]
    assert core.next_moment() == 16 * HOUR
    assert money_of(core.position("a", BTC).funding) == Decimal("-0.48")


def test_who_held_nothing_at_the_time_pays_nothing() -> None:
    core = funded_with(10_000, funding_rate=Decimal("0.001"))
    core.submit("a", buy("open", 2), 0)
    core.submit("a", Order("close", BTC, -1, 2 * UNIT), HOUR)
    assert not core.advance(20 * HOUR)
    core.on_quote(BTC, 20 * HOUR, at(1_000), 100 * UNIT, at(1_000), 100 * UNIT)
    core.submit("a", buy("later", 2), 20 * HOUR)
    events = core.advance(25 * HOUR)
    assert [event.micros for event in events] == [24 * HOUR]
