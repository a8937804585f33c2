"""Funding: booked once, to the agent whose position it is, and part of what everything is worth."""

from decimal import Decimal

from contracts.bookings import Funding
from contracts.message import Message, said_by
from contracts.rows.trading import FundingRow, PortfolioRow, PositionRow
from tests.transforms.portfolio.desk_log import BTC, Player, at, desk, mark, rows, said, step
from transforms.core import Output

D = Decimal


def funding(seconds: float, name: str, agent: str, quantity: str, rate: str, price: str = "40000") -> Message:
    paid = Funding(
        funding_id=name,
        agent=agent,
        symbol=BTC,
        quantity=D(quantity),
        mark_price=D(price),
        rate=D(rate),
        amount=-D(quantity) * D(price) * D(rate),
        funded_at=at(seconds),
        venue="paper",
    )
    return said_by("execution", paid, desk="main", event_time=at(seconds), derived_from=(name,))


def long_and_short() -> tuple[Player, list[Output]]:
    """Alpha is long 0.5 BTC and beta short 0.2, both at 40,000 without fees."""
    play = Player(desk())
    return play, play(
        mark(0, BTC, "40000"),
        step(1, "a", 1, "FILLED", "alpha", BTC, "BUY", "0.5", ("0.5", "40000", "0")),
        step(1, "b", 1, "FILLED", "beta", BTC, "SELL", "0.2", ("0.2", "40000", "0")),
    )


def test_longs_pay_shorts_at_a_positive_rate() -> None:
    play, _ = long_and_short()
    outputs = play(
        funding(60, "f1", "alpha", "0.5", "0.0001"),
        funding(60, "f2", "beta", "-0.2", "0.0001"),
    )
    assert [(r.agent, r.funding, r.realised_pnl, r.fees) for r in rows(PositionRow, outputs)] == [
        ("alpha", D(-2), D(0), D(0)),
        ("beta", D("0.8"), D(0), D(0)),
    ]
    book = rows(PortfolioRow, outputs)[-1]
    assert (book.funding, book.equity) == (D("-1.2"), D("99998.8"))
    assert [(r.funding_id, r.amount, r.rate) for r in rows(FundingRow, outputs)] == [
        ("f1", D(-2), 0.0001),
        ("f2", D("0.8"), 0.0001),
    ]
    assert [message.payload.funding for message in said("POSITION", outputs)] == [D(-2), D("0.8")]  # type: ignore[attr-defined]


def test_a_funding_that_comes_twice_is_booked_once_also_after_a_restart() -> None:
    play, _ = long_and_short()
    once = funding(60, "f1", "alpha", "0.5", "0.0001")
    play(once)
    assert play(once) == []
    anew = Player(desk())
    anew.core.restore(play.core.dump())
    assert anew(once) == []


def test_funding_can_move_the_desk_into_a_drawdown_band() -> None:
    play, _ = long_and_short()
    outputs = play(funding(60, "f1", "alpha", "0.5", "0.3"))
    (update,) = said("RISK_UPDATE", outputs)
    assert update.payload.alerts == ("drawdown is 6.00%: the desk is REDUCED now",)  # type: ignore[attr-defined]


def test_funding_of_what_was_never_held_is_booked_at_its_own_price() -> None:
    play = Player(desk())
    outputs = play(funding(60, "f1", "alpha", "1", "0.0001", "50"))
    assert [(r.quantity, r.funding, r.mark_price) for r in rows(PositionRow, outputs)] == [
        (D(0), D("-0.005"), D(50))
    ]
