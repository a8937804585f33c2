from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from contracts.risk.book import Book, Marked
from contracts.risk.holding import Holding

D = Decimal


def marked(price: str, micros: int = 1) -> Marked:
    return Marked(D(price), micros, True, "")


def test_a_round_trip_earns_the_difference_less_fees() -> None:
    book = Book(D(1_000))
    book.mark("BTCUSDT", marked("40000"))
    book.fill("alpha", "BTCUSDT", D("0.010"), D(40_000), D("0.20"))
    book.mark("BTCUSDT", marked("41000", 2))
    assert (book.unrealised(), book.realised(), book.fees()) == (D(10), D(0), D("0.20"))
    assert book.equity == D("1009.80")
    book.fill("alpha", "BTCUSDT", D("-0.010"), D(41_000), D("0.21"))
    assert (book.unrealised(), book.realised(), book.fees()) == (D(0), D(10), D("0.41"))
    assert book.equity == D("1009.59")
    assert book.holding("alpha", "BTCUSDT").entry_price is None


def test_a_fill_through_zero_closes_and_then_opens() -> None:
    holding = Holding().after(D(2), D(100), D(0)).after(D(-3), D(110), D(0))
    assert holding == Holding(D(-1), D(-110), D(20), D(0))
    assert holding.entry_price == D(110)
    assert holding.unrealised(D(100)) == D(10)


def test_entry_price_is_the_average_of_what_was_added() -> None:
    holding = Holding().after(D(1), D(100), D(0)).after(D(3), D(200), D(0))
    assert holding.entry_price == D(175)
    assert holding.after(D(-2), D(175), D(0)).entry_price == D(175)


def test_drawdown_is_measured_from_the_highest_equity() -> None:
    book = Book(D(1_000))
    book.fill("alpha", "BTCUSDT", D(1), D(100), D(0))
    book.mark("BTCUSDT", marked("200"))
    assert (book.high_water_mark, book.drawdown) == (D(1_100), D(0))
    book.mark("BTCUSDT", marked("90", 2))
    assert (book.equity, book.drawdown) == (D(990), D("0.1"))
    book.rebase()
    assert (book.high_water_mark, book.drawdown) == (D(990), D(0))


def test_exposures_add_agents_up_and_net_them() -> None:
    book = Book(D(1_000))
    book.mark("BTCUSDT", marked("100"))
    book.fill("alpha", "BTCUSDT", D(2), D(100), D(0))
    book.fill("beta", "BTCUSDT", D(-3), D(100), D(0))
    assert (book.gross_exposure, book.net_exposure, book.net("BTCUSDT")) == (D(500), D(-100), D(-1))


def test_an_older_mark_changes_nothing() -> None:
    book = Book(D(1_000))
    assert book.mark("BTCUSDT", marked("100", 2))
    assert not book.mark("BTCUSDT", marked("90", 1))
    assert book.price("BTCUSDT") == D(100)


def test_a_price_that_is_none_keeps_the_last_one_and_is_not_tradable() -> None:
    book = Book(D(1_000))
    book.mark("BTCUSDT", marked("100"))
    book.mark("BTCUSDT", Marked(D("NaN"), 2, True, ""))
    assert book.last_mark("BTCUSDT") == Marked(D(100), 2, False, "not_a_price")


def test_a_symbol_that_was_never_marked_is_valued_at_what_was_paid() -> None:
    book = Book(D(1_000))
    book.fill("alpha", "BTCUSDT", D(1), D(100), D(1))
    assert book.equity == D(999)
    assert book.last_mark("BTCUSDT") == Marked(D(100), 0, False, "never_marked")


prices = st.decimals("0.0001", "100000", places=4)
quantities = st.decimals("-50", "50", places=3).filter(lambda quantity: quantity != 0)
fills = st.lists(
    st.tuples(
        st.sampled_from(["alpha", "beta"]),
        st.sampled_from(["BTCUSDT", "ETHUSDT"]),
        quantities,
        prices,
        st.decimals("-1", "10", places=6),
    ),
    max_size=30,
)


@given(fills, prices, prices)
def test_realised_and_unrealised_are_what_was_traded_and_is_held_exactly(fills, btc, eth) -> None:  # type: ignore[no-untyped-def]
    """Recomputed with fractions, from cash flows alone."""
    book = Book(D(10_000))
    for agent, symbol, quantity, price, fee in fills:
        book.fill(agent, symbol, quantity, price, fee)
    book.mark("BTCUSDT", Marked(btc, 1, True, ""))
    book.mark("ETHUSDT", Marked(eth, 1, True, ""))
    marks = {"BTCUSDT": btc, "ETHUSDT": eth}
    for agent in ("alpha", "beta"):
        own = [fill for fill in fills if fill[0] == agent]
        earned = sum(
            (
                Fraction(quantity) * (Fraction(marks[symbol]) - Fraction(price))
                for _, symbol, quantity, price, _ in own
            ),
            Fraction(0),
        )
        assert Fraction(book.realised(agent)) + Fraction(book.unrealised(agent)) == earned
        assert book.fees(agent) == sum((fee for *_, fee in own), D(0))
    assert book.profit("alpha") + book.profit("beta") == book.profit()
    assert book.equity == D(10_000) + book.realised() - book.fees() + book.unrealised()
    assert Book.load(book.dump()).dump() == book.dump()
