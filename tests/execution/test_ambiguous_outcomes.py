"""What the venue did with an order is never guessed: a fault at each point, and what exactly is then in the ledger."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.message import Message
from contracts.payloads import OrderStatus
from execution.order_life import Fill
from execution.placement import NotReady
from execution.venues.http_answers import Meaning, meaning_of
from execution.venues.venue import Unclear, VenueAnswer
from tests.execution.scripted_venue import Reply, ScriptedVenue
from tests.execution.trading_floor import Floor, request

HALF = Decimal("0.5")
ID = request().client_order_id


def ambiguous() -> list[Callable[[], Reply]]:
    return [
        lambda: Unclear("no answer in 2 s"),
        lambda: Unclear("the connection was cut"),
        lambda: (503, b'{"code":-1000,"msg":"Unknown error, please check your request or try again later."}'),
        lambda: (503, b'{"code":0,"msg":"Service unavailable"}'),
        lambda: (408, b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}'),
        lambda: (500, b"<html><body>500</body></html>"),
        lambda: (200, b"<html>maintenance</html>"),
        lambda: (400, b"<html>bad gateway</html>"),
        lambda: (429, b'{"code":-1003,"msg":"Too many requests"}'),
        lambda: ValueError("a bug of the adapter"),
    ]


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
def floor(tmp_path: Path, ledger_url: str, venue: ScriptedVenue) -> Iterator[Floor]:
    floor = Floor(tmp_path, url=ledger_url, other_venue=venue)
    assert floor.placement.reconcile()
    yield floor
    floor.ledger.close()


def statuses(floor: Floor) -> list[OrderStatus]:
    return [Message.from_json(data).payload.status for _, data in floor.ledger.unpublished(1_000)]  # type: ignore[attr-defined]


def position(floor: Floor) -> Decimal:
    return sum((held.quantity for held in floor.ledger.positions()), Decimal(0))


@pytest.mark.parametrize("reply", ambiguous())
def test_accepted_but_the_answer_is_lost(
    floor: Floor, venue: ScriptedVenue, reply: Callable[[], Reply]
) -> None:
    venue.at_once = HALF
    venue.faults = [(True, reply())]
    order = floor.placement.place(request()).order
    assert (order.status, order.filled_quantity) == (OrderStatus.FILLED, HALF)
    assert statuses(floor) == [OrderStatus.SUBMITTED, OrderStatus.UNKNOWN, OrderStatus.FILLED]
    assert (venue.placed, venue.asked, position(floor)) == ([ID], [ID], HALF)


@pytest.mark.parametrize("reply", ambiguous())
def test_never_arrived_and_the_venue_says_so(
    floor: Floor, venue: ScriptedVenue, reply: Callable[[], Reply]
) -> None:
    venue.faults = [(False, reply())]
    order = floor.placement.place(request()).order
    assert (order.status, order.reason) == (
        OrderStatus.REJECTED, "reconciled: scripted never saw this order",
    )  # fmt: skip
    assert statuses(floor) == [OrderStatus.SUBMITTED, OrderStatus.UNKNOWN, OrderStatus.REJECTED]
    assert venue.placed == [ID]


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("reply", ambiguous())
def test_while_the_venue_is_unclear_the_order_stays_unknown_and_is_sent_once(
    floor: Floor, venue: ScriptedVenue, reply: Callable[[], Reply], arrives: bool
) -> None:
    venue.at_once = HALF
    venue.faults = [(arrives, reply()), (False, reply()), (False, reply())]
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    floor.upkeep.tick()
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    floor.upkeep.tick()
    order = floor.placement.place(request()).order
    assert order.status is (OrderStatus.FILLED if arrives else OrderStatus.REJECTED)
    assert venue.placed == [ID]
    assert position(floor) == (HALF if arrives else 0)


def test_not_found_is_not_believed_while_the_order_may_still_arrive(tmp_path: Path) -> None:
    venue = ScriptedVenue(settle_seconds=10.0)
    floor = Floor(tmp_path, other_venue=venue)
    assert floor.placement.reconcile()
    venue.faults = [(False, Unclear("no answer in 2 s"))]
    floor.ticks.seconds = 100.0
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    floor.ticks.seconds = 109.9
    floor.upkeep.tick()
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    floor.ticks.seconds = 110.0
    floor.upkeep.tick()
    assert floor.placement.place(request()).order.status is OrderStatus.REJECTED
    floor.ledger.close()


def test_a_duplicate_id_is_success(floor: Floor, venue: ScriptedVenue) -> None:
    venue.place(request(), HALF, floor.clock.now())
    venue.fill(ID, HALF)
    order = floor.placement.place(request()).order
    assert (order.status, position(floor)) == (OrderStatus.FILLED, HALF)


def test_a_restart_asks_before_it_accepts(floor: Floor, venue: ScriptedVenue, tmp_path: Path) -> None:
    lost = Unclear("cut")
    venue.faults = [(True, lost), (False, lost)]
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    venue.fill(ID, HALF)
    venue.faults = [(False, lost)]
    restarted = Floor(tmp_path, other_venue=venue)
    assert not restarted.placement.reconcile()
    with pytest.raises(NotReady, match="scripted is unclear about 1 open orders"):
        restarted.placement.place(request("other"))
    assert restarted.placement.reconcile()
    assert restarted.placement.place(request()).order.status is OrderStatus.FILLED
    assert venue.placed == [ID]
    restarted.ledger.close()


def test_an_end_is_not_believed_before_its_trades_are_told(floor: Floor, venue: ScriptedVenue) -> None:
    floor.placement.place(request())
    venue.tell(ID, VenueAnswer(end=OrderStatus.CANCELLED, filled=Decimal("0.2")))
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    venue.fill(ID, Decimal("0.2"))
    venue.books[ID].end = OrderStatus.CANCELLED
    floor.upkeep.tick()
    order = floor.placement.place(request()).order
    assert (order.status, order.filled_quantity, position(floor)) == (
        OrderStatus.CANCELLED, Decimal("0.2"), Decimal("0.2"),
    )  # fmt: skip


def test_more_traded_than_was_ordered_stops_trading(floor: Floor, venue: ScriptedVenue) -> None:
    floor.placement.place(request())
    venue.tell(ID, VenueAnswer(fills=(Fill(Decimal(1), Decimal(42_000), Decimal(0), "t1"),)))
    assert floor.placement.place(request()).order.status is OrderStatus.UNKNOWN
    denied = floor.placement.place(request("next")).order
    assert denied.status is OrderStatus.REJECTED
    assert denied.reason.startswith("protection KILLED: stopped by execution: the venue disagrees")


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b'{"orderId":1,"status":"NEW"}', Meaning.DONE),
        (400, b'{"code":-4115,"msg":"clientOrderId is duplicated"}', Meaning.DUPLICATE),
        (400, b'{"code":-2013,"msg":"Order does not exist."}', Meaning.NOT_FOUND),
        (400, b'{"code":-2010,"msg":"insufficient balance"}', Meaning.REFUSED),
        (401, b'{"code":-2014,"msg":"bad key"}', Meaning.REFUSED),
        (503, b'{"code":-2013,"msg":"Order does not exist."}', Meaning.UNCLEAR),
        (404, b'{"detail":"no such page"}', Meaning.UNCLEAR),
        (404, b"<html></html>", Meaning.UNCLEAR),
        (200, b"[]", Meaning.UNCLEAR),
        (418, b'{"code":-1003,"msg":"banned"}', Meaning.UNCLEAR),
    ],
)
def test_the_meaning_of_an_answer(status: int, body: bytes, meaning: Meaning) -> None:
    assert meaning_of(status, body)[0] is meaning


# --- whatever comes in whatever order ------------------------------------------------------------------

acts = st.lists(
    st.tuples(
        st.sampled_from(
            ["fill", "cancel", "expire", "tell", "tell_old", "tell_trade", "ask", "tick", "restart"]
        ),
        st.integers(0, 2),
        st.integers(1, 300),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts, st.lists(st.sampled_from(["none", "lost", "never"]), max_size=6))
def test_fills_positions_and_the_venue_agree_however_its_events_come(
    coming: list[tuple[str, int, int]], answers: list[str]
) -> None:
    with TemporaryDirectory() as folder:
        venue = ScriptedVenue()
        floor = Floor(Path(folder), other_venue=venue)
        assert floor.placement.reconcile()
        replies = {"none": None, "lost": (True, Unclear("cut")), "never": (False, Unclear("cut"))}
        orders = [request(f"d-{n}", quantity=Decimal("0.5")) for n in range(3)]
        venue.faults = [replies[answer] for answer in answers]
        for wanted in orders:
            floor.placement.place(wanted)
        venue.faults = []
        said: list[tuple[str, VenueAnswer]] = []
        for act, which, lots in coming:
            identifier = orders[which].client_order_id
            book = venue.books.get(identifier)
            if act == "restart":
                floor.ledger.close()
                floor = Floor(Path(folder), other_venue=venue)
                assert floor.placement.reconcile()
            elif act == "tick":
                floor.ticks.seconds += 31
                floor.upkeep.tick()
            elif book is None:
                continue
            elif act == "fill" and book.end is None:
                venue.fill(identifier, min(lots * Decimal("0.001"), book.quantity - book.filled))
            elif act in ("cancel", "expire") and book.end is None:
                book.end = OrderStatus.CANCELLED if act == "cancel" else OrderStatus.EXPIRED
            elif act == "tell":
                said.append((identifier, book.answer))
                venue.tell(*said[-1])
            elif act == "tell_old" and said:
                venue.tell(*said[lots % len(said)])
            elif act == "tell_trade" and book.fills:
                venue.tell(identifier, VenueAnswer(fills=(book.fills[lots % len(book.fills)],)))
            elif act == "ask":
                floor.placement.place(orders[which])
            known = position(floor)
            assert known == sum(
                (
                    view.filled_quantity
                    for view in (floor.ledger.order(o.client_order_id) for o in orders)
                    if view
                ),
                Decimal(0),
            )
            assert known <= sum((b.filled for b in venue.books.values()), Decimal(0))
        floor.ticks.seconds += 31
        floor.upkeep.tick()
        for wanted in orders:
            view, book = floor.ledger.order(wanted.client_order_id), venue.books.get(wanted.client_order_id)
            assert view is not None
            assert view.filled_quantity == (book.filled if book else 0)
            if book is None:
                assert view.status is OrderStatus.REJECTED
            elif book.end is not None:
                assert view.status is book.end
            else:
                assert not view.status.is_final
        assert position(floor) == sum((b.filled for b in venue.books.values()), Decimal(0))
        floor.ledger.verify(from_start=True)
        assert len(venue.placed) == len(set(venue.placed))
        assert floor.guard.stopped() is None
        floor.ledger.close()
