from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.market_data import MarketKind
from contracts.orders import OrderRequest, OrderType
from contracts.payloads import OrderStatus, Side
from execution.order_life import Fill
from execution.venues.paper.paper_venue import PaperOptions, PaperVenue
from execution.venues.paper.prices import Prices
from execution.venues.venue import VenueAnswer
from tests.execution.trading_floor import NOON, bar, quote, request

OPTIONS = PaperOptions()
SECOND = timedelta(seconds=1)


@pytest.fixture
def prices() -> Prices:
    return Prices(OPTIONS.half_spread, OPTIONS.quote_life)


def place(prices: Prices, order: OrderRequest) -> VenueAnswer:
    return PaperVenue(prices, OPTIONS).place(order, order.quantity, NOON)


def test_a_buy_pays_the_ask_and_a_sell_gets_the_bid(prices: Prices) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    buy, sell = place(prices, request()), place(prices, request(side=Side.SELL))
    # 0.5 x 42000.1 x 0.00035
    assert buy.fills == (
        Fill(Decimal("0.5"), Decimal("42000.1"), Decimal("7.3500175"), f"{buy.venue_order_id}-1"),
    )
    assert sell.fills == (Fill(Decimal("0.5"), Decimal(42_000), Decimal("7.35"), f"{sell.venue_order_id}-1"),)
    assert buy.end is None and buy.venue_order_id == place(prices, request()).venue_order_id


def test_without_quotes_the_bar_close_stands_in_with_half_a_spread(prices: Prices) -> None:
    prices.take(bar(42_000.3))
    touch = prices.touch("BTCUSDT")
    # 42000.3 -+ 4.20003, rounded to the tick of 0.1 away from the close
    assert touch and (touch.bid, touch.ask, touch.source) == (
        Decimal("41996.0"),
        Decimal("42004.6"),
        MarketKind.BAR,
    )


def test_a_quote_stands_until_other_prices_are_ten_seconds_newer(prices: Prices) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    prices.take(bar(43_000.0, NOON + 10 * SECOND))
    assert prices.touch("BTCUSDT").ask == Decimal("42000.1")  # type: ignore[union-attr]
    prices.take(bar(43_000.0, NOON + 11 * SECOND))
    assert prices.touch("BTCUSDT").source is MarketKind.BAR  # type: ignore[union-attr]


def test_what_comes_late_changes_nothing(prices: Prices) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    prices.take(quote(1.0, 2.0, NOON - SECOND))
    assert prices.touch("BTCUSDT").bid == 42_000  # type: ignore[union-attr]


@pytest.mark.parametrize(("bid", "ask"), [(2.0, 1.0), (0.0, 1.0), (float("nan"), 1.0), (1.0, float("inf"))])
def test_a_quote_without_meaning_takes_away_the_price(prices: Prices, bid: float, ask: float) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    prices.take(quote(bid, ask, NOON + SECOND))
    assert prices.touch("BTCUSDT") is None


def test_no_price_no_trade(prices: Prices) -> None:
    answer = place(prices, request())
    assert (answer.end, answer.fills) == (OrderStatus.REJECTED, ())
    assert answer.reason == "no price: the paper venue has seen no market data of BTCUSDT"
    assert PaperVenue(prices, OPTIONS).missing() == "no market data has arrived yet"


@pytest.mark.parametrize("offset", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_price_far_from_the_decision_is_not_traded_at(prices: Prices, offset: timedelta) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    answer = place(prices, request(decided_at=NOON + offset))
    assert answer.end is OrderStatus.REJECTED
    assert answer.reason.startswith("stale price: the last one of BTCUSDT is of 2024-01-15T12:00:00+00:00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": Decimal("0.0005")}, "lot: quantity 0.0005 is no multiple of 0.001"),
        ({"symbol": "DOGEUSDT"}, "unknown symbol DOGEUSDT; known are BTCUSDT, ETHUSDT, SOLUSDT, AVAXUSDT"),
        (
            {"type": OrderType.LIMIT, "limit_price": Decimal("42000.15")},
            "tick: limit_price 42000.15 is no multiple",
        ),
    ],
)
def test_the_venues_rules_hold(prices: Prices, changes: dict[str, Any], reason: str) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    answer = place(prices, request(**changes))
    assert answer.end is OrderStatus.REJECTED and answer.reason.startswith(reason)


def test_an_order_is_worth_at_least_min_notional_unless_it_reduces(prices: Prices) -> None:
    prices.take(quote(4_000.0, 4_000.1))
    small: dict[str, Any] = {"quantity": Decimal("0.001")}
    assert place(prices, request(**small)).reason == "min_notional: the order is worth 4.0001, the least is 5"
    assert place(prices, request(**small, reduce_only=True)).fills


def test_a_limit_order_trades_at_once_or_expires(prices: Prices) -> None:
    prices.take(quote(42_000.0, 42_000.1))
    good = place(prices, request(type=OrderType.LIMIT, limit_price=Decimal("42000.1")))
    short = place(prices, request(type=OrderType.LIMIT, limit_price=Decimal(42_000)))
    assert good.fills[0].price == Decimal("42000.1")
    assert (short.end, short.fills) == (OrderStatus.EXPIRED, ())
