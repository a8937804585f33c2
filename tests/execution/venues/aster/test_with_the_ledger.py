"""Placement, ledger, brackets and the Aster venue together: the account at the venue is what the ledger says."""

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.orders import OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from execution.exchange.faults import Fault
from execution.exchange.order_record import OrderRecord
from execution.ledger.ledger import OrderFilter
from execution.protection.kill_switch import Kill
from execution.venues.aster.aster_venue import AsterVenue
from tests.execution.trading_floor import NOON, Floor, quote
from tests.execution.venues.aster.stand import ORDER, Stand, connected, opened, order, until

HALF = Decimal("0.5")
BRACKET = {"stop_loss": Decimal(41_500), "take_profit": Decimal(43_000)}
RESTING = {"type": OrderType.LIMIT, "limit_price": Decimal(41_900), "time_in_force": TimeInForce.GTC}


@pytest.fixture
def stand() -> Iterator[Stand]:
    """An exchange and an account of the test's own: here what is held counts."""
    with opened() as server, connected(server) as venue:
        stand = Stand(server, venue)
        stand.prices()
        server.api.heard.clear()
        yield stand


@pytest.fixture
def floor(tmp_path: Path, stand: Stand) -> Iterator[Floor]:
    floor = Floor(tmp_path, other_venue=stand.venue)
    assert floor.placement.reconcile()
    yield floor
    floor.ledger.close()


def at_the_venue(stand: Stand, *, is_open: bool | None = None) -> list[OrderRecord]:
    address = stand.venue._exchange.options["cachedWalletAddress"]
    account = stand.server.exchange.account_of(address, address)
    return stand.server.call(lambda: list(account.orders(is_open=is_open)))


def open_legs(stand: Stand) -> list[tuple[str, Decimal]]:
    return sorted(
        (str(order.type), order.quantity - order.executed) for order in at_the_venue(stand, is_open=True)
    )


def held(floor: Floor) -> Decimal:
    return sum((position.quantity for position in floor.ledger.positions()), Decimal(0))


def comes_to(floor: Floor, stand: Stand, legs: list[tuple[str, Decimal]]) -> None:
    def settled() -> bool:
        floor.ticks.seconds += 31
        floor.upkeep.tick()
        return open_legs(stand) == legs and not floor.ledger.orders(
            OrderFilter(status=OrderStatus.UNKNOWN), 9
        )

    until(settled)
    assert held(floor) == stand.venue.positions()["BTCUSDT"]


def test_a_bracket_stands_at_the_venue_and_one_cancels_the_other(floor: Floor, stand: Stand) -> None:
    filled = floor.placement.place(order(**BRACKET)).order
    assert (filled.status, filled.filled_quantity, filled.venue) == (OrderStatus.FILLED, HALF, "aster-local")
    comes_to(floor, stand, [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
    assert all(leg.reduce_only for leg in at_the_venue(stand, is_open=True))
    stand.prices(43_000.0, 43_000.1)
    until(lambda: held(floor) == 0)
    comes_to(floor, stand, [])
    floor.ledger.verify(from_start=True)


def test_an_entry_that_fills_later_is_protected_from_its_first_fill_on(floor: Floor, stand: Stand) -> None:
    floor.placement.place(order(**BRACKET, **RESTING))
    assert [o.type for o in at_the_venue(stand, is_open=True)] == [OrderType.LIMIT]
    stand.prices(41_899.0, 41_899.1)
    until(lambda: held(floor) == HALF)
    comes_to(floor, stand, [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])


def test_a_leg_that_somebody_cancelled_comes_back(floor: Floor, stand: Stand) -> None:
    floor.placement.place(order(**BRACKET))
    comes_to(floor, stand, [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
    stand.venue.cancel_all("BTCUSDT")
    assert open_legs(stand) == []
    comes_to(floor, stand, [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])


def test_what_was_lost_comes_back_after_a_restart_of_service_and_venue(
    floor: Floor, stand: Stand, tmp_path: Path
) -> None:
    floor.placement.place(order(**BRACKET))
    floor.placement.place(order(**RESTING))
    comes_to(floor, stand, [("LIMIT", HALF), ("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
    floor.ledger.close()
    key = stand.venue._exchange.privateKey
    stand.venue.stop()
    stand.server.feed(quote(41_899.0, 41_899.1))  # the limit order trades while nobody listens
    with connected(stand.server, private_key=key) as venue:
        again = Floor(tmp_path, other_venue=venue)
        assert again.placement.reconcile()
        assert held(again) == Decimal(1) == venue.positions()["BTCUSDT"]
        comes_to(again, Stand(stand.server, venue), [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
        again.ledger.close()


@pytest.mark.parametrize("fault", [Fault.LOST_503, Fault.LOST_TIMEOUT, Fault.LOST_CUT, Fault.LOST_HTML])
def test_accepted_and_the_answer_lost_is_one_order(floor: Floor, stand: Stand, fault: Fault) -> None:
    stand.faults(ORDER, fault)
    wanted = order()
    assert floor.placement.place(wanted).order.status is OrderStatus.FILLED
    assert floor.placement.place(wanted).order.filled_quantity == HALF
    assert len(stand.heard(ORDER)) == len(at_the_venue(stand)) == 1
    assert held(floor) == stand.venue.positions()["BTCUSDT"] == HALF


@pytest.mark.parametrize("fault", [Fault.NEVER_503, Fault.NEVER_CUT, Fault.NEVER_HTML])
def test_not_arrived_is_believed_once_it_cannot_arrive_any_more(
    floor: Floor, stand: Stand, fault: Fault
) -> None:
    stand.faults(ORDER, fault)
    wanted = order()
    assert floor.placement.place(wanted).order.status is OrderStatus.UNKNOWN
    floor.ticks.seconds += stand.venue.settle_seconds - 1
    floor.upkeep.tick()
    assert floor.placement.place(wanted).order.status is OrderStatus.UNKNOWN
    floor.ticks.seconds += 1
    floor.upkeep.tick()
    assert floor.placement.place(wanted).order.status is OrderStatus.REJECTED
    assert at_the_venue(stand) == []


def test_a_kill_cancels_at_the_venue_and_flattens(floor: Floor, stand: Stand) -> None:
    floor.placement.place(order(**BRACKET))
    floor.placement.place(order(**RESTING))
    comes_to(floor, stand, [("LIMIT", HALF), ("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
    floor.guard.switch.engage(Kill(issued_by="me", reason="test", at=NOON, flatten=True))
    comes_to(floor, stand, [])

    def flat() -> bool:
        floor.upkeep.tick()
        return stand.venue.positions()["BTCUSDT"] == 0

    until(flat)
    assert held(floor) == 0


def test_agents_that_hold_against_each_other_can_both_close(floor: Floor, stand: Stand) -> None:
    floor.placement.place(order())
    floor.placement.place(order(side=Side.SELL, agent="deepseek-v3"))
    assert stand.venue.positions()["BTCUSDT"] == 0
    close = floor.placement.place(order(side=Side.SELL, reduce_only=True)).order
    assert close.status is OrderStatus.FILLED
    assert held(floor) == stand.venue.positions()["BTCUSDT"] == -HALF


def test_what_somebody_else_traded_on_the_account_stops_trading(floor: Floor, stand: Stand) -> None:
    floor.placement.place(order())
    floor.upkeep.tick()
    assert floor.guard.stopped() is None
    address = stand.venue._exchange.options["cachedWalletAddress"]
    by_hand = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.2"}

    def trade() -> None:
        exchange = stand.server.exchange
        exchange.place(exchange.account_of(address, address), by_hand, stand.server.micros())

    stand.server.call(trade)
    floor.ticks.seconds += 30

    def stopped() -> bool:
        floor.upkeep.tick()
        return floor.guard.stopped() is not None

    until(stopped)
    assert str(floor.guard.stopped()).endswith(
        "the venue disagrees: BTCUSDT: the venue holds 0.3, the ledger 0.5"
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_with_faults_at_random_each_order_is_there_once_and_the_ledger_is_right(
    floor: Floor, stand: Stand, seed: int
) -> None:
    chance = random.Random(seed)
    faulty = [ORDER, "DELETE /fapi/v3/order", "GET /fapi/v3/order", "GET /fapi/v3/userTrades"]
    kinds = [f for f in Fault if f not in (Fault.SLOW, Fault.BUSY)]
    for _ in range(20):
        stand.faults(chance.choice(faulty), chance.choice(kinds))
        side, lots = chance.choice([Side.BUY, Side.SELL]), Decimal(chance.randint(1, 9)) / 10
        changes: dict[str, Any] = {"side": side, "quantity": lots}
        if chance.random() < 0.5:
            levels = [Decimal(41_500), Decimal(42_500)]
            stop, target = levels if side is Side.BUY else levels[::-1]
            changes |= {"stop_loss": stop, "take_profit": target}
        if chance.random() < 0.3:
            changes |= RESTING | {"limit_price": Decimal(chance.choice([41_900, 42_100]))}
        floor.placement.place(order(**changes))
        if chance.random() < 0.5:
            middle = 41_900.0 + chance.randint(0, 200)
            stand.server.feed(quote(middle, middle + 0.1))
        floor.upkeep.tick()
    stand.server.call(stand.server.api.faults.clear)
    stand.prices()

    def agreed() -> bool:
        floor.ticks.seconds += 91
        floor.upkeep.tick()
        unknown = floor.ledger.orders(OrderFilter(status=OrderStatus.UNKNOWN), 100)
        return not unknown and held(floor) == stand.venue.positions()["BTCUSDT"]

    until(agreed)
    there = {record.client_order_id: record for record in at_the_venue(stand)}
    assert len(there) == len(at_the_venue(stand)), "no id twice"
    for view in floor.ledger.orders(OrderFilter(), 1_000):
        record = there.pop(view.request.client_order_id, None)
        assert view.filled_quantity == (record.executed if record else 0)
    assert there == {}, "nothing at the venue that the ledger does not know"
    floor.ledger.verify(from_start=True)


def test_no_request_ever_named_a_builder(stand: Stand, floor: Floor) -> None:
    floor.placement.place(order(**BRACKET))
    comes_to(floor, stand, [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)])
    assert len(stand.server.api.heard) > 5
    for heard in stand.server.api.heard:
        assert "uilder" not in heard.endpoint
        assert not {"builder", "feeRate"} & heard.parameters.keys()


def test_a_venue_s_name_shows_no_secret(stand: Stand) -> None:
    assert repr(stand.venue) == "AsterVenue(aster-local)"
    assert isinstance(stand.venue, AsterVenue)
