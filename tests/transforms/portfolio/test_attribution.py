"""Attribution: the parts of a day are the desk's profit of the day, to the last digit."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.message import Message
from contracts.risk.book import Book, Marked
from contracts.risk.money import EXACT
from contracts.rows.trading import AttributionRow, PortfolioRow
from tests.transforms.portfolio.desk_log import BTC, ETH, Player, desk, mark, order_id, rows, step
from transforms.core import Output
from transforms.portfolio.attribution import Attribution, Made, Part, made_by, summed

D = Decimal
HOUR = 3_600
DAY = 24 * HOUR


def fill(seconds: float, agent: str, symbol: str, side: str, quantity: str, price: str, fee: str) -> Message:
    name = f"{agent}-{seconds}"
    return step(seconds, order_id(name), 1, "FILLED", agent, symbol, side, quantity, (quantity, price, fee))


def told(outputs: list[Output]) -> list[tuple[str, str, str, str]]:
    return [(str(r.day), r.agent, r.symbol, str(r.profit)) for r in rows(AttributionRow, outputs)]


def test_a_day_is_told_when_it_is_over_and_hourly_before() -> None:
    """T0 alpha buys 0.1 BTC at 40,000, fee 2. T1h 41,000. T24h 42,000, told as the day at the next mark; T25h 41,500."""
    play = Player(desk())
    assert told(play(mark(0, BTC, "40000"), fill(1, "alpha", BTC, "BUY", "0.1", "40000", "2"))) == []
    assert told(play(mark(HOUR - 1, BTC, "41000"))) == []
    assert told(play(mark(HOUR, BTC, "42000"))) == [("2024-01-15", "alpha", BTC, "98")]
    assert told(play(mark(DAY + 7, BTC, "41500"))) == [("2024-01-15", "alpha", BTC, "198")]
    outputs = play(fill(DAY + 9, "alpha", BTC, "SELL", "0.1", "41000", "2.05"), mark(DAY + HOUR, BTC, "1"))
    (row,) = rows(AttributionRow, outputs)
    # 200 unrealised at midnight became 100 realised
    assert (row.realised_pnl, row.unrealised_pnl, row.fees) == (D(100), D(-200), D("2.05"))
    assert (row.day, row.profit) == (date(2024, 1, 16), D("-102.05"))


def test_the_end_of_a_log_tells_the_day_so_far() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"), fill(1, "alpha", BTC, "BUY", "0.1", "40000", "2"), mark(3, BTC, "40010"))
    assert told(play.core.flush()) == [("2024-01-15", "alpha", BTC, "-1")]


fills = st.tuples(
    st.sampled_from(["alpha", "beta"]),
    st.sampled_from([BTC, ETH]),
    st.decimals("-1", "1", places=3).filter(bool),
    st.decimals("100", "50000", places=2),
    st.decimals("0", "9", places=5),
)
fundings = st.tuples(
    st.sampled_from(["alpha", "beta"]), st.sampled_from([BTC, ETH]), st.decimals("-9", "9", places=8)
)
prices = st.tuples(st.sampled_from([BTC, ETH]), st.decimals("100", "50000", places=2))
hours = st.lists(st.lists(st.one_of(fills, fundings, prices), max_size=4), min_size=1, max_size=60)


@given(hours)
def test_the_parts_are_the_desks_profit_to_the_last_digit(hours: list[list[tuple]]) -> None:
    book, attribution = Book(D(100_000)), Attribution()
    days: list[Part] = []
    for number, happened in enumerate(hours):
        clock = (number + 1) * HOUR * 1_000_000
        assert attribution.is_due(clock)
        if (number + 1) % 24 == 0:
            days += attribution.parts(book)
        attribution.begin_hour(clock, book)
        for what in happened:
            if len(what) == 5:
                book.fill(*what)
            elif len(what) == 3:
                book.fund(*what, D(40_000))
            else:
                book.mark(what[0], Marked(what[1], clock, True, ""))
    days += attribution.parts(book)
    made = EXACT.subtract(book.equity, book.capital)
    together = summed(days, by=lambda _: "all").get("all", Made())
    assert together.profit == made
    assert together.fees == book.fees()
    for keys in (lambda p: p.agent, lambda p: p.symbol, lambda p: p.day, lambda p: (p.agent, p.day)):
        sums = summed(days, by=keys)
        assert _added(part.profit for part in sums.values()) == made
    by_agent = summed(days, by=lambda part: part.agent)
    assert {agent: part.profit for agent, part in by_agent.items()} == {
        agent: book.profit(agent) for agent in by_agent
    }


def _added(amounts) -> Decimal:
    total = D(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BUY", "SELL"]),
            st.integers(1, 300),
            st.integers(30_000, 50_000),
            st.integers(0, 900),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_rows_of_a_day_add_up_to_what_the_portfolio_rows_say(traded: list[tuple]) -> None:
    """In lots and ticks, as at a venue; a third of a position that is sold has no end of digits, their sum has."""
    play = Player(desk())
    outputs = play(mark(0, BTC, "40000"))
    for number, (side, lots, price, fee) in enumerate(traded, 1):
        agent = "alpha" if number % 3 else "beta"
        outputs += play(
            fill(number, agent, BTC, side, str(D(lots) / 1_000), str(D(price) / 10), str(D(fee) / 10**6))
        )
    outputs += play(mark(100, BTC, "40000.3")) + play.core.flush()
    equity = rows(PortfolioRow, outputs)[-1].equity
    assert sum(row.profit for row in rows(AttributionRow, outputs)) == equity - 100_000
    for row in rows(AttributionRow, outputs):
        assert row.profit == row.realised_pnl + row.unrealised_pnl - row.fees + row.funding


def test_it_goes_on_from_its_state() -> None:
    book, attribution = Book(D(1_000)), Attribution()
    book.fill("a", BTC, D("0.3"), D(40_000), D("0.1"))
    attribution.begin_hour(5 * HOUR * 1_000_000, book)
    anew = Attribution()
    anew.load(attribution.dump())
    assert anew.dump() == attribution.dump()
    assert (
        anew.parts(book) == attribution.parts(book) == [Part(date(1970, 1, 1), "a", BTC, Made(*[D(0)] * 4))]
    )
    assert Attribution().parts(book) == []
    assert made_by(book)["a", BTC].profit == D("-0.1")
