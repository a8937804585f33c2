import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.message import Message
from contracts.orders import OrderType
from contracts.payloads import OrderExecution, OrderStatus, Side
from execution.ledger.ledger import OrderFilter
from execution.ledger.verification import LedgerDisagrees
from execution.placement import NotReady, OrderConflict, Placed, Unplaceable
from tests.execution.trading_floor import NOON, Floor, quote, request

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def floor(tmp_path: Path, ledger_url: str) -> Iterator[Floor]:
    floor = Floor(tmp_path, url=ledger_url).open()
    yield floor
    floor.ledger.close()


def told(floor: Floor) -> list[tuple[Message, OrderExecution]]:
    messages = [Message.from_json(data) for _, data in floor.ledger.unpublished(10_000)]
    return [(message, message.payload) for message in messages]  # type: ignore[misc]


def test_a_market_order_is_submitted_and_filled(floor: Floor) -> None:
    placed = floor.placement.place(request())
    order = placed.order
    assert placed.is_new
    assert (order.status, order.filled_quantity, order.average_price, order.fees) == (
        OrderStatus.FILLED, Decimal("0.5"), Decimal("42000.1"), Decimal("7.3500175"),
    )  # fmt: skip
    assert (order.created_at, order.updated_at) == (NOON, NOON + MICROSECOND)
    (position,) = floor.ledger.positions()
    assert (position.quantity, position.entry_price, position.fees) == (
        Decimal("0.5"), Decimal("42000.1"), Decimal("7.3500175"),
    )  # fmt: skip


def test_each_step_is_told_in_order(floor: Floor) -> None:
    floor.placement.place(request())
    (first, submitted), (second, filled) = told(floor)
    assert (submitted.status, submitted.sequence, submitted.last_quantity) == (OrderStatus.SUBMITTED, 1, None)
    assert (filled.status, filled.sequence, filled.last_price) == (OrderStatus.FILLED, 2, Decimal("42000.1"))
    assert (first.event_time, second.event_time) == (NOON, NOON + MICROSECOND)
    assert (second.sender, second.recipient, second.desk, second.correlation_id) == (
        "execution",
        None,
        "main",
        "decision-1",
    )
    assert filled.agent == "qwen-7b" and filled.venue == "paper"


def test_no_step_is_before_its_decision(floor: Floor) -> None:
    ahead = NOON + timedelta(seconds=3)
    floor.placement.place(request(decided_at=ahead))
    assert [message.event_time for message, _ in told(floor)] == [ahead, ahead + MICROSECOND]


def test_the_ids_follow_from_the_order(tmp_path: Path) -> None:
    ids = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        floor = Floor(tmp_path / name).open()
        floor.placement.place(request())
        ids.append([(message.message_id, payload.execution_id) for message, payload in told(floor)])
        floor.ledger.close()
    assert ids[0] == ids[1]


def test_the_same_request_again_is_the_same_order(floor: Floor) -> None:
    first = floor.placement.place(request())
    again = floor.placement.place(request(quantity=Decimal("0.50")))
    assert again == Placed(first.order, is_new=False)
    assert len(told(floor)) == 2


def test_another_body_under_the_same_id_is_a_conflict(floor: Floor) -> None:
    floor.placement.place(request())
    with pytest.raises(OrderConflict):
        floor.placement.place(request(quantity=Decimal("0.6")))
    assert len(floor.ledger.orders(OrderFilter(), 10)) == 1


def test_two_at_once_make_one_order(floor: Floor) -> None:
    barrier = Barrier(8)

    def place(_: int) -> Placed:
        barrier.wait()
        return floor.placement.place(request())

    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(place, range(8)))
    assert sorted(one.is_new for one in placed) == [False] * 7 + [True]
    assert len({one.order.to_json() for one in placed}) == 1
    assert floor.ledger.positions()[0].quantity == Decimal("0.5")


def test_two_services_on_one_ledger_make_one_order(tmp_path: Path, ledger_url: str) -> None:
    floors = [Floor(tmp_path, url=ledger_url).open(), Floor(tmp_path).open()]
    barrier = Barrier(2)

    def place(floor: Floor) -> list[bool]:
        barrier.wait()
        return [floor.placement.place(request(f"decision-{n}")).is_new for n in range(25)]

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(place, floors))
    assert [one + other for one, other in zip(*made, strict=True)] == [1] * 25
    floors[0].ledger.verify()
    for floor in floors:
        floor.ledger.close()


def test_without_a_price_the_order_is_rejected_and_stays_so(floor: Floor) -> None:
    wanted = request(symbol="ETHUSDT")
    rejected = floor.placement.place(wanted)
    assert rejected.order.status is OrderStatus.REJECTED
    assert rejected.order.reason == (
        "protection NO_VENUE_PRICE: the venue has no price of ETHUSDT to judge the order by"
    )
    floor.prices.take(quote(2_500.0, 2_500.1, symbol="ETHUSDT"))
    assert floor.placement.place(wanted).order == rejected.order
    assert [payload.status for _, payload in told(floor)] == [OrderStatus.REJECTED]


def test_reduce_only_is_capped_to_what_the_agent_holds(floor: Floor) -> None:
    floor.placement.place(request())
    capped = floor.placement.place(
        request("close", side=Side.SELL, quantity=Decimal(2), reduce_only=True)
    ).order
    assert (capped.status, capped.filled_quantity) == (OrderStatus.FILLED, Decimal("0.5"))
    assert capped.reason == "reduce_only: 2 capped to the 0.5 held"
    assert floor.ledger.positions()[0].quantity == 0
    assert told(floor)[-1][1].quantity == Decimal("0.5")


def test_reduce_only_without_a_holding_is_rejected(floor: Floor) -> None:
    floor.placement.place(request(agent="fingpt-alpha"))
    rejected = floor.placement.place(request("close", side=Side.SELL, reduce_only=True)).order
    assert rejected.status is OrderStatus.REJECTED
    assert rejected.reason == "reduce_only: qwen-7b holds 0 BTCUSDT, nothing to SELL"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"side": Side.HOLD}, "side"),
        ({"type": OrderType.LIMIT}, "limit_price"),
        ({"limit_price": Decimal(1)}, "limit_price"),
        ({"client_order_id": "/not/a/name"}, "client_order_id"),
    ],
)
def test_what_no_venue_could_take_is_named(floor: Floor, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Unplaceable) as refused:
        floor.placement.place(request(**changes))
    assert refused.value.field == field
    assert floor.ledger.orders(OrderFilter(), 10) == []


def test_nothing_is_placed_before_reconciliation(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    with pytest.raises(NotReady, match="still being reconciled"):
        floor.placement.place(request())
    floor.ledger.close()


def test_an_order_that_the_venue_never_saw_is_settled_on_start(floor: Floor, tmp_path: Path) -> None:
    with floor.ledger.entry() as entry:
        order = entry.open(request(), Decimal("0.5"), "paper", NOON)
        entry.move(order, OrderStatus.SUBMITTED, NOON)
    restarted = Floor(tmp_path).open()
    (order_view,) = restarted.ledger.orders(OrderFilter(), 10)
    assert (order_view.status, order_view.updated_at) == (OrderStatus.REJECTED, NOON + MICROSECOND)
    assert order_view.reason == "reconciled: paper never saw this order"
    restarted.ledger.close()


def test_a_ledger_that_contradicts_itself_takes_no_orders(floor: Floor, tmp_path: Path) -> None:
    floor.placement.place(request())
    with floor.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE positions SET quantity = '7'")
    restarted = Floor(tmp_path)
    with pytest.raises(LedgerDisagrees, match="the position of main in BTCUSDT is not its fills' sum"):
        restarted.placement.reconcile()
    with pytest.raises(NotReady, match="disagrees with itself"):
        restarted.placement.place(request("other"))
    restarted.ledger.close()


def test_a_crash_before_acceptance_is_committed_leaves_nothing(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("execution.ledger.entry.LedgerEntry.write", crash)
        with pytest.raises(KeyboardInterrupt):
            floor.placement.place(request())
    assert floor.ledger.orders(OrderFilter(), 10) == [] and told(floor) == []
    assert floor.placement.place(request()).is_new


def test_what_the_venue_did_is_not_lost_when_it_cannot_be_written_at_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("execution.ledger.entry.LedgerEntry.fill", fail)
        with pytest.raises(OSError, match="disk full"):
            floor.placement.place(request())
    (accepted,) = floor.ledger.open_orders()
    assert accepted.life.status is OrderStatus.SUBMITTED
    assert floor.placement.ask_again(accepted)
    assert floor.placement.place(request()).order.status is OrderStatus.FILLED
    assert [position.quantity for position in floor.ledger.positions()] == [Decimal("0.5")]


def test_orders_are_listed_newest_first_and_filtered(floor: Floor) -> None:
    for n, agent in enumerate(("qwen-7b", "fingpt-alpha", "qwen-7b")):
        floor.placement.place(request(f"decision-{n}", agent=agent))

    def listed(limit: int = 10, **wanted: str) -> list[str]:
        return [view.request.correlation_id for view in floor.ledger.orders(OrderFilter(**wanted), limit)]  # type: ignore[arg-type]

    assert listed() == ["decision-2", "decision-1", "decision-0"]
    assert listed(agent="qwen-7b") == ["decision-2", "decision-0"]
    assert listed(limit=1) == ["decision-2"]
    assert listed(status="REJECTED") == []


orders = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from([Side.BUY, Side.SELL]),
        st.integers(1, 3_000),
        st.booleans(),
        st.integers(1_000, 99_999),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(orders)
def test_fills_positions_orders_and_messages_always_agree(
    coming: list[tuple[str, Side, int, bool, int]],
) -> None:
    with TemporaryDirectory() as folder:
        floor = Floor(Path(folder))
        floor.placement.reconcile()
        for n, (agent, side, lots, reduce_only, price) in enumerate(coming):
            floor.prices.take(quote(price - 0.1, float(price)))
            wanted = request(
                f"d-{n}", agent=agent, side=side, quantity=lots * Decimal("0.001"), reduce_only=reduce_only,
                reference_price=Decimal(price),
            )  # fmt: skip
            floor.placement.place(wanted)
            floor.placement.place(wanted)
        floor.ledger.verify()
        views = floor.ledger.orders(OrderFilter(), 1000)
        net = sum((view.filled_quantity * view.request.side.sign for view in views), Decimal(0))
        assert net == sum((position.quantity for position in floor.ledger.positions()), Decimal(0))
        payloads = [payload for _, payload in told(floor)]
        assert net == sum(((p.last_quantity or Decimal(0)) * p.side.sign for p in payloads), Decimal(0))
        assert len({p.execution_id for p in payloads}) == len(payloads)
        assert len({p.client_order_id for p in payloads}) == len(coming)
        floor.ledger.close()


def test_amounts_on_the_wire_are_plain(floor: Floor) -> None:
    wire = json.loads(floor.placement.place(request(quantity=Decimal(1))).order.to_json())
    assert (wire["filled_quantity"], wire["average_price"], wire["fees"]) == ("1", "42000.1", "14.700035")
