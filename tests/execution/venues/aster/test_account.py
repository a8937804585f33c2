"""The account: position modes, what reduces, leverage and margin, the countdown, the stream's key."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.orders import OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from execution.exchange.faults import Fault
from execution.exchange.server import ExchangeServer
from execution.exchange.signatures import new_wallet
from execution.venues.aster.aster_venue import AsterVenue
from execution.venues.aster.countdown import Countdown
from execution.venues.aster.settings import AsterSettings
from tests.execution.trading_floor import NOON
from tests.execution.venues.aster.stand import ORDER, Stand, connected, order, until

LIMIT: dict[str, Any] = {
    "type": OrderType.LIMIT, "limit_price": Decimal(41_000), "time_in_force": TimeInForce.GTC,
}  # fmt: skip
STOP: dict[str, Any] = {
    "type": OrderType.STOP_MARKET, "stop_price": Decimal(41_000), "side": Side.SELL, "reduce_only": True,
}  # fmt: skip
COUNTDOWN = "POST /fapi/v3/countdownCancelAll"


@pytest.fixture
def hedged(server: ExchangeServer) -> Iterator[Stand]:
    with ExitStack() as stack:
        venue = stack.enter_context(connected(server, position_mode="hedge", leverage=5, margin="isolated"))
        server.api.heard.clear()
        stand = Stand(server, venue)
        stand.prices()
        yield stand


def test_hedge_mode_margin_and_leverage_are_set_at_the_start(hedged: Stand) -> None:
    account = hedged.venue._exchange.options["cachedWalletAddress"]
    ours = hedged.server.exchange.account_of(account, account)
    assert (ours.is_hedged, ours.leverage, ours.margin) == (True, {"BTCUSDT": 5}, {"BTCUSDT": "ISOLATED"})


def test_in_hedge_mode_the_position_s_side_says_what_reduces(hedged: Stand) -> None:
    half = Decimal("0.5")
    hedged.place(order())
    hedged.place(order(side=Side.SELL))
    assert hedged.venue.positions() == {"BTCUSDT": Decimal(0)}, "0.5 long and 0.5 short"
    closed = hedged.place(order(side=Side.SELL, reduce_only=True))
    assert (closed.end, closed.filled) == (OrderStatus.FILLED, half)
    assert hedged.venue.positions() == {"BTCUSDT": -half}
    hedged.place(order(reduce_only=True))
    sides = [(sent["side"], sent["positionSide"], sent.get("reduceOnly")) for sent in hedged.heard(ORDER)]
    assert sides == [
        ("BUY", "LONG", None), ("SELL", "SHORT", None), ("SELL", "LONG", None), ("BUY", "SHORT", None),
    ]  # fmt: skip


def test_in_one_way_mode_the_venue_is_asked_to_hold_an_order_to_it_where_its_own_position_bears_it(
    stand: Stand,
) -> None:
    held = stand.venue.positions()["BTCUSDT"]
    stand.place(order(quantity=Decimal(1) - held))
    covered = order(**STOP, quantity=Decimal(1))
    stand.place(covered)
    assert stand.heard(ORDER)[-1]["reduceOnly"] == "true"
    opposed = order(side=Side.SELL, reduce_only=True, quantity=Decimal("1.5"))
    stand.place(opposed)
    assert "reduceOnly" not in stand.heard(ORDER)[-1], "another agent of the desk may be short"
    stand.venue.cancel(covered, NOON)
    stand.place(order())


# --- the countdown -------------------------------------------------------------------------------------


def test_the_countdown_runs_while_an_order_rests_that_adds_risk(stand: Stand) -> None:
    wanted = order(**LIMIT)
    countdown = stand.venue._countdown
    assert countdown.armed <= {"BTCUSDT"}
    stand.venue._loop.wait_for(countdown.beat(), 10.0)
    stand.place(wanted)
    assert stand.heard(COUNTDOWN)[-1]["countdownTime"] == "60000"
    stand.venue._loop.wait_for(countdown.beat(), 10.0)
    assert countdown.armed == {"BTCUSDT"}
    stand.venue.cancel(wanted, NOON)
    stand.venue._loop.wait_for(countdown.beat(), 10.0)
    assert stand.heard(COUNTDOWN)[-1]["countdownTime"] == "0"
    assert countdown.armed == frozenset()


def test_orders_that_reduce_are_left_to_stand(stand: Stand) -> None:
    countdown = stand.venue._countdown
    stand.venue._loop.wait_for(countdown.beat(), 10.0)
    stand.server.api.heard.clear()
    stand.place(order(quantity=Decimal(2)))
    stand.venue._loop.wait_for(countdown.beat(), 10.0)
    wanted = order(**STOP, quantity=Decimal(1))
    stand.place(wanted)
    assert countdown.armed == frozenset()
    assert [sent["countdownTime"] for sent in stand.heard(COUNTDOWN)] == ["60000", "0"]
    stand.venue.cancel(wanted, NOON)
    stand.place(order(side=Side.SELL, quantity=Decimal(2)))
    stand.venue._loop.wait_for(countdown.beat(), 10.0)


def test_when_we_are_heard_no_more_the_venue_cancels(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.place(wanted)
    stand.server.skip(61)
    stand.until_told(wanted, OrderStatus.CANCELLED)
    stand.prices()


def test_an_order_does_not_leave_without_its_countdown(stand: Stand) -> None:
    stand.venue._loop.wait_for(stand.venue._countdown.beat(), 10.0)
    assert stand.venue._countdown.armed == frozenset()
    stand.server.api.heard.clear()
    stand.faults(COUNTDOWN, Fault.NEVER_503)
    answer = stand.place(order(**LIMIT))
    assert answer.end is OrderStatus.REJECTED
    assert answer.reason.startswith("not sent, because its countdown could not be begun")
    assert stand.heard(ORDER) == []


def test_the_countdown_is_told_by_itself_until_it_is_stopped(stand: Stand) -> None:
    countdown = Countdown(stand.venue._exchange, 60)
    countdown._seconds = 0
    running = asyncio.run_coroutine_threadsafe(countdown.run(), stand.venue._loop.loop)
    countdown.rests(order(**LIMIT))
    until(lambda: len(stand.heard(COUNTDOWN)) >= 2)
    running.cancel()


# --- the stream ----------------------------------------------------------------------------------------


def test_the_stream_s_key_is_renewed_while_it_is_used(stand: Stand) -> None:
    before = stand.venue._streams._renewal
    stand.venue._streams._renewal = 0.0
    stand.server.call(stand.server.streams.cut)
    until(lambda: len(stand.heard("PUT /fapi/v3/listenKey")) >= 2)
    stand.venue._streams._renewal = before
    until(lambda: stand.venue._streams.account_connected)
    stand.prices()


def test_a_key_that_ran_out_is_replaced(stand: Stand) -> None:
    connections = stand.venue._streams.counts["account connections"]
    stand.server.skip(3_700)
    until(lambda: stand.venue._streams.counts["account connections"] > connections)
    until(lambda: stand.venue._streams.account_connected)
    stand.prices()
    wanted = order(**LIMIT)
    stand.place(wanted)
    stand.venue.cancel(wanted, NOON)
    stand.until_told(wanted, OrderStatus.CANCELLED)


def test_without_fresh_prices_there_is_none(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stand.venue.missing() is None
    monkeypatch.setattr("execution.venues.aster.aster_venue.PRICE_LIFE_SECONDS", -1.0)
    assert stand.venue.price("BTCUSDT") is None
    assert stand.venue.missing() == "no fresh price of BTCUSDT"


def test_a_venue_that_cannot_be_set_up_says_why(server: ExchangeServer) -> None:
    settings = AsterSettings(network=server.url, private_key=SecretStr(new_wallet()[0]))
    venue = AsterVenue(settings, frozenset({"BTCUSDT"}))
    venue._exchange.ticks = lambda: server.micros() / 1e6
    venue.start()
    until(lambda: "-2015" in (venue.missing() or ""))
    assert venue.place(order(), Decimal("0.5"), NOON).end is OrderStatus.REJECTED
    venue.stop()
