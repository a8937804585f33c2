"""Brackets: the stop and target of what is held are there once each, in its size, whatever happens in between."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.message import Message
from contracts.orders import OrderRequest, OrderType, bracket_order_id
from contracts.payloads import OrderStatus, Side
from execution.brackets import MOST_ENTRIES, level_of
from execution.ledger.ledger import OrderFilter
from execution.protection.kill_switch import Kill
from execution.reduce_only import is_bracket
from execution.venues.venue import Unclear
from tests.execution.scripted_venue import ScriptedVenue
from tests.execution.trading_floor import NOON, Floor, request

HALF = Decimal("0.5")
STOP, TARGET = Decimal(41_000), Decimal(44_000)


def entry(decision: str = "decision-1", /, **changes: Any) -> OrderRequest:
    return request(decision, **({"stop_loss": STOP, "take_profit": TARGET} | changes))


def leg_id(of: str, kind: Any, generation: int = 0) -> str:
    for _ in range(generation + 1):
        of = bracket_order_id(of, kind)
    return of


def legs(floor: Floor, *, is_open: bool = True) -> list[tuple[str, Decimal, Decimal | None]]:
    """Type, remaining quantity and level of the legs, by type."""
    views = floor.ledger.orders(OrderFilter(), 1_000)
    found = [view for view in views if is_bracket(view.request) and view.status.is_final is not is_open]
    return sorted(
        (str(v.request.type), v.request.quantity - v.filled_quantity, v.request.stop_price) for v in found
    )


def settle(floor: Floor) -> None:
    """Until nothing changes any more."""
    before = -1
    while before != (before := len(floor.commits)):
        floor.ticks.seconds += 61
        floor.upkeep.tick()


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
def floor(tmp_path: Path, venue: ScriptedVenue) -> Iterator[Floor]:
    floor = Floor(tmp_path, other_venue=venue)
    assert floor.placement.reconcile()
    yield floor
    floor.ledger.close()


def filled(floor: Floor, venue: ScriptedVenue, wanted: OrderRequest, quantity: Decimal = HALF) -> None:
    """Place an entry and have it trade; told, and settled."""
    if wanted.client_order_id not in venue.books:
        floor.placement.place(wanted)
    trade(venue, wanted.client_order_id, quantity)
    settle(floor)


def trade(venue: ScriptedVenue, identifier: str, quantity: Decimal) -> None:
    venue.fill(identifier, quantity)
    venue.tell(identifier, venue.books[identifier].answer)


def test_a_filled_entry_has_a_stop_and_a_target_of_its_size(floor: Floor, venue: ScriptedVenue) -> None:
    wanted = entry()
    floor.placement.place(wanted)
    settle(floor)
    assert legs(floor) == [], "nothing is held yet"
    filled(floor, venue, wanted)
    assert legs(floor) == [("STOP_MARKET", HALF, STOP), ("TAKE_PROFIT_MARKET", HALF, TARGET)]
    stop = floor.ledger.order(leg_id(wanted.client_order_id, "stop"))
    assert stop is not None
    told = stop.request
    assert (told.side, told.reduce_only, told.agent, told.correlation_id) == (
        Side.SELL, True, wanted.agent, wanted.correlation_id,
    )  # fmt: skip
    told_ids = {
        Message.from_json(data).payload.client_order_id  # type: ignore[attr-defined]
        for _, data in floor.ledger.unpublished(100)
    }
    assert leg_id(wanted.client_order_id, "stop") in told_ids, "legs are told like every order"


@pytest.mark.parametrize(("fires", "ends"), [("stop", "target"), ("target", "stop")])
def test_one_cancels_the_other(floor: Floor, venue: ScriptedVenue, fires: str, ends: str) -> None:
    filled(floor, venue, entry())
    trade(venue, leg_id(entry().client_order_id, fires), HALF)
    settle(floor)
    other = floor.ledger.order(leg_id(entry().client_order_id, ends))
    assert other is not None
    assert other.status is OrderStatus.CANCELLED
    assert legs(floor) == []
    assert floor.ledger.holdings() == []


def test_legs_grow_with_the_fills(floor: Floor, venue: ScriptedVenue) -> None:
    filled(floor, venue, entry(), Decimal("0.2"))
    assert legs(floor) == [
        ("STOP_MARKET", Decimal("0.2"), STOP), ("TAKE_PROFIT_MARKET", Decimal("0.2"), TARGET),
    ]  # fmt: skip
    filled(floor, venue, entry(), Decimal("0.3"))
    assert legs(floor) == [("STOP_MARKET", HALF, STOP), ("TAKE_PROFIT_MARKET", HALF, TARGET)]
    assert floor.ledger.order(leg_id(entry().client_order_id, "stop", 1)) is not None


def test_a_partly_traded_target_shrinks_the_stop(floor: Floor, venue: ScriptedVenue) -> None:
    filled(floor, venue, entry())
    trade(venue, leg_id(entry().client_order_id, "target"), Decimal("0.1"))
    settle(floor)
    assert legs(floor) == [
        ("STOP_MARKET", Decimal("0.4"), STOP), ("TAKE_PROFIT_MARKET", Decimal("0.4"), TARGET),
    ]  # fmt: skip


def test_closing_shrinks_the_oldest_first_and_legs_do_not_stand_in_its_way(
    floor: Floor, venue: ScriptedVenue
) -> None:
    filled(floor, venue, entry("old", stop_loss=Decimal(40_000)))
    filled(floor, venue, entry("new"))
    close = request("close", side=Side.SELL, quantity=Decimal("0.7"), reduce_only=True)
    filled(floor, venue, close, Decimal("0.7"))
    assert legs(floor) == [
        ("STOP_MARKET", Decimal("0.3"), STOP), ("TAKE_PROFIT_MARKET", Decimal("0.3"), TARGET),
    ]  # fmt: skip


def test_a_cancelled_entry_keeps_what_it_filled_protected(floor: Floor, venue: ScriptedVenue) -> None:
    filled(floor, venue, entry(), Decimal("0.2"))
    [order] = [o for o in floor.ledger.open_orders() if not is_bracket(o.request)]
    floor.placement.cancel(order)
    settle(floor)
    assert [size for _, size, _ in legs(floor)] == [Decimal("0.2")] * 2


def test_what_the_venue_lost_is_placed_anew(floor: Floor, venue: ScriptedVenue) -> None:
    filled(floor, venue, entry())
    del venue.books[leg_id(entry().client_order_id, "stop")]
    settle(floor)
    assert legs(floor) == [("STOP_MARKET", HALF, STOP), ("TAKE_PROFIT_MARKET", HALF, TARGET)]


def test_a_restart_finds_the_same_set(floor: Floor, venue: ScriptedVenue, tmp_path: Path) -> None:
    filled(floor, venue, entry())
    floor.ledger.close()
    again = Floor(tmp_path, other_venue=venue)
    assert again.placement.reconcile()
    placed = list(venue.placed)
    settle(again)
    assert venue.placed == placed, "what is right is left alone"
    again.ledger.close()


def test_a_crash_before_the_legs_were_placed(floor: Floor, venue: ScriptedVenue, tmp_path: Path) -> None:
    floor.placement.place(entry())
    trade(venue, entry().client_order_id, HALF)
    floor.ledger.close()
    again = Floor(tmp_path, other_venue=venue)
    assert again.placement.reconcile()
    settle(again)
    assert [size for _, size, _ in legs(again)] == [HALF, HALF]
    again.ledger.close()


def test_an_unclear_leg_is_asked_for_and_not_placed_twice(floor: Floor, venue: ScriptedVenue) -> None:
    floor.placement.place(entry())
    lost = (True, Unclear("cut"))
    venue.faults = [lost, lost, lost, lost]
    trade(venue, entry().client_order_id, HALF)
    settle(floor)
    assert [size for _, size, _ in legs(floor)] == [HALF, HALF]
    assert len(venue.placed) == len(set(venue.placed)) == 3


def test_a_level_that_was_passed_is_closed_at_the_market(floor: Floor, venue: ScriptedVenue) -> None:
    venue.at_once = HALF
    floor.placement.place(entry(stop_loss=Decimal(42_500)))
    settle(floor)
    [closing] = [v for v in floor.ledger.orders(OrderFilter(), 10) if is_bracket(v.request)]
    assert (closing.request.type, closing.status) == (OrderType.MARKET, OrderStatus.FILLED)
    assert floor.ledger.holdings() == []


def test_after_a_rejected_leg_there_is_a_pause_that_doubles(floor: Floor, venue: ScriptedVenue) -> None:
    floor.placement.place(entry(take_profit=None))
    trade(venue, entry().client_order_id, HALF)
    never = (False, Unclear("cut"))
    tried: list[float] = []
    for second in range(9):
        floor.ticks.seconds = float(second)
        venue.faults = [never]
        before = len(venue.placed)
        floor.upkeep.tick()
        if len(venue.placed) > before:
            tried.append(floor.ticks.seconds)
    assert tried == [0.0, 1.0, 3.0, 7.0]
    venue.faults = []
    settle(floor)
    assert legs(floor) == [("STOP_MARKET", HALF, STOP)]


def test_levels_lie_on_the_tick_towards_the_entry() -> None:
    odd = {"stop_loss": Decimal("41000.01"), "take_profit": Decimal("43999.99")}
    assert (level_of(entry(**odd), "stop"), level_of(entry(**odd), "target")) == (
        Decimal("41000.1"), Decimal("43999.9"),
    )  # fmt: skip
    short = {"side": Side.SELL, "stop_loss": Decimal("43000.09"), "take_profit": Decimal("41000.01")}
    assert (level_of(entry(**short), "stop"), level_of(entry(**short), "target")) == (
        Decimal("43000.0"), Decimal("41000.1"),
    )  # fmt: skip
    assert level_of(request(), "stop") is None
    assert level_of(entry(take_profit=Decimal("0.05")), "target") is None, "no price above zero"


def test_a_kill_takes_the_legs_away_and_a_release_brings_them_back(
    floor: Floor, venue: ScriptedVenue
) -> None:
    filled(floor, venue, entry())
    floor.guard.switch.engage(Kill(issued_by="me", reason="test", at=NOON))
    settle(floor)
    assert legs(floor) == []
    floor.guard.switch.release()
    settle(floor)
    assert [size for _, size, _ in legs(floor)] == [HALF, HALF]


def test_a_silent_desk_keeps_its_legs(floor: Floor, venue: ScriptedVenue) -> None:
    filled(floor, venue, entry())
    floor.guard.beat()
    floor.ticks.seconds += 31
    assert floor.guard.desk_is_silent()
    settle(floor)
    assert [size for _, size, _ in legs(floor)] == [HALF, HALF]
    trade(venue, leg_id(entry().client_order_id, "target"), HALF)
    settle(floor)
    assert legs(floor) == []


def test_many_entries_stay_within_the_venues_room(floor: Floor, venue: ScriptedVenue) -> None:
    venue.at_once = Decimal("0.001")
    for number in range(MOST_ENTRIES + 3):
        wanted = entry(f"d-{number}", quantity=Decimal("0.001"))
        floor.placement.place(wanted)
        venue.books[wanted.client_order_id].end = OrderStatus.FILLED
        venue.at_once = Decimal(0)
        settle(floor)
        venue.at_once = Decimal("0.001")
    found = legs(floor)
    assert len(found) == 2 * MOST_ENTRIES
    assert sum(size for kind, size, _ in found if kind == "STOP_MARKET") == Decimal("0.010")


def test_the_gate_counts_one_leg_of_the_two(tmp_path: Path, venue: ScriptedVenue) -> None:
    limits = {"position_notional": "22000 USDT"}
    floor = Floor(tmp_path, other_venue=venue, limits=limits)
    assert floor.placement.reconcile()
    filled(floor, venue, entry())
    turned = floor.placement.place(request("other", side=Side.SELL, quantity=HALF)).order
    assert turned.status is OrderStatus.SUBMITTED, "0.5 held, 0.5 in the stop: 0.5 short at the worst"
    floor.ledger.close()


# --- whatever comes in whatever order ------------------------------------------------------------------

acts = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "fill", "fill_leg", "close", "lose", "cancel", "restart", "tick"]),
        st.integers(0, 3),
        st.integers(1, 6),
        st.sampled_from(["none", "none", "none", "lost", "never"]),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts)
def test_what_is_held_is_protected_once_however_things_come(coming: list[tuple[str, int, int, str]]) -> None:
    with TemporaryDirectory() as folder:
        venue = ScriptedVenue()
        floor = Floor(Path(folder), other_venue=venue)
        assert floor.placement.reconcile()
        faults = {"none": [], "lost": [(True, Unclear("cut"))], "never": [(False, Unclear("cut"))]}
        placed = 0
        for act, which, size, fault in coming:
            quantity = size * Decimal("0.1")
            venue.faults = list(faults[fault])
            open_ids = [name for name, book in venue.books.items() if book.end is None]
            entries = [name for name in open_ids if name.startswith("sph-")]
            waiting = [name for name in open_ids if not name.startswith("sph-")]
            if act in ("buy", "sell"):
                placed += 1
                side = {"stop_loss": Decimal(44_000), "take_profit": STOP} if act == "sell" else {}
                floor.placement.place(entry(f"d-{placed}", side=Side(act.upper()), quantity=quantity, **side))
            elif act == "close":
                placed += 1
                for held in floor.ledger.holdings():
                    away = Side.SELL if held.quantity > 0 else Side.BUY
                    floor.placement.place(
                        request(f"c-{placed}", side=away, quantity=quantity, reduce_only=True)
                    )
            elif act in ("fill", "fill_leg"):
                among = entries if act == "fill" else waiting
                if among:
                    name = among[which % len(among)]
                    book = venue.books[name]
                    if book.request.reduce_only:  # the venue holds such orders to the account's position
                        net = sum((h.quantity for h in floor.ledger.holdings()), Decimal(0))
                        quantity = min(quantity, max(-net * book.request.side.sign, Decimal(0)))
                    quantity = min(quantity, book.quantity - book.filled)
                    if quantity:
                        trade(venue, name, quantity)
            elif act == "lose" and waiting:
                del venue.books[waiting[which % len(waiting)]]
            elif act == "cancel" and entries:
                book = venue.books[entries[which % len(entries)]]
                book.end = OrderStatus.CANCELLED
                venue.tell(book.request.client_order_id, book.answer)
            elif act == "restart":
                floor.ledger.close()
                floor = Floor(Path(folder), other_venue=venue)
                venue.faults = []
                assert floor.placement.reconcile()
            floor.upkeep.tick()
            open_legs = [book.request for name, book in venue.books.items()
                         if book.end is None and is_bracket(book.request)]  # fmt: skip
            assert Counter(Counter(_kind(leg) for leg in open_legs).values()).keys() <= {1}, "none stacks"
        venue.faults = []
        settle(floor)
        whole = floor.ledger.holding("main", "qwen-7b", "BTCUSDT")
        found = legs(floor)
        for kind in ("STOP_MARKET", "TAKE_PROFIT_MARKET"):
            assert sum((size for name, size, _ in found if name == kind), Decimal(0)) == abs(whole)
        assert floor.guard.stopped() is None
        floor.ledger.verify(from_start=True)
        floor.ledger.close()


def _kind(leg: OrderRequest) -> tuple[str, str]:
    return leg.correlation_id, leg.client_order_id[:4]
