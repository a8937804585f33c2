from decimal import Decimal

from contracts.orders import bracket_order_id
from contracts.payloads import OrderExecution
from contracts.risk.order_memory import ENDED_ORDERS_KEPT, LEGS_KEPT, Heard, OrderMemory
from tests.transforms.portfolio.desk_log import BTC, request, step

D = Decimal


def said(
    sequence: int, status: str, quantity: str = "3", fill: str | None = None, order: str = "o"
) -> OrderExecution:
    message = step(
        0, order, sequence, status, "alpha", BTC, "SELL", quantity, (fill, "100", "0") if fill else None
    )
    payload = message.payload
    assert isinstance(payload, OrderExecution)
    return payload


def remaining(memory: OrderMemory) -> list[Decimal]:
    return [order.remaining for order in memory.in_flight()]


def test_an_orders_life_with_a_gap_and_a_redelivery() -> None:
    """The timeline of the docstring, for a sell."""
    memory = OrderMemory()
    memory.open(request("o", "alpha", BTC, "SELL", "3"), 0)
    assert remaining(memory) == [D(-3)]
    assert memory.hear(said(1, "SUBMITTED"), 1) is Heard.NEW
    assert memory.hear(said(3, "PARTIALLY_FILLED", fill="1"), 3) is Heard.NEW
    assert remaining(memory) == [D(-2)]
    assert memory.hear(said(3, "PARTIALLY_FILLED", fill="1"), 3) is Heard.REPEATED
    assert memory.hear(said(2, "PARTIALLY_FILLED", fill="1"), 2) is Heard.NEW
    assert remaining(memory) == [D(-1)]
    assert memory.hear(said(4, "CANCELLED"), 4) is Heard.NEW
    assert remaining(memory) == []
    assert memory.knows("o")


def test_a_fill_that_comes_after_the_final_step_is_still_new_once() -> None:
    memory = OrderMemory()
    memory.open(request("o", "alpha", BTC, "SELL", "3"), 0)
    memory.hear(said(3, "FILLED", fill="2"), 3)
    assert memory.hear(said(2, "PARTIALLY_FILLED", fill="1"), 2) is Heard.NEW
    assert memory.hear(said(2, "PARTIALLY_FILLED", fill="1"), 2) is Heard.REPEATED


def test_a_stranger_is_booked_and_then_known() -> None:
    memory = OrderMemory()
    assert memory.hear(said(1, "PARTIALLY_FILLED", fill="1"), 1) is Heard.STRANGE
    assert remaining(memory) == [D(-2)]
    assert memory.hear(said(1, "PARTIALLY_FILLED", fill="1"), 1) is Heard.REPEATED


def test_what_ended_too_long_ago_is_not_booked_again() -> None:
    memory = OrderMemory()
    for number in range(ENDED_ORDERS_KEPT + 1):
        memory.open(request(f"o{number}", "alpha", BTC, "SELL", "3"), 0)
        memory.hear(said(1, "FILLED", fill="3", order=f"o{number}"), number)
    assert memory.hear(said(1, "FILLED", fill="3", order="o0"), 0) is Heard.FORGOTTEN
    assert memory.hear(said(1, "FILLED", fill="3", order="o1"), 1) is Heard.REPEATED
    assert OrderMemory.load(memory.dump()).dump() == memory.dump()


def with_legs() -> OrderMemory:
    memory = OrderMemory()
    memory.open(request("o", "alpha", BTC, "SELL", "3", stop_loss=D(110), take_profit=D(90)), 0)
    return memory


def leg(sequence: int, status: str, which: str, fill: str | None = None) -> OrderExecution:
    return said(sequence, status, fill=fill, order=bracket_order_id("o", which))  # type: ignore[arg-type]


def test_a_leg_is_no_stranger_and_never_in_flight() -> None:
    memory = with_legs()
    memory.hear(said(1, "FILLED", fill="3"), 1)
    assert memory.hear(leg(1, "SUBMITTED", "stop"), 2) is Heard.NEW
    assert remaining(memory) == []
    assert memory.hear(leg(2, "FILLED", "stop", fill="3"), 3) is Heard.NEW
    assert memory.hear(leg(2, "FILLED", "stop", fill="3"), 3) is Heard.REPEATED
    assert memory.hear(leg(1, "CANCELLED", "target"), 3) is Heard.NEW
    assert OrderMemory.load(memory.dump()).dump() == memory.dump()


def test_a_leg_in_the_place_of_another_is_none_either() -> None:
    memory = with_legs()
    memory.hear(said(1, "FILLED", fill="3"), 1)
    memory.hear(leg(1, "SUBMITTED", "target"), 2)
    memory.hear(leg(2, "CANCELLED", "target"), 3)
    second = bracket_order_id(bracket_order_id("o", "target"), "target")
    assert memory.hear(said(1, "SUBMITTED", order=second), 4) is Heard.NEW
    assert memory.hear(said(2, "FILLED", fill="3", order=second), 5) is Heard.NEW
    assert remaining(memory) == []


def test_an_order_that_never_filled_has_no_legs() -> None:
    cancelled, rejected = with_legs(), with_legs()
    cancelled.hear(said(1, "CANCELLED"), 1)
    rejected.reject("o", 1)
    for memory in (cancelled, rejected):
        assert remaining(memory) == []
        assert memory.hear(leg(1, "FILLED", "stop", fill="3"), 2) is Heard.STRANGE


def test_legs_are_remembered_up_to_a_bound() -> None:
    memory = with_legs()
    for number in range(LEGS_KEPT // 2):
        memory.open(request(f"o{number}", "alpha", BTC, "SELL", "3", stop_loss=D(110), take_profit=D(90)), 0)
    assert len(memory.dump()["legs"]) == LEGS_KEPT
    assert memory.hear(leg(1, "FILLED", "stop", fill="3"), 2) is Heard.STRANGE
