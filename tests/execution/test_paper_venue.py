from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.bookings import Funding
from contracts.market_data import MarketBatch, MarketKind, rows_of
from contracts.orders import OrderRequest, OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from contracts.time import to_micros
from execution.funding_message import funding_message
from execution.ledger.ledger import OrderFilter
from execution.matching.events import Funded
from execution.order_life import Fill
from execution.venues.paper.options import PaperOptions
from execution.venues.paper.paper_venue import PaperVenue
from execution.venues.venue import VenueAnswer
from tests.execution.trading_floor import NOON, Floor, bar, quote, request

SECOND = timedelta(seconds=1)
LIMIT: dict[str, Any] = {"type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}


@pytest.fixture
def venue() -> PaperVenue:
    return PaperVenue(PaperOptions())


def place(venue: PaperVenue, order: OrderRequest) -> VenueAnswer:
    return venue.place(order, order.quantity, NOON)


def trade(price: float, quantity: float, at: Any, *, buyer_is_maker: bool = True) -> MarketBatch:
    columns = {
        "event_time": [to_micros(at)],
        "trade_id": [1],
        "price": [price],
        "quantity": [quantity],
        "buyer_is_maker": [buyer_is_maker],
    }
    return MarketBatch.of("BTCUSDT", MarketKind.TRADE, 1, rows_of(MarketKind.TRADE, columns))


def test_a_buy_pays_the_ask_and_a_sell_gets_the_bid(venue: PaperVenue) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    buy, sell = place(venue, request()), place(venue, request("decision-2", side=Side.SELL))
    # 0.5 x 42000.1 x 0.00035
    assert buy.fills == (
        Fill(Decimal("0.5"), Decimal("42000.1"), Decimal("7.3500175"), f"{buy.venue_order_id}-1"),
    )
    assert sell.fills == (Fill(Decimal("0.5"), Decimal(42_000), Decimal("7.35"), f"{sell.venue_order_id}-1"),)
    assert buy.end is OrderStatus.FILLED


def test_what_was_taken_from_a_quote_is_gone_until_the_next(venue: PaperVenue) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    prices = [place(venue, request(f"d{n}")).fills[0].price for n in range(3)]
    # One bitcoin was quoted; behind it the same again half a spread of 4.3 away.
    assert prices == [Decimal("42000.1"), Decimal("42000.1"), Decimal("42004.4")]
    venue.take(quote(42_000.0, 42_000.1, NOON + SECOND))
    assert place(venue, request("d3")).fills[0].price == Decimal("42000.1")


def test_without_quotes_the_bar_close_stands_in_with_half_a_spread(venue: PaperVenue) -> None:
    venue.take(bar(42_000.3))
    # 42000.3 -+ 4.20003, rounded to the tick of 0.1 away from the close
    assert venue.price("BTCUSDT") == (Decimal("41996.0") + Decimal("42004.6")) / 2
    # The bar's volume is 1: 0.02 of it at each of ten levels, and no more.
    answer = place(venue, request())
    assert [fill.price for fill in answer.fills[:2]] == [Decimal("42004.6"), Decimal("42008.9")]
    assert sum(fill.quantity for fill in answer.fills) == Decimal("0.2")
    assert answer.end is OrderStatus.EXPIRED and answer.reason.startswith("nothing more to trade with")


def test_a_quote_stands_until_other_prices_are_ten_seconds_newer(venue: PaperVenue) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    venue.take(bar(43_000.0, NOON + 10 * SECOND))
    assert venue.price("BTCUSDT") == Decimal("42000.05")
    venue.take(bar(43_000.0, NOON + 11 * SECOND))
    assert venue.price("BTCUSDT") == Decimal(43_000)


def test_what_comes_late_changes_nothing(venue: PaperVenue) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    venue.take(quote(1.0, 2.0, NOON - SECOND))
    assert venue.price("BTCUSDT") == Decimal("42000.05")


@pytest.mark.parametrize(("bid", "ask"), [(2.0, 1.0), (0.0, 1.0), (float("nan"), 1.0), (1.0, float("inf"))])
def test_a_quote_without_meaning_takes_away_the_price(venue: PaperVenue, bid: float, ask: float) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    venue.take(quote(bid, ask, NOON + SECOND))
    assert venue.price("BTCUSDT") is None


def test_no_price_no_trade(venue: PaperVenue) -> None:
    assert venue.missing() == "no market data has arrived yet"
    answer = place(venue, request())
    assert (answer.end, answer.fills) == (OrderStatus.REJECTED, ())
    assert answer.reason == "no price: the paper venue has seen no market data of BTCUSDT"


@pytest.mark.parametrize("offset", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_price_far_from_the_decision_is_not_traded_at(venue: PaperVenue, offset: timedelta) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    answer = place(venue, request(decided_at=NOON + offset))
    assert answer.end is OrderStatus.REJECTED
    assert answer.reason.startswith("stale price: the last one of BTCUSDT is of 2024-01-15T12:00:00+00:00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": Decimal("0.0005")}, "lot: quantity 0.0005 is no multiple of 0.001"),
        ({"quantity": Decimal("0.0000000001")}, "precision: 1E-10 is finer than 1e-8"),
        ({"symbol": "DOGEUSDT"}, "unknown symbol DOGEUSDT; known are BTCUSDT, ETHUSDT, SOLUSDT, AVAXUSDT"),
        (LIMIT | {"limit_price": Decimal("42000.15")}, "tick: limit_price 42000.15 is no multiple"),
    ],
)
def test_the_venues_rules_hold(venue: PaperVenue, changes: dict[str, Any], reason: str) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    answer = place(venue, request(**changes))
    assert answer.end is OrderStatus.REJECTED and answer.reason.startswith(reason)


def test_an_order_is_worth_at_least_min_notional_unless_it_reduces(venue: PaperVenue) -> None:
    venue.take(quote(4_000.0, 4_000.1))
    small: dict[str, Any] = {"quantity": Decimal("0.001")}
    assert place(venue, request(**small)).reason == "min_notional: the order is worth 4.0001, the least is 5"
    place(venue, request("enough"))
    closing = request("close", **small, side=Side.SELL, reduce_only=True)
    assert place(venue, closing).fills


def test_a_limit_order_of_today_trades_at_once_or_expires(venue: PaperVenue) -> None:
    venue.take(quote(42_000.0, 42_000.1))
    good = place(venue, request(type=OrderType.LIMIT, limit_price=Decimal("42000.1")))
    short = place(venue, request("d2", type=OrderType.LIMIT, limit_price=Decimal(42_000)))
    assert good.fills[0].price == Decimal("42000.1")
    assert (short.end, short.fills) == (OrderStatus.EXPIRED, ())


def test_a_resting_order_is_told_of_as_it_trades(tmp_path: Path) -> None:
    floor = Floor(tmp_path).open()
    wanted = request(**LIMIT, limit_price=Decimal("42000.0"))
    assert floor.placement.place(wanted).order.status is OrderStatus.SUBMITTED
    # One bitcoin rests before it: the first trade takes 0.8 of that, the second the rest and 0.3 of ours.
    for seconds, traded in ((1, 0.8), (2, 0.5), (3, 5.0)):
        floor.prices.take(trade(42_000.0, traded, NOON + seconds * SECOND))
    order = floor.ledger.order(wanted.client_order_id)
    assert order is not None and order.status is OrderStatus.FILLED
    assert (order.filled_quantity, order.average_price) == (Decimal("0.5"), Decimal(42_000))
    # As a maker: 0.5 x 42000 x 0.0001
    assert order.fees == Decimal("2.1")
    assert floor.ledger.positions()[0].quantity == Decimal("0.5")
    floor.ledger.close()


def test_what_rested_or_waited_is_taken_up_after_a_restart(tmp_path: Path) -> None:
    floor = Floor(tmp_path).open()
    floor.placement.place(request("held"))
    resting = request("rest", **LIMIT, limit_price=Decimal("41000.0"))
    stop = request(
        "stop", type=OrderType.STOP_MARKET, side=Side.SELL, stop_price=Decimal(40_500), reduce_only=True
    )
    for wanted in (resting, stop):
        assert floor.placement.place(wanted).order.status is OrderStatus.SUBMITTED
    floor.prices.take(trade(40_999.0, 0.2, NOON + SECOND))
    before = {o.request.client_order_id: o for o in map(floor.ledger.order, ids(resting, stop)) if o}
    assert before[resting.client_order_id].filled_quantity == Decimal("0.2")
    assert before[stop.client_order_id].status is OrderStatus.SUBMITTED
    state = floor.ledger.state_hash()
    floor.ledger.close()

    again = Floor(tmp_path).open()
    assert again.ledger.state_hash() == state
    for wanted in (resting, stop):
        order = again.ledger.order(wanted.client_order_id)
        assert order == before[wanted.client_order_id]
    for price in (40_998.0, 40_500.0):
        again.prices.take(trade(price, 9.0, NOON + 2 * SECOND))
    ended = [order for order in map(again.ledger.order, ids(resting, stop)) if order]
    assert [order.status for order in ended] == [OrderStatus.FILLED, OrderStatus.FILLED]
    again.ledger.verify(from_start=True)
    again.ledger.close()


def ids(*orders: OrderRequest) -> list[str]:
    return [order.client_order_id for order in orders]


def test_an_order_on_its_way_arrives_with_the_market_or_with_the_clock(tmp_path: Path) -> None:
    options = PaperOptions(latency=timedelta(milliseconds=50), remembers_taken=False)
    floor = Floor(tmp_path, options).open()
    for decision in ("by-market", "by-clock"):
        assert floor.placement.place(request(decision)).order.status is OrderStatus.SUBMITTED
        if decision == "by-market":
            floor.prices.take(quote(43_000.0, 43_000.1, NOON + SECOND))
        else:
            floor.clock.moment = NOON + 3 * SECOND
            floor.prices.advance(NOON + SECOND)
            floor.prices.advance(NOON + 3 * SECOND)
        order = floor.ledger.order(request(decision).client_order_id)
        assert order is not None and order.status is OrderStatus.FILLED
        # Sent before the price rose: filled at what was there when it arrived.
        assert order.average_price == Decimal("42000.1" if decision == "by-market" else "43000.1")
        floor.clock.moment = NOON + SECOND
    floor.ledger.close()


def test_a_liquidation_is_an_order_in_the_ledger(tmp_path: Path) -> None:
    options = PaperOptions(balance=Decimal(3_000), remembers_taken=False)
    floor = Floor(tmp_path, options).open()
    assert floor.placement.place(request()).order.status is OrderStatus.FILLED
    floor.prices.take(quote(36_000.0, 36_000.1, NOON + SECOND))
    assert [position.quantity for position in floor.ledger.positions()] == [0]
    made = floor.ledger.orders(OrderFilter(), 10)[0]
    assert made.request.client_order_id.startswith("liq-") and made.status is OrderStatus.FILLED
    assert (made.request.agent, made.average_price) == ("qwen-7b", Decimal(36_000))
    floor.ledger.verify(from_start=True)
    rejected = floor.placement.place(request("again", decided_at=NOON)).order
    assert rejected.reason.startswith("margin: ")
    floor.ledger.close()


def test_funding_is_told_to_the_desk_once(venue: PaperVenue) -> None:
    told: list[tuple[str, str, Funded]] = []
    venue.listen_to_funding(lambda desk, agent, funded: told.append((desk, agent, funded)))
    venue.take(quote(42_000.0, 42_000.1))
    place(venue, request())
    columns = {"event_time": [to_micros(NOON)], "mark_price": [42_000.0], "index_price": [42_000.0]}
    rows = rows_of(MarketKind.MARK, columns | {"funding_rate": [0.0001]})
    venue.take(MarketBatch.of("BTCUSDT", MarketKind.MARK, 1, rows))
    # Due at 16:00: the clock alone brings it, once a second of patience has passed.
    venue.advance(NOON + timedelta(hours=4))
    assert not told
    for _ in range(2):
        venue.advance(NOON + timedelta(hours=4, seconds=1))
    ((desk, agent, funded),) = told
    message = funding_message(desk, agent, funded, "paper")
    assert isinstance(message.payload, Funding)
    # A long pays 0.5 x 42000 x 0.0001.
    assert (message.payload.amount, message.payload.funded_at) == (Decimal("-2.1"), NOON + timedelta(hours=4))
    assert message == funding_message(desk, agent, funded, "paper")


def test_a_message_without_an_order_is_published_once(tmp_path: Path) -> None:
    floor = Floor(tmp_path).open()
    funded = Funded(to_micros(NOON), "main/qwen-7b", "BTCUSDT", -1, 1, 42_000, 1)
    for _ in range(2):
        floor.ledger.tell(funding_message("main", "qwen-7b", funded, "paper"))
    assert len(floor.ledger.unpublished(10)) == 1
    floor.ledger.close()
