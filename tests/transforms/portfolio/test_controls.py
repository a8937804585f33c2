"""What people change on a running desk: limits, kill, release, goal. Each is a row that says from what to what."""

from decimal import Decimal
from typing import Any

import orjson

from contracts.risk.limits import Limits
from contracts.rows.communication import ControlRow
from contracts.rows.trading import RiskVerdict
from tests.transforms.portfolio.desk_log import (
    BTC,
    Player,
    control,
    desk,
    mark,
    proposal,
    rows,
    said,
    signal,
    step,
    verdict,
)
from transforms.core import Output


def audit(outputs: list[Output]) -> list[tuple[str, Any, Any, str]]:
    return [
        (row.action, orjson.loads(row.before), orjson.loads(row.after), row.reason)
        for row in rows(ControlRow, outputs)
    ]


def alerts(outputs: list[Output]) -> list[str]:
    found: list[Any] = [message.payload for message in said("RISK_UPDATE", outputs)]
    return [alert for update in found for alert in update.alerts]


def opened(limits: Limits | None = None) -> Player:
    play = Player(desk(limits))
    play(mark(0, BTC, "40000"))
    return play


def test_a_limit_takes_effect_from_its_place_in_the_log_on() -> None:
    play = opened()
    before = play(signal(1, "a", "beta", BTC, "BUY", "1000"))
    changed = play(control(2, "limits", limits={"per_trade_share": "0.01"}, reason="calm"))
    after = play(signal(3, "b", "beta", BTC, "BUY", "1000"))
    assert [verdict(before)[0], verdict(after)[0]] == ["all", "per_trade_cap"]
    assert audit(changed) == [("limits", {"per_trade_share": "0.05"}, {"per_trade_share": "0.01"}, "calm")]
    assert alerts(changed) == ["limits changed by ada: calm: per_trade_share 0.05 -> 0.01"]
    (row,) = rows(RiskVerdict, after)
    assert (row.limit, row.observed) == (200.0, 1000.0)


def test_a_limit_that_does_not_fit_the_others_is_refused_and_said() -> None:
    play = opened()
    refused = play(control(1, "limits", limits={"halt_drawdown": "0.03"}))
    ((action, before, after, reason),) = audit(refused)
    assert (action, before) == ("limits", after)
    assert reason == "refused: the drawdown bands are recover_drawdown < reduce_drawdown < halt_drawdown"
    assert alerts(refused)[0].startswith(
        "the limits stay as they are, although asked by ada: the drawdown bands"
    )


def test_a_change_that_comes_again_after_a_newer_one_is_ignored() -> None:
    play = opened()
    older = control(1, "limits", limits={"desk_gross": "0.9"})
    play(older, control(2, "limits", limits={"desk_gross": "0.6"}))
    ((_, before, after, reason),) = audit(play(older))
    assert (before, after, reason) == (
        {"desk_gross": "0.6"},
        {"desk_gross": "0.6"},
        "older than the last change: ignored",
    )


def test_new_bands_take_effect_at_once() -> None:
    play = opened()
    play(step(1, "x", 1, "FILLED", "alpha", BTC, "BUY", "1", ("1", "40000", "0")), mark(60, BTC, "37000"))
    outputs = play(control(61, "limits", limits={"reduce_drawdown": "0.03", "recover_drawdown": "0.02"}))
    assert alerts(outputs) == ["drawdown is 3.00%: the desk is REDUCED now"]


def test_changed_limits_survive_a_restart_through_dump_and_through_a_restore_control() -> None:
    play = opened()
    play(control(1, "limits", limits={"per_trade_share": "0.01", "orders_per_minute": 7}))
    anew = Player(desk())
    anew.core.restore(play.core.dump())
    told = Player(desk(Limits(desk_net="0.4")))
    told(control(2, "restore", core="trading", state=orjson.loads(play.core.dump())))
    for player in (anew, told):
        assert verdict(player(signal(3, "b", "beta", BTC, "BUY", "1000")))[0] == "per_trade_cap"
        limits = orjson.loads(player.core.dump())["limits"]
        assert limits["changes"] == {"per_trade_share": "0.01", "orders_per_minute": "7"}
    assert orjson.loads(told.core.dump())["limits"]["in_force"]["desk_net"] == "0.4"


def test_kill_and_release_are_audited_with_what_they_changed() -> None:
    play = opened()
    ((_, before, after, _),) = audit(play(control(1, "kill")))
    assert [(told["state"], told["killed"]) for told in (before, after)] == [
        ("ACTIVE", False),
        ("HALTED", True),
    ]
    ((_, before, after, reason),) = audit(play(control(2, "release", reason="prices checked")))
    assert [(told["state"], told["killed"]) for told in (before, after)] == [
        ("HALTED", True),
        ("ACTIVE", False),
    ]
    assert reason == "prices checked"


def test_releasing_a_drawdown_halt_is_audited_with_its_high_water_mark() -> None:
    """1 BTC loses 12,000 of 100,000: HALTED, and it stays so when the price is back, until it is released."""
    play = opened()
    play(step(1, "x", 1, "FILLED", "alpha", BTC, "BUY", "1", ("1", "40000", "0")))
    play(mark(60, BTC, "28000"), mark(120, BTC, "39999"))
    assert verdict(play(proposal(121, "d", "alpha", BTC, "BUY")))[0] == "desk_state"
    ((_, before, after, _),) = audit(play(control(122, "release")))
    assert (before["band"], Decimal(before["high_water_mark"])) == ("HALTED", Decimal(100_000))
    assert (after["band"], Decimal(after["high_water_mark"])) == ("ACTIVE", Decimal(99_999))


def test_a_goal_is_audited() -> None:
    ((action, before, after, _),) = audit(opened()(control(1, "goal", goal="market_neutral")))
    assert (action, before, after) == ("goal", {"goal": "maximum_profit"}, {"goal": "market_neutral"})
