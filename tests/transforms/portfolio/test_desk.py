"""The desk along worked timelines."""

from decimal import Decimal

from contracts.controls import Goal
from contracts.payloads import DeskState, OrderStatus
from contracts.rows.communication import ControlRow
from contracts.rows.trading import (
    AllocationRow,
    ExecutionRow,
    OrderRow,
    PortfolioRow,
    PositionRow,
    RiskVerdict,
)
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    Player,
    control,
    desk,
    filled,
    mark,
    on,
    order_id,
    proposal,
    rows,
    said,
    signal,
    step,
    verdict,
)
from transforms.core import Output
from transforms.portfolio.report import ORDERS

D = Decimal


def opened() -> tuple[Player, list[Output]]:
    """T0 BTC 40,000. T1 alpha buys for its cap of 3,000: 0.075. T2 filled at 40,010, fee 1.50."""
    play = Player(desk())
    outputs = play(mark(0, BTC, "40000"), proposal(1, "d", "alpha", BTC, "BUY"))
    (order,) = on(ORDERS, outputs)
    outputs += play(
        step(1.5, order.client_order_id, 1, "SUBMITTED", "alpha", BTC, "BUY", "0.075"),
        filled(2, order, "40010", "1.50"),
    )
    return play, outputs


def test_a_proposal_becomes_an_order_a_fill_and_a_position() -> None:
    _, outputs = opened()
    (order,) = on(ORDERS, outputs)
    assert order.client_order_id == order_id("d")
    assert (order.agent, order.symbol, order.side, order.quantity) == ("alpha", BTC, "BUY", D("0.075"))
    assert (order.reference_price, order.correlation_id, order.reduce_only) == (D(40_000), "d", False)
    (row,) = rows(OrderRow, outputs)
    assert (row.client_order_id, row.notional, row.position) == (order.client_order_id, D(3_000), 2)
    assert [(e.sequence, e.status) for e in rows(ExecutionRow, outputs)] == [(1, "SUBMITTED"), (2, "FILLED")]
    (position,) = rows(PositionRow, outputs)
    assert (position.quantity, position.entry_price, position.fees) == (D("0.075"), D(40_010), D("1.5"))
    assert (position.unrealised_pnl, position.realised_pnl) == (D("-0.75"), D(0))
    (message,) = said("POSITION", outputs)
    assert message.payload.quantity == D("0.075")  # type: ignore[attr-defined]
    assert [(m.recipient, m.sender) for m in said("ORDER_EXECUTION", outputs)] == [("alpha", "execution")] * 2
    assert rows(PortfolioRow, outputs)[-1].equity == D("99997.75")


def test_the_first_entry_allocates_and_guides() -> None:
    outputs = Player(desk())(mark(0, BTC, "40000"))
    assert [(r.agent, r.previous, r.capital, r.share, r.reason) for r in rows(AllocationRow, outputs)] == [
        ("alpha", D(0), D(60_000), 0.75, "the desk opens"),
        ("beta", D(0), D(20_000), 0.25, "the desk opens"),
    ]
    (rebalance,) = said("PORTFOLIO_REBALANCE", outputs)
    assert rebalance.recipient is None
    guidance = said("GUIDANCE", outputs)
    assert [message.recipient for message in guidance] == ["alpha", "beta"]
    assert guidance[0].payload.text == (  # type: ignore[attr-defined]
        "One order may be worth up to 3000.00 USDT; favour BTC, ETH, in this order; "
        "60000.00 of your 60000.00 USDT are free. The optimizer has no view. "
        "Your share of the active capital is 75.0% (as before): nothing is known of your performance yet."
    )


def test_capital_is_allocated_anew_from_equity_by_the_timer() -> None:
    play, _ = opened()
    assert rows(AllocationRow, play(mark(1_799, BTC, "50000"))) == []
    found = rows(AllocationRow, play(mark(1_800, BTC, "50000")))
    # equity at T1799: 100,000 + 0.075 x (50,000 - 40,010) - 1.50
    assert [(r.agent, r.previous, r.capital, r.reason) for r in found] == [
        ("alpha", D(60_000), D("60448.65"), "the timer"),
        ("beta", D(20_000), D("20149.55"), "the timer"),
    ]


def test_risk_is_told_once_a_minute_and_not_by_mark() -> None:
    play = Player(desk())
    seconds = [0, 1, 59, 60, 61, 119.9, 120]
    told = [
        len(said("RISK_UPDATE", play(mark(s, BTC if i % 2 else ETH, "40000")))) for i, s in enumerate(seconds)
    ]
    assert told == [1, 0, 0, 1, 0, 0, 1]


def test_the_same_message_and_the_same_decision_twice_trade_once() -> None:
    play = Player(desk())
    first = proposal(1, "d", "alpha", BTC, "BUY")
    outputs = play(mark(0, BTC, "40000"), first, first, proposal(2, "d", "alpha", BTC, "BUY"))
    assert len(on(ORDERS, outputs)) == 1
    assert [(r.check, r.reason) for r in rows(RiskVerdict, outputs)] == [
        ("all", "accepted"),
        ("duplicate", "heard_before"),
        ("duplicate", "order_exists"),
    ]


def test_a_hold_is_a_verdict_and_no_order() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"))
    assert verdict(play(proposal(1, "d", "alpha", BTC, "HOLD"))) == ("side", "hold")


def test_a_redelivered_execution_changes_nothing_and_says_nothing() -> None:
    play, outputs = opened()
    (order,) = on(ORDERS, outputs)
    play.core.flush()
    assert play(filled(2, order, "40010", "1.50")) == []
    assert play.core.flush() == []


def test_a_strangers_fill_is_booked_and_said() -> None:
    play = Player(desk())
    outputs = play(
        mark(0, BTC, "40000"),
        step(1, "sph-lost", 2, "FILLED", "alpha", BTC, "BUY", "0.01", ("0.01", "40000", "0.2")),
    )
    assert [row.quantity for row in rows(PositionRow, outputs)] == [D("0.01")]
    (alert,) = said("RISK_UPDATE", outputs)[-1].payload.alerts  # type: ignore[attr-defined]
    assert alert == "sph-lost is no order of this desk's memory; what it did is booked"


def test_our_own_word_ends_a_refused_order_and_keeps_an_unanswered_one() -> None:
    play = Player(desk())
    (order,) = on(ORDERS, play(mark(0, BTC, "40000"), signal(1, "s", "beta", BTC, "BUY", "1000")))

    def word(status: str) -> list[Output]:
        return play(step(1, order.client_order_id, 1, status, "beta", BTC, "BUY", "0.025", sender="trading"))

    assert [m.payload.status for m in said("ORDER_EXECUTION", word("UNKNOWN"))] == [OrderStatus.UNKNOWN]  # type: ignore[attr-defined]
    assert word("UNKNOWN") == []
    assert b'"0.025"' in play.core.dump()
    word("REJECTED")
    assert b'"0.025"' not in play.core.dump()


def test_drawdown_reduces_then_halts_until_it_is_released() -> None:
    """Alpha's 1.2 BTC lose 5,000 at 35,800 (5 %) and 10,000 at 31,600."""
    play = Player(desk())
    play(
        mark(0, BTC, "40000"),
        step(1, "sph-x", 1, "FILLED", "alpha", BTC, "BUY", "1.2", ("1.2", "40000", "0")),
    )
    reduced = play(mark(60, BTC, "35800"))
    (update,) = said("RISK_UPDATE", reduced)
    assert update.payload.alerts == ("drawdown is 5.04%: the desk is REDUCED now",)  # type: ignore[attr-defined]
    assert rows(PortfolioRow, reduced)[0].state is DeskState.REDUCED
    assert verdict(play(signal(61, "s", "beta", BTC, "BUY", "600")))[0] == "per_trade_cap"
    play(mark(120, BTC, "31600"))
    assert verdict(play(signal(121, "t", "beta", BTC, "BUY", "100"))) == ("desk_state", "desk_is_halted")
    assert verdict(play(signal(122, "u", "alpha", BTC, "SELL", "1000")))[0] == "all"
    released = play(control(130, "release", reason="seen"))
    (update,) = said("RISK_UPDATE", released)
    assert update.payload.state is DeskState.ACTIVE  # type: ignore[attr-defined]
    assert update.payload.high_water_mark == update.payload.equity == D(89_920)  # type: ignore[attr-defined]


def test_the_kill_switch_flattens_and_holds_until_a_later_release() -> None:
    play, _ = opened()
    killed = play(control(10, "kill", flatten=True, reason="test"))
    (order,) = on(ORDERS, killed)
    assert (order.side, order.quantity, order.reduce_only) == ("SELL", D("0.075"), True)
    assert said("RISK_UPDATE", killed)[0].payload.state is DeskState.HALTED  # type: ignore[attr-defined]
    assert on(ORDERS, play(control(11, "kill", flatten=True))) == []
    (ignored,) = rows(ControlRow, play(control(9, "release")))
    assert (ignored.before, ignored.reason) == (ignored.after, "older than the last kill: ignored")
    assert verdict(play(proposal(12, "e", "alpha", BTC, "BUY")))[0] == "kill_switch"
    play(filled(12, order, "40000"), control(13, "release"))
    assert verdict(play(proposal(14, "f", "alpha", BTC, "BUY")))[0] == "all"


def test_a_goal_is_kept_and_told() -> None:
    play, _ = opened()
    outputs = play(control(5, "goal", goal=Goal.MARKET_NEUTRAL))
    assert {row.goal for row in rows(AllocationRow, outputs)} == {Goal.MARKET_NEUTRAL}
    assert {m.payload.goal for m in said("GUIDANCE", outputs)} == {Goal.MARKET_NEUTRAL}  # type: ignore[attr-defined]


def test_a_wish_from_tomorrow_does_not_make_todays_prices_old() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"))
    assert verdict(play(proposal(86_400, "d", "alpha", BTC, "BUY"))) == ("fresh_price", "price_stale")
    assert verdict(play(proposal(1, "e", "alpha", BTC, "BUY")))[0] == "all"


def test_flush_tells_the_book_once_when_it_changed() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"))
    assert play.core.flush() == []
    play(mark(1, BTC, "40001"))
    assert [row.position for row in rows(PortfolioRow, play.core.flush())] == [2]
    assert play.core.flush() == []
