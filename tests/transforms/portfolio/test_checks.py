"""Each check by a log that trips it, and nothing before it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from contracts.message import Message
from contracts.orders import OrderRequest
from contracts.risk.checks import ACCEPTED, CHECKS, SPARE_REDUCING, judge, refusals
from contracts.risk.limits import Limits
from contracts.risk.wish import Wish
from contracts.rows.trading import RiskVerdict
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    Player,
    control,
    desk,
    filled,
    mark,
    on,
    proposal,
    rows,
    signal,
    verdict,
)
from transforms.core import Output

D = Decimal
OPEN = (mark(0, BTC, "40000"), mark(0, ETH, "2000"))


def last(outputs: list[Output]) -> RiskVerdict:
    found = rows(RiskVerdict, outputs)[-1]
    assert isinstance(found, RiskVerdict)
    return found


@pytest.mark.parametrize(
    ("limits", "log", "check", "reason", "limit", "observed"),
    [
        ({}, [proposal(1, "d", "alpha", BTC, "BUY")], "all", "accepted", None, None),
        (
            {},
            [control(1, "kill"), proposal(2, "d", "alpha", BTC, "BUY")],
            "kill_switch",
            "kill_switch_is_on",
            None,
            None,
        ),
        (
            {},
            [mark(301, BTC, "40000"), proposal(0.5, "d", "alpha", BTC, "BUY")],
            "timely",
            "too_old",
            300.0,
            300.5,
        ),
        ({}, [proposal(1, "d", "nobody", BTC, "BUY")], "known_agent", "not_on_the_roster", None, None),
        (
            {},
            [signal(1, "s", "beta", ETH, "BUY", "100")],
            "preferred_assets",
            "not_a_preferred_asset",
            None,
            None,
        ),
        (
            {},
            [proposal(1, "d", "alpha", "DOGEUSDT", "BUY")],
            "preferred_assets",
            "not_a_preferred_asset",
            None,
            None,
        ),
        ({}, [proposal(181, "d", "alpha", BTC, "BUY")], "fresh_price", "price_stale", 180.0, 181.0),
        (
            {},
            [mark(1, BTC, "40000", tradable=False, reason="gap"), proposal(2, "d", "alpha", BTC, "BUY")],
            "fresh_price",
            "price_untradable",
            None,
            None,
        ),
        (
            {},
            [mark(1, BTC, "40000", bid=D(40_001), ask=D(39_999)), proposal(2, "d", "alpha", BTC, "BUY")],
            "fresh_price",
            "price_crossed",
            None,
            None,
        ),
        (
            {"agent_orders_per_minute": 1},
            [signal(1, "a", "alpha", BTC, "BUY", "100"), signal(2, "b", "alpha", BTC, "BUY", "100")],
            "agent_order_rate",
            "agent_orders_too_fast",
            1.0,
            2.0,
        ),
        (
            {"orders_per_minute": 1},
            [signal(1, "a", "alpha", BTC, "BUY", "100"), signal(2, "b", "beta", BTC, "BUY", "100")],
            "order_rate",
            "orders_too_fast",
            1.0,
            2.0,
        ),
        ({}, [proposal(1, "d", "alpha", BTC, "BUY", 0.005)], "tradable_size", "too_small", 40.0, 15.0),
        (
            {},
            [proposal(1, "d", "alpha", BTC, "SELL", reduce_only=True)],
            "tradable_size",
            "nothing_to_reduce",
            0.0,
            3_000.0,
        ),
        (
            {},
            [proposal(1, "d", "alpha", BTC, "BUY", stop_loss=D(34_000))],
            "stop_distance",
            "stop_too_far",
            0.1,
            0.15,
        ),
        (
            {},
            [proposal(1, "d", "alpha", BTC, "SELL", stop_loss=D(39_000))],
            "stop_distance",
            "stop_on_the_wrong_side",
            0.1,
            -0.025,
        ),
        (
            {},
            [signal(1, "s", "beta", BTC, "BUY", "1040")],
            "per_trade_cap",
            "above_per_trade_cap",
            1_000.0,
            1_040.0,
        ),
        (
            {"per_trade_share": D("0.6")},
            [signal(n, f"s{n}", "beta", BTC, "BUY", "12000") for n in (1, 2)],
            "allocation",
            "above_allocation",
            20_000.0,
            24_000.0,
        ),
        (
            {},
            [proposal(1, "d", "alpha", BTC, "BUY", leverage=6)],
            "leverage",
            "above_leverage_cap",
            5.0,
            6.0,
        ),
        (
            {"symbol_gross": D("0.05")},
            [proposal(n, f"d{n}", "alpha", ETH, "BUY") for n in (1, 2)],
            "symbol_gross",
            "above_symbol_gross",
            5_000.0,
            6_000.0,
        ),
        (
            {"symbol_net": D("0.05")},
            [proposal(n, f"d{n}", "alpha", ETH, "BUY") for n in (1, 2)],
            "symbol_net",
            "above_symbol_net",
            5_000.0,
            6_000.0,
        ),
        (
            {"desk_gross": D("0.05")},
            [proposal(n, f"d{n}", "alpha", ETH, "BUY") for n in (1, 2)],
            "desk_gross",
            "above_desk_gross",
            5_000.0,
            6_000.0,
        ),
        (
            {"desk_net": D("0.05")},
            [proposal(n, f"d{n}", "alpha", ETH, "BUY") for n in (1, 2)],
            "desk_net",
            "above_desk_net",
            5_000.0,
            6_000.0,
        ),
    ],
)
def test_a_check_refuses_with_its_limit_and_what_it_saw(
    limits: dict[str, Any],
    log: list[Message],
    check: str,
    reason: str,
    limit: float | None,
    observed: float | None,
) -> None:
    row = last(Player(desk(Limits(**limits)))(*OPEN, *log))
    assert (row.check, row.reason, row.limit, row.observed) == (check, reason, limit, observed)
    assert row.accepted == (row.client_order_id is not None) == (check == "all")


def test_without_a_mark_nothing_is_traded() -> None:
    assert verdict(Player(desk())(proposal(1, "d", "alpha", BTC, "BUY"))) == ("fresh_price", "price_missing")


def holding_one() -> tuple[Player, OrderRequest]:
    """A desk where alpha holds 0.075 BTC."""
    play = Player(desk(Limits(symbol_gross=D("0.03"), agent_orders_per_minute=2)))
    (order,) = on("orders", play(*OPEN, proposal(1, "d", "alpha", BTC, "BUY")))
    assert order.quantity == D("0.075")
    play(filled(2, order, "40000"))
    return play, order


def test_an_order_that_reduces_is_spared_the_exposure_checks() -> None:
    play, _ = holding_one()
    assert verdict(play(proposal(3, "more", "alpha", ETH, "BUY", leverage=1)))[0] == "all"
    play, _ = holding_one()
    # BTC doubled: 0.03 x equity is passed by what is held, and still it may be sold.
    play(mark(70, BTC, "80000"))
    assert verdict(play(proposal(71, "less", "alpha", BTC, "SELL", 0.5)))[0] == "all"
    assert verdict(play(proposal(72, "more", "alpha", BTC, "BUY", 0.5)))[0] == "symbol_gross"


def test_an_order_that_reduces_is_not_spared_price_kill_switch_and_rate() -> None:
    play, _ = holding_one()
    assert verdict(play(proposal(190, "late", "alpha", BTC, "SELL"))) == ("fresh_price", "price_stale")
    play(control(191, "kill"))
    assert verdict(play(proposal(192, "dead", "alpha", BTC, "SELL"))) == ("kill_switch", "kill_switch_is_on")


def test_two_orders_in_flight_do_not_both_reduce() -> None:
    play, _ = holding_one()
    (first,) = on("orders", play(proposal(3, "a", "alpha", BTC, "SELL", reduce_only=True)))
    assert (first.quantity, first.reduce_only) == (D("0.075"), True)
    play(mark(63, BTC, "40000"))
    assert verdict(play(proposal(64, "b", "alpha", BTC, "SELL", reduce_only=True))) == (
        "tradable_size",
        "nothing_to_reduce",
    )


def test_all_refusals_can_be_asked_for_without_a_trace() -> None:
    core = desk()
    play = Player(core)
    play(*OPEN, control(1, "kill"))
    before = core.dump()
    wish = Wish.of(proposal(2, "d", "beta", ETH, "BUY", leverage=3))
    assert [found.reason for found in core.would_refuse(wish)] == [
        "kill_switch_is_on",
        "not_a_preferred_asset",
        "above_leverage_cap",
    ]
    assert core.dump() == before


def test_what_is_spared_is_among_the_checks() -> None:
    assert set(CHECKS) >= SPARE_REDUCING


def test_a_target_on_the_wrong_side_is_refused() -> None:
    play = Player(desk())
    play(*OPEN)
    row = last(play(proposal(1, "d", "alpha", BTC, "BUY", take_profit=D(39_000))))
    assert (row.check, row.reason, row.limit, row.observed) == (
        "target_side", "target_on_the_wrong_side", 0.0, -0.025,
    )  # fmt: skip
    assert verdict(play(proposal(2, "e", "alpha", BTC, "SELL", take_profit=D(39_000))))[0] == "all"


@pytest.mark.parametrize(
    "field", ["equity", "agent_equity", "allocation", "trade_cap", "quantity", "wanted_notional"]
)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "sNaN"])
def test_a_number_that_is_none_refuses_and_nothing_else_is_asked(field: str, number: str) -> None:
    core = desk()
    Player(core)(*OPEN)
    case = core._standing.case(Wish.of(proposal(1, "d", "alpha", BTC, "BUY")))
    assert judge(case) is ACCEPTED
    broken = replace(case, **{field: D(number)})
    assert (judge(broken).check, judge(broken).reason) == ("sound", "not_a_number")
    assert [found.reason for found in refusals(broken)] == ["not_a_number"]


def test_a_wish_with_numbers_that_are_none_is_refused() -> None:
    core = desk()
    Player(core)(*OPEN)
    wish = Wish.of(proposal(1, "d", "alpha", BTC, "BUY"))
    for broken in ({"leverage": D("NaN")}, {"stop_loss": D("NaN")}, {"size_fraction": D("Infinity")}):
        assert [found.reason for found in core.would_refuse(replace(wish, **broken))] == ["not_a_number"]


def test_the_checks_have_one_order() -> None:
    assert [check.__name__ for check in CHECKS] == [
        "sound", "kill_switch", "reconciled", "timely", "known_agent", "preferred_assets", "fresh_price", "desk_state",
        "agent_order_rate", "order_rate", "tradable_size", "stop_distance", "target_side", "per_trade_cap", "allocation",
        "leverage", "consensus", "symbol_gross", "symbol_net", "desk_gross", "desk_net",
    ]  # fmt: skip
