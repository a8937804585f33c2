from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.payloads import OrderStatus
from execution.order_life import Fill, IllegalStep, OrderLife

ONE = OrderLife(Decimal(1))
HALF = Fill(Decimal("0.5"), Decimal(100), Decimal("0.0175"))


def test_fills_accumulate_to_filled() -> None:
    life = (
        ONE.move(OrderStatus.SUBMITTED).fill(HALF).fill(Fill(Decimal("0.5"), Decimal(101), Decimal("0.02")))
    )
    assert life.status is OrderStatus.FILLED
    assert (life.filled_quantity, life.average_price, life.fees) == (
        Decimal(1),
        Decimal("100.5"),
        Decimal("0.0375"),
    )
    assert life.steps == 3


def test_an_order_cannot_trade_before_it_is_submitted() -> None:
    with pytest.raises(IllegalStep, match="an order that is NEW cannot trade"):
        ONE.fill(HALF)


def test_an_order_cannot_trade_more_than_its_quantity() -> None:
    with pytest.raises(IllegalStep, match="more than remains"):
        ONE.move(OrderStatus.SUBMITTED).fill(HALF).fill(Fill(Decimal("0.6"), Decimal(1), Decimal(0)))


def test_what_traded_cannot_be_rejected() -> None:
    with pytest.raises(IllegalStep):
        ONE.move(OrderStatus.SUBMITTED).fill(HALF).move(OrderStatus.REJECTED)
    with pytest.raises(IllegalStep):
        ONE.move(OrderStatus.SUBMITTED).fill(HALF).move(OrderStatus.UNKNOWN).move(OrderStatus.REJECTED)


def test_unknown_leads_on_to_what_the_venue_says() -> None:
    unknown = ONE.move(OrderStatus.SUBMITTED).move(OrderStatus.UNKNOWN, "no answer in 2 s")
    assert unknown.move(OrderStatus.SUBMITTED).reason == "no answer in 2 s"
    assert unknown.fill(HALF).status is OrderStatus.PARTIALLY_FILLED
    half_done = ONE.move(OrderStatus.SUBMITTED).fill(HALF).move(OrderStatus.UNKNOWN)
    assert half_done.move(OrderStatus.PARTIALLY_FILLED).filled_quantity == Decimal("0.5")
    with pytest.raises(IllegalStep, match="this one has none"):
        unknown.move(OrderStatus.PARTIALLY_FILLED)


def test_a_trade_that_is_told_after_the_end_is_taken() -> None:
    submitted = ONE.move(OrderStatus.SUBMITTED)
    late = submitted.move(OrderStatus.CANCELLED).fill(HALF)
    assert (late.status, late.filled_quantity) == (OrderStatus.CANCELLED, Decimal("0.5"))
    assert late.fill(HALF).status is OrderStatus.FILLED
    assert submitted.move(OrderStatus.REJECTED).fill(HALF).status is OrderStatus.PARTIALLY_FILLED
    with pytest.raises(IllegalStep, match="more than remains"):
        submitted.fill(HALF).fill(HALF).fill(HALF)


quantities = st.decimals(min_value="0.001", max_value=2, places=3)
steps = st.one_of(
    st.sampled_from(list(OrderStatus)),
    st.builds(Fill, quantities, st.decimals(min_value="0.1", max_value=100_000, places=1), quantities),
)


@given(quantities, st.lists(steps, max_size=30))
def test_whatever_comes_in_whatever_order_the_life_stays_legal(
    quantity: Decimal, coming: list[OrderStatus | Fill]
) -> None:
    life, fills, taken = OrderLife(quantity), [], 0
    for step in coming:
        before = life
        try:
            life = life.fill(step) if isinstance(step, Fill) else life.move(step)
        except IllegalStep:
            assert life == before
            continue
        taken += 1
        if isinstance(step, Fill):
            fills.append(step)
        else:
            assert not before.status.is_final
    assert life.steps == taken
    assert life.filled_quantity == sum(fill.quantity for fill in fills) <= life.quantity
    assert life.notional == sum(fill.quantity * fill.price for fill in fills)
    assert life.fees == sum(fill.fee for fill in fills)
    assert (life.status is OrderStatus.FILLED) == (life.filled_quantity == life.quantity)
