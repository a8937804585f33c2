from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.exact import plain
from execution.holding import Holding


def after(*trades: tuple[str, str]) -> Holding:
    holding = Holding()
    for quantity, price in trades:
        holding = holding.after(Decimal(quantity), Decimal(price), Decimal("0.1"))
    return holding


def test_adding_averages_the_entry() -> None:
    assert after(("1", "100"), ("3", "104")).entry_price == Decimal(103)


def test_reducing_realises_against_the_average() -> None:
    holding = after(("2", "100"), ("-0.5", "110"))
    assert (holding.quantity, holding.entry_price, holding.realised_pnl) == (
        Decimal("1.5"),
        Decimal(100),
        Decimal(5),
    )
    assert holding.fees == Decimal("0.2")


def test_a_short_gains_when_the_price_falls() -> None:
    holding = after(("-2", "100"), ("2", "90"))
    assert holding == Holding(Decimal(0), Decimal(0), Decimal(20), Decimal("0.2"))
    assert holding.entry_price is None


def test_trading_through_zero_closes_then_opens() -> None:
    holding = after(("1", "100"), ("-3", "110"))
    assert (holding.quantity, holding.entry_price, holding.realised_pnl) == (
        Decimal(-2),
        Decimal(110),
        Decimal(10),
    )


def test_plain_numbers_have_no_exponent() -> None:
    assert [str(plain(Decimal(text))) for text in ("1E+2", "1.500", "0E-18", "-0")] == [
        "100",
        "1.5",
        "0",
        "0",
    ]


lots = st.decimals(min_value=-3, max_value=3, places=3).filter(bool)
prices = st.decimals(min_value="0.1", max_value=99_999, places=1)
fees = st.decimals(min_value=0, max_value=1, places=6)


@given(st.lists(st.tuples(lots, prices, fees), max_size=40))
def test_nothing_is_lost_to_the_last_digit(trades: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    holding = Holding()
    for quantity, price, fee in trades:
        holding = holding.after(quantity, price, fee)
    assert holding.quantity == sum(quantity for quantity, _, _ in trades)
    assert holding.fees == sum(fee for _, _, fee in trades)
    assert holding.realised_pnl - holding.cost == -sum(quantity * price for quantity, price, _ in trades)
    if not holding.quantity:
        assert holding.cost == 0
