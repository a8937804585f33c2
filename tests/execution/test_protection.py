"""The last door: each limit by its reason, the kill switch through restarts, the dead man, live trading on purpose."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.orders import OrderRequest, OrderType
from contracts.payloads import OrderStatus, Side
from execution.ledger.ledger import OrderFilter
from execution.protection.dead_man import DeadManTimer
from execution.protection.gate import Code, Gate
from execution.protection.kill_switch import Kill, KillSwitch
from execution.protection.limits import PACKAGED, LimitsError, ProtectionLimits, read_limits
from execution.service.live_trading import LiveRefused, check_live
from execution.venues.venue import Unclear
from tests.execution.scripted_venue import ScriptedVenue
from tests.execution.trading_floor import NOON, WIDE, Floor, request

PRICE = Decimal(42_000)
KILL = Kill(issued_by="ada", reason="prices look wrong", at=NOON)


def gate(**narrowed: Any) -> Gate:
    return Gate(ProtectionLimits.model_validate(WIDE | narrowed))


def code(gate: Gate, wanted: OrderRequest, price: Decimal | None = PRICE, seconds: int = 0) -> Code | None:
    denial = gate.admit(wanted, wanted.quantity, price, NOON + timedelta(seconds=seconds))
    return None if denial is None else denial.code


# --- limits --------------------------------------------------------------------------------------------


def test_an_order_is_worth_at_most_its_limit() -> None:
    limited = gate(order_notional="21000 USDT")
    assert code(limited, request("a")) is None
    assert code(limited, request("b", quantity=Decimal("0.501"))) is Code.ORDER_NOTIONAL
    dearer = request("c", reference_price=Decimal("42000.1"))
    assert code(limited, dearer) is Code.ORDER_NOTIONAL


def test_a_minute_is_worth_at_most_its_limit_and_passes() -> None:
    limited = gate(minute_notional="42000 USDT")
    assert [code(limited, request(f"{n}"), seconds=n) for n in range(3)] == [None, None, Code.MINUTE_NOTIONAL]
    assert code(limited, request("later"), seconds=60) is None
    assert code(limited, request("early"), seconds=60) is Code.MINUTE_NOTIONAL


def test_a_position_counts_what_is_in_flight_at_its_worst() -> None:
    limited = gate(position_notional="42000 USDT")
    assert code(limited, request("a")) is None
    assert code(limited, request("b", side=Side.SELL)) is None
    assert code(limited, request("c")) is None
    assert code(limited, request("d", quantity=Decimal("0.001"))) is Code.POSITION_NOTIONAL
    limited.withdraw(request("a").client_order_id)
    assert code(limited, request("e")) is None
    limited.traded(request("c").client_order_id, "BTCUSDT", Decimal("0.5"))
    assert limited.worst_position("BTCUSDT", 1) == 1
    assert limited.worst_position("BTCUSDT", -1) == 0


def test_what_reduces_risk_is_let_through() -> None:
    limited = gate(order_notional="1 USDT", minute_notional="1 USDT", position_notional="1 USDT")
    assert code(limited, request(side=Side.SELL, reduce_only=True)) is None


@pytest.mark.parametrize("named", ["39899.9", "44100.1"])
def test_a_price_far_from_the_venues_own_is_refused(named: str) -> None:
    limited = gate(price_collar="5 %")
    far = {"type": OrderType.LIMIT, "limit_price": Decimal(named)}
    assert code(limited, request("a", reference_price=Decimal(named))) is Code.PRICE_COLLAR
    assert code(limited, request("b", **far)) is Code.PRICE_COLLAR
    assert code(limited, request("c", **far, reduce_only=True)) is Code.PRICE_COLLAR
    assert (
        code(limited, request("d", reference_price=Decimal(named) / 2, type="LIMIT", limit_price=PRICE))
        is None
    )


@pytest.mark.parametrize(
    "price", [None, Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal(0)]
)
def test_no_price_is_no_order(price: Decimal | None) -> None:
    assert code(gate(), request(), price) is Code.NO_VENUE_PRICE


def test_only_allowed_symbols_are_traded() -> None:
    assert code(gate(symbols=["ETHUSDT"]), request()) is Code.SYMBOL_NOT_ALLOWED


@given(
    st.lists(
        st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 2_000), st.booleans()), max_size=30
    )
)
def test_whatever_is_let_through_the_position_stays_within_its_limit(
    coming: list[tuple[Side, int, bool]],
) -> None:
    limited = gate(position_notional="42000 USDT")
    for n, (side, lots, fills) in enumerate(coming):
        wanted = request(f"{n}", side=side, quantity=lots * Decimal("0.001"))
        if code(limited, wanted) is None and fills:
            limited.traded(wanted.client_order_id, "BTCUSDT", wanted.quantity * side.sign)
            limited.withdraw(wanted.client_order_id)
        for sign in (1, -1):
            assert abs(limited.worst_position("BTCUSDT", sign)) * PRICE <= 42_000


def test_the_packaged_limits_are_valid() -> None:
    limits = read_limits(PACKAGED)
    assert (limits.order_notional, limits.price_collar, limits.dead_man) == (
        Decimal(25_000), Decimal("0.05"), Decimal(30),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("order_notional: 25000", "write a number and its unit"),
        ("order_notional: 25000 EUR", "write a number and its unit"),
        ("order_notional: nan USDT", "not a finite number"),
        ("order_notional: -1 USDT", "greater than 0"),
        ("price_collar: 200 %", "less than or equal to 1"),
        ("dead_man: soon s", "'soon' is not a number"),
        ("symbols: [DOGEUSDT]", "unknown: DOGEUSDT"),
        ("surprise: 1", "surprise"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(tmp_path: Path, line: str, says: str) -> None:
    name = line.split(":")[0]
    kept = [known for known in PACKAGED.read_text().splitlines() if not known.startswith(f"{name}:")]
    file = tmp_path / "limits.yaml"
    file.write_text("\n".join([*kept, line]))
    with pytest.raises(LimitsError, match=says):
        read_limits(file)


# --- kill switch ---------------------------------------------------------------------------------------


def test_a_kill_holds_through_restarts_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kill.json"
    assert KillSwitch(path, NOON).kill is None
    assert KillSwitch(path, NOON).engage(KILL) == KILL
    again = KillSwitch(path, NOON)
    assert again.kill == KILL
    later = Kill(issued_by="bob", reason="me too", at=NOON)
    assert again.engage(later) == KILL
    flattening = again.engage(later.model_copy(update={"flatten": True}))
    assert (flattening.issued_by, flattening.flatten) == ("ada", True)
    assert again.release() == flattening
    assert KillSwitch(path, NOON).kill is None


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b'{"killed": NaN}', b"\xff\xfe"])
def test_a_latch_that_cannot_be_read_is_shut(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kill.json").write_bytes(content)
    kill = KillSwitch(tmp_path / "kill.json", NOON).kill
    assert kill is not None and kill.reason == "kill.json cannot be read: held shut"


def test_a_kill_that_cannot_be_written_stops_trading_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kill.json"
    switch = KillSwitch(path, NOON)
    path.parent.touch()
    with pytest.raises(OSError):
        switch.engage(KILL)
    assert switch.kill == KILL
    path.parent.unlink()
    assert switch.engage(KILL) == KILL
    assert KillSwitch(path, NOON).kill == KILL


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[tuple[Floor, ScriptedVenue]]:
    """Half a bitcoin bought by one agent, 0.2 sold by another, and an order of each that rests."""
    venue = ScriptedVenue()
    floor = Floor(tmp_path, other_venue=venue)
    assert floor.placement.reconcile()
    for name, agent, side, quantity in (
        ("a", "qwen-7b", Side.BUY, "0.5"), ("b", "fingpt-alpha", Side.SELL, "0.2"),
    ):  # fmt: skip
        venue.at_once = Decimal(quantity)
        floor.placement.place(request(name, agent=agent, side=side, quantity=Decimal(quantity)))
        venue.at_once = Decimal(0)
        floor.placement.place(request(f"rests-{name}", agent=agent, side=side))
    yield floor, venue
    floor.ledger.close()


def test_a_kill_cancels_everything_and_lets_only_what_reduces_risk_through(
    resting: tuple[Floor, ScriptedVenue],
) -> None:
    floor, venue = resting
    floor.guard.switch.engage(KILL)
    venue.faults = [(False, Unclear("cut"))]
    floor.upkeep.tick()
    assert len(floor.ledger.open_orders()) == 1
    floor.upkeep.tick()
    assert floor.ledger.open_orders() == []
    assert [venue.books[request(f"rests-{n}").client_order_id].end for n in "ab"] == [
        OrderStatus.CANCELLED
    ] * 2
    denied = floor.placement.place(request("new")).order
    assert (denied.status, denied.reason) == (
        OrderStatus.REJECTED, "protection KILLED: stopped by ada: prices look wrong",
    )  # fmt: skip
    venue.at_once = Decimal(1)
    leaving = request("leave", side=Side.SELL, reduce_only=True)
    assert floor.placement.place(leaving).order.status is OrderStatus.FILLED
    floor.guard.switch.release()
    assert floor.placement.place(request("after")).order.status is OrderStatus.FILLED


def test_a_kill_that_flattens_closes_each_agents_position_once(
    resting: tuple[Floor, ScriptedVenue], tmp_path: Path
) -> None:
    floor, venue = resting
    floor.guard.switch.engage(KILL.model_copy(update={"flatten": True}))
    venue.at_once = Decimal(1)
    venue.faults = [None, None, (True, Unclear("cut")), (False, Unclear("cut"))]
    for _ in range(4):
        floor.upkeep.tick()
    assert floor.ledger.holdings() == []
    assert all(position.quantity == 0 for position in floor.ledger.positions())
    orders = floor.ledger.orders(OrderFilter(), 100)
    flattening = [o for o in orders if o.request.correlation_id.startswith("flatten-")]
    assert {(o.request.agent, o.request.side, o.filled_quantity) for o in flattening} == {
        ("qwen-7b", Side.SELL, Decimal("0.5")), ("fingpt-alpha", Side.BUY, Decimal("0.2")),
    }  # fmt: skip
    assert len(flattening) == 2
    assert Floor(tmp_path, other_venue=venue).guard.stopped() is not None


# --- dead man ------------------------------------------------------------------------------------------


def test_the_timer_is_armed_by_the_first_heartbeat() -> None:
    timer = DeadManTimer(30)
    assert (timer.ran_out(1e9), timer.silence(5)) == (False, None)
    timer.beat(100)
    assert [timer.ran_out(now) for now in (100, 129.9, 130, 1e9)] == [False, False, True, True]
    timer.beat(200)
    assert not timer.ran_out(229)
    never = DeadManTimer(0)
    never.beat(0)
    assert not never.ran_out(1e9)


def test_a_silent_desk_has_its_orders_cancelled_and_takes_no_new_risk(
    resting: tuple[Floor, ScriptedVenue],
) -> None:
    floor, _ = resting
    floor.guard.beat()
    floor.ticks.seconds = 29.0
    floor.upkeep.tick()
    assert len(floor.ledger.open_orders()) == 2
    floor.ticks.seconds = 30.0
    floor.upkeep.tick()
    assert floor.ledger.open_orders() == []
    assert floor.placement.place(request("new")).order.reason.startswith("protection DEAD_MAN")
    floor.guard.beat()
    assert floor.placement.place(request("newer")).order.status is OrderStatus.SUBMITTED


# --- live trading --------------------------------------------------------------------------------------


def test_real_money_is_traded_only_on_purpose() -> None:
    paper, live = ScriptedVenue(), ScriptedVenue()
    live.is_live = True
    check_live(paper, live=False, confirmation="")
    check_live(live, live=True, confirmation="trade real money on scripted")
    with pytest.raises(LiveRefused, match="needs --live and --confirm"):
        check_live(live, live=False, confirmation="trade real money on scripted")
    for typed in ("", "yes", "Trade real money on scripted"):
        with pytest.raises(LiveRefused, match="word by word"):
            check_live(live, live=True, confirmation=typed)
    with pytest.raises(LiveRefused, match="leave it out"):
        check_live(paper, live=True, confirmation="")
