"""Orders through the venue, against the local exchange: what it sends, what it makes of answers and of its stream."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.orders import OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from execution.exchange.faults import Fault
from execution.venues.venue import AlreadyThere, Unclear
from tests.execution.trading_floor import NOON, quote
from tests.execution.venues.aster.stand import ORDER, Stand, order, until

HALF = Decimal("0.5")
LIMIT: dict[str, Any] = {
    "type": OrderType.LIMIT, "limit_price": Decimal(41_000), "time_in_force": TimeInForce.GTC,
}  # fmt: skip


def test_a_market_order_and_its_trades(stand: Stand) -> None:
    answer = stand.place(order())
    assert (answer.end, answer.filled) == (OrderStatus.FILLED, HALF)
    [fill] = answer.fills
    assert (fill.quantity, fill.price, fill.fee) == (HALF, Decimal("42000.1"), Decimal("7.3500175"))
    [sent] = stand.heard(ORDER)
    assert {name: sent[name] for name in ("symbol", "side", "type", "quantity", "positionSide")} == {
        "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5", "positionSide": "BOTH",
    }  # fmt: skip
    assert stand.venue.positions()["BTCUSDT"] >= HALF
    stand.place(order(side=Side.SELL))


def test_a_resting_order_is_told_by_the_stream_and_asked_for_by_its_id(stand: Stand) -> None:
    wanted = order(**LIMIT)
    answer = stand.place(wanted)
    assert (answer.end, answer.filled, answer.fills) == (None, Decimal(0), ())
    assert stand.venue.query_order(wanted) == answer
    stand.prices(40_999.0, 40_999.1)
    stand.until_told(wanted, OrderStatus.FILLED)
    [fill] = [fill for told in stand.told_of(wanted) for fill in told.fills]
    assert (fill.quantity, fill.price) == (HALF, Decimal(41_000))
    asked = stand.venue.query_order(wanted)
    assert asked is not None
    assert asked.fills == (fill,), "the same trade under the same id, whoever tells it"
    stand.place(order(side=Side.SELL))
    stand.prices()


def test_a_cancel_tells_how_the_order_stands(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.place(wanted)
    answer = stand.venue.cancel(wanted, NOON)
    assert answer is not None
    assert (answer.end, answer.filled) == (OrderStatus.CANCELLED, Decimal(0))
    again = stand.venue.cancel(wanted, NOON)
    assert again is not None
    assert again.end is OrderStatus.CANCELLED, "what has ended is told as it ended"
    assert stand.venue.cancel(order(), NOON) is None, "nobody knows this one"
    assert stand.venue.query_order(order()) is None


def test_cancel_all(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.place(wanted)
    stand.venue.cancel_all("BTCUSDT")
    stand.until_told(wanted, OrderStatus.CANCELLED)


@pytest.mark.parametrize(
    ("changes", "sent", "end"),
    [
        (LIMIT, {"type": "LIMIT", "price": "41000", "timeInForce": "GTC"}, None),
        (LIMIT | {"time_in_force": TimeInForce.IOC}, {"timeInForce": "IOC"}, OrderStatus.EXPIRED),
        (LIMIT | {"time_in_force": TimeInForce.FOK}, {"timeInForce": "FOK"}, OrderStatus.EXPIRED),
        (LIMIT | {"time_in_force": TimeInForce.GTX}, {"timeInForce": "GTX"}, None),
        (
            {"type": OrderType.STOP_MARKET, "stop_price": Decimal(43_000)},
            {"type": "STOP_MARKET", "stopPrice": "43000"},
            None,
        ),
        (
            {"type": OrderType.TAKE_PROFIT_MARKET, "stop_price": Decimal("41000.5")},
            {"type": "TAKE_PROFIT_MARKET", "stopPrice": "41000.5"},
            None,
        ),
        (
            {"type": OrderType.TRAILING_STOP_MARKET, "callback_rate": Decimal("1.5")},
            {"type": "TRAILING_STOP_MARKET", "callbackRate": "1.5", "quantity": "0.5"},
            None,
        ),
        (
            {
                "type": OrderType.TRAILING_STOP_MARKET, "callback_rate": Decimal(1),
                "stop_price": Decimal(41_500),
            },
            {"activationPrice": "41500"},
            None,
        ),
    ],
)  # fmt: skip
def test_every_type_of_order(
    stand: Stand, changes: dict[str, Any], sent: dict[str, str], end: OrderStatus | None
) -> None:
    wanted = order(**changes)
    assert stand.place(wanted).end is end
    [seen] = stand.heard(ORDER)
    assert sent.items() <= seen.items()
    stand.venue.cancel(wanted, NOON)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": Decimal("0.0005")}, "lot: 0.0005 is no multiple of 0.001"),
        ({"quantity": Decimal(1_001)}, "lot: 1001 is not within 0.001 and 1000"),
        (LIMIT | {"limit_price": Decimal("41000.05")}, "tick: limit_price 41000.05 is no multiple of 0.1"),
        (
            LIMIT | {"quantity": Decimal("0.001"), "limit_price": Decimal(100)},
            "min_notional: the order is worth 0.1",
        ),
        (
            {"type": OrderType.TRAILING_STOP_MARKET, "callback_rate": Decimal(6)},
            "callback_rate 6 is more than 5 percent",
        ),
        ({"symbol": "ETHUSDT"}, "ETHUSDT is not traded on aster-local"),
    ],
)
def test_what_breaks_the_venues_filters_never_leaves(
    stand: Stand, changes: dict[str, Any], reason: str
) -> None:
    answer = stand.place(order(**changes))
    assert answer.end is OrderStatus.REJECTED
    assert answer.reason.startswith(reason)
    assert stand.heard(ORDER) == []


def test_a_refusal_is_told_in_the_venues_words(stand: Stand) -> None:
    answer = stand.place(order(type=OrderType.STOP_MARKET, stop_price=Decimal(41_000)))
    assert answer.end is OrderStatus.REJECTED
    assert answer.reason.startswith("aster-local refused: 400 -2021: Order would immediately trigger.")


# --- outcomes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.SLOW])
def test_a_lost_answer_is_unclear_and_then_asked_for(stand: Stand, fault: Fault) -> None:
    wanted = order(quantity=Decimal("0.001"))
    stand.faults(ORDER, fault)
    with pytest.raises(Unclear) as unclear:
        stand.place(wanted)
    assert "signature" not in str(unclear.value)
    if fault is Fault.BUSY:
        stand.server.skip(61)
    found = stand.venue.query_order(wanted)
    assert (found is not None) is fault.is_done
    assert len(stand.heard(ORDER)) == fault.is_done, "nothing is sent twice"


def test_no_answer_in_time_is_unclear(stand: Stand) -> None:
    wanted = order(quantity=Decimal("0.001"))
    stand.faults(ORDER, Fault.SLOW)
    exchange = stand.venue._exchange
    before, exchange.timeout = exchange.timeout, 200
    with pytest.raises(Unclear, match="no answer: RequestTimeout"):
        stand.place(wanted)
    exchange.timeout = before
    stand.server.call(stand.server.api.faults.release)
    found = stand.venue.query_order(wanted)
    assert found is not None
    assert found.end is OrderStatus.FILLED


def test_an_id_that_is_open_already_is_there(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.place(wanted)
    with pytest.raises(AlreadyThere, match="-4115"):
        stand.place(wanted)
    stand.venue.cancel(wanted, NOON)


@pytest.mark.parametrize("fault", [Fault.NEVER_503, Fault.NEVER_CUT, Fault.NEVER_HTML])
def test_a_question_that_gets_no_answer_is_not_not_found(stand: Stand, fault: Fault) -> None:
    # A question that finds its connection cut is put once more, by aiohttp; orders are not.
    stand.faults("GET /fapi/v3/order", *[fault] * (2 if fault is Fault.NEVER_CUT else 1))
    with pytest.raises(Unclear):
        stand.venue.query_order(order())


def test_without_its_trades_a_filled_order_is_not_told_as_filled_for_nothing(stand: Stand) -> None:
    wanted = order(quantity=Decimal("0.001"))
    stand.faults("GET /fapi/v3/userTrades", Fault.NEVER_503, Fault.NEVER_503)
    answer = stand.place(wanted)
    assert (answer.end, answer.filled, answer.fills) == (OrderStatus.FILLED, Decimal("0.001"), ())
    with pytest.raises(Unclear, match="trades"):
        stand.venue.query_order(wanted)
    found = stand.venue.query_order(wanted)
    assert found is not None
    assert len(found.fills) == 1


# --- the stream ----------------------------------------------------------------------------------------


def test_events_in_the_wrong_order_are_all_told(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.server.call(stand.server.streams.hold)
    stand.place(wanted)
    stand.prices(40_999.0, 40_999.1)
    stand.server.call(lambda: stand.server.streams.let_go(backwards=True))
    until(lambda: len(stand.told_of(wanted)) == 2)
    assert {answer.end for answer in stand.told_of(wanted)} == {OrderStatus.FILLED, None}
    stand.prices()


def test_an_event_that_makes_no_sense_does_not_end_the_stream(stand: Stand) -> None:
    account = stand.venue._exchange.options["cachedWalletAddress"]
    before = stand.venue._streams.counts["frames not understood"]
    nonsense: list[Any] = [
        {"e": "ORDER_TRADE_UPDATE"},
        {"e": "ORDER_TRADE_UPDATE", "o": {"c": 1, "X": "?"}},
        [1],
        7,
    ]
    for event in nonsense:
        stand.server.call(lambda event=event: stand.server.streams.tell(account, event))  # type: ignore[misc]
    wanted = order(**LIMIT)
    stand.place(wanted)
    stand.venue.cancel(wanted, NOON)
    stand.until_told(wanted, OrderStatus.CANCELLED)
    assert stand.venue._streams.counts["frames not understood"] == before + len(nonsense)


def test_what_happened_while_the_stream_was_away_is_asked_for(stand: Stand) -> None:
    wanted = order(**LIMIT)
    stand.place(wanted)
    lost = stand.venue._streams.counts["account connections"]
    stand.server.call(stand.server.streams.hold)
    stand.server.call(stand.server.streams.cut)
    stand.server.feed(quote(40_999.0, 40_999.1))
    stand.until_told(wanted, OrderStatus.FILLED)
    assert stand.venue._streams.counts["account connections"] > lost
    stand.server.call(stand.server.streams.let_go)
    stand.prices()


def test_another_programs_orders_are_not_ours(stand: Stand) -> None:
    account = stand.venue._exchange.options["cachedWalletAddress"]
    parameters = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}

    def by_hand() -> None:
        exchange = stand.server.exchange
        exchange.place(
            exchange.account_of(account, account),
            parameters | {"newClientOrderId": "by-hand"},
            stand.server.micros(),
        )

    stand.server.call(by_hand)
    until(lambda: stand.venue.strangers["by-hand"] == 2)
    assert stand.told == []
