"""The desk and the execution service's ledger: when it is asked, and what its answers do."""

from decimal import Decimal
from typing import Any

from contracts.bookings import LedgerOrder, LedgerReport
from contracts.message import Message, said_by
from contracts.payloads import DeskState, OrderStatus
from contracts.rows.trading import ExecutionRow
from tests.transforms.portfolio.desk_log import (
    BTC,
    Player,
    at,
    control,
    desk,
    filled,
    mark,
    on,
    order_id,
    proposal,
    rows,
    said,
    step,
    verdict,
)
from transforms.core import Output
from transforms.portfolio.reconciling import ORDERS_AT_ONCE
from transforms.portfolio.report import LEDGER_QUESTIONS, ORDERS

D = Decimal


def ledger(seconds: float, *orders: LedgerOrder, at_start: bool = False, **positions: str) -> Message:
    held = {symbol: D(quantity) for symbol, quantity in positions.items()}
    report = LedgerReport(positions=held, orders=orders, at_start=at_start)
    return said_by("trading", report, desk="main", event_time=at(seconds), derived_from=(str(seconds),))


def stands(name: str, status: str | None, filled_quantity: str = "0") -> LedgerOrder:
    found = None if status is None else OrderStatus(status)
    return LedgerOrder(client_order_id=order_id(name), status=found, filled_quantity=D(filled_quantity))


def alerts(outputs: list[Output]) -> list[str]:
    found: list[Any] = [message.payload for message in said("RISK_UPDATE", outputs)]
    return [alert for update in found for alert in update.alerts]


def opened() -> Player:
    """T0 the ledger agrees that nothing is held. T1 BTC 40,000. T2 alpha asks for 0.075."""
    play = Player(desk())
    play(ledger(0, at_start=True), mark(1, BTC, "40000"), proposal(2, "d", "alpha", BTC, "BUY"))
    return play


def test_orders_without_news_are_asked_for_every_minute() -> None:
    """The desk's clock begins with the first mark, so that is when it asks again; the order is of T2."""
    play = Player(desk())
    play(ledger(0, at_start=True))
    ((first,),) = [on(LEDGER_QUESTIONS, play(mark(1, BTC, "40000")))]
    play(proposal(2, "d", "alpha", BTC, "BUY"))
    asked = [on(LEDGER_QUESTIONS, play(mark(seconds, BTC, "40000"))) for seconds in (60, 61, 62, 120, 130)]
    orders = (order_id("d"),)
    assert first.orders == ()
    assert [[question.orders for question in questions] for questions in asked] == [
        [],
        [orders],
        [],
        [],
        [orders],
    ]


def test_one_question_asks_for_a_bounded_number_of_orders() -> None:
    play = Player(desk())
    play(ledger(0, at_start=True), mark(1, BTC, "40000"))
    for number in range(ORDERS_AT_ONCE + 5):
        play(step(2, f"sph-{number}", 1, "SUBMITTED", "alpha", BTC, "BUY", "0.001"))
    first, second = (
        on(LEDGER_QUESTIONS, play(mark(seconds, BTC, "40000")))[0].orders for seconds in (90, 150)
    )
    assert (len(first), len(second)) == (ORDERS_AT_ONCE, ORDERS_AT_ONCE)
    assert len({*first, *second}) == ORDERS_AT_ONCE + 5


def test_an_order_that_the_ledger_has_not_was_never_placed() -> None:
    play = opened()
    outputs = play(ledger(65, stands("d", None)))
    (row,) = rows(ExecutionRow, outputs)
    assert (row.client_order_id, row.status, row.agent) == (order_id("d"), "REJECTED", "alpha")
    (told,) = said("ORDER_EXECUTION", outputs)
    assert (told.sender, told.recipient) == ("trading", "alpha")
    assert play(ledger(66, stands("d", None))) == []
    assert b'"open":[]' in play.core.dump()


def test_an_open_order_stays_in_flight() -> None:
    play = opened()
    assert play(ledger(65, stands("d", "SUBMITTED"))) == []
    assert b'"open":[]' not in play.core.dump()


def test_an_order_that_ended_with_all_its_fills_ended() -> None:
    play = opened()
    (order,) = on(ORDERS, Player(desk())(mark(1, BTC, "40000"), proposal(2, "d", "alpha", BTC, "BUY")))
    play(
        step(
            3,
            order.client_order_id,
            2,
            "PARTIALLY_FILLED",
            "alpha",
            BTC,
            "BUY",
            "0.075",
            ("0.05", "40000", "1"),
        )
    )
    play(ledger(65, stands("d", "CANCELLED", "0.05"), BTCUSDT="0.05"))
    assert b'"open":[]' in play.core.dump()


def test_fills_that_never_come_are_a_difference_that_holds_new_risk() -> None:
    """T65 the ledger says FILLED. T125 it still does: the order ended. T185 the difference has been there twice."""
    play = opened()
    done = stands("d", "FILLED", "0.075")
    assert play(ledger(65, done, BTCUSDT="0.075")) == []
    lost = alerts(play(ledger(125, done, BTCUSDT="0.075")))
    assert lost == [f"fills of 0.075 of {order_id('d')} are in the ledger and were never heard of"]
    assert alerts(play(ledger(185, BTCUSDT="0.075"))) == [
        "new risk is held until book and ledger agree, or it is released: "
        "BTCUSDT: 0 in the book, 0.075 in the ledger"
    ]
    play(mark(186, BTC, "40000"))
    assert verdict(play(proposal(187, "e", "alpha", BTC, "BUY"))) == ("reconciled", "ledger_differs")
    late = step(3, order_id("d"), 2, "FILLED", "alpha", BTC, "BUY", "0.075", ("0.075", "40000", "1"))
    play(late)
    assert alerts(play(ledger(245, BTCUSDT="0.075"))) == ["book and ledger agree again: new risk is let go"]
    assert verdict(play(proposal(246, "f", "alpha", BTC, "BUY")))[0] != "reconciled"


def test_what_only_reduces_passes_while_new_risk_is_held() -> None:
    play = opened()
    (order,) = on(ORDERS, Player(desk())(mark(1, BTC, "40000"), proposal(2, "d", "alpha", BTC, "BUY")))
    play(filled(3, order, "40000"))
    play(ledger(65, at_start=True, BTCUSDT="0.1"))
    play(mark(66, BTC, "40000"))
    assert verdict(play(proposal(67, "e", "alpha", BTC, "SELL", 0.5)))[0] == "all"


def test_a_release_lets_new_risk_go_and_is_audited() -> None:
    play = Player(desk())
    (held,) = said("RISK_UPDATE", play(ledger(0, at_start=True, BTCUSDT="0.1")))
    assert held.payload.state is DeskState.HALTED  # type: ignore[attr-defined]
    play(mark(1, BTC, "40000"), control(2, "release", reason="an old position, known"))
    assert verdict(play(proposal(3, "d", "alpha", BTC, "BUY")))[0] == "all"
