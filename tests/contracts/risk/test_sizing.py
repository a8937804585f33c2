from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.instruments import INSTRUMENTS
from contracts.payloads import DeskState
from contracts.risk.limits import Limits
from contracts.risk.sizing import Scale, per_trade_cap, quantity_of, scale_of, smallest_quantity
from contracts.risk.wish import Wish
from tests.transforms.portfolio.desk_log import BTC, proposal, signal

D = Decimal
INSTRUMENT = INSTRUMENTS[BTC]


def test_the_cap_is_five_percent_and_half_of_that_while_reduced() -> None:
    assert per_trade_cap(D(60_000), DeskState.ACTIVE, Limits()) == 3_000
    assert per_trade_cap(D(60_000), DeskState.REDUCED, Limits()) == 1_500


@pytest.mark.parametrize(
    ("fraction", "cap", "closable", "quantity"),
    [
        (1.0, "3000", "0", "0.071"),
        (0.5, "3000", "0", "0.035"),
        (0.5, "100", "0", "0.001"),
        (0.5, "40", "0", "0"),
        (0.5, "40", "0.002", "0.001"),
        (0.5, "50", "0", "0.001"),
        (0.4, "50", "0", "0"),
        (0.0, "3000", "0.002", "0"),
    ],
)
def test_a_proposal_is_a_share_of_the_cap(fraction: float, cap: str, closable: str, quantity: str) -> None:
    wish = Wish.of(proposal(0, "d", "alpha", BTC, "BUY", fraction))
    assert quantity_of(wish, INSTRUMENT, D(42_000), D(cap), D(closable)) == D(quantity)


def test_a_signal_says_its_notional() -> None:
    wish = Wish.of(signal(0, "s", "beta", BTC, "BUY", "100"))
    assert quantity_of(wish, INSTRUMENT, D(42_000), D(1), D(0)) == D("0.002")


@pytest.mark.parametrize(("closable", "quantity"), [("0.005", "0.005"), ("0.0005", "0"), ("0", "0")])
def test_reduce_only_is_never_more_than_there_is_to_reduce(closable: str, quantity: str) -> None:
    wish = Wish.of(proposal(0, "d", "alpha", BTC, "SELL", reduce_only=True))
    assert quantity_of(wish, INSTRUMENT, D(42_000), D(3_000), D(closable)) == D(quantity)


def test_the_smallest_order_respects_lot_and_least_notional() -> None:
    assert smallest_quantity(INSTRUMENT, D(42_000)) == D("0.001")
    assert smallest_quantity(INSTRUMENT, D(3_000)) == D("0.002")


@given(
    st.floats(0, 1),
    st.decimals("0.01", "100000", places=2),
    st.decimals("1", "100000", places=1),
    st.booleans(),
)
def test_a_quantity_is_tradable_and_within_the_cap(
    fraction: float, cap: Decimal, price: Decimal, only: bool
) -> None:
    wish = Wish.of(proposal(0, "d", "alpha", BTC, "BUY", fraction, reduce_only=only))
    quantity = quantity_of(wish, INSTRUMENT, price, cap, D(0))
    assert quantity % INSTRUMENT.lot == 0
    assert quantity == 0 or INSTRUMENT.min_notional <= quantity * price <= cap


@pytest.mark.parametrize(
    ("volatility", "confidence", "scale"),
    [
        ("0.03", 1.0, ("1", "1")),
        ("0.06", 1.0, ("0.5", "1")),
        ("0.06", 0.6, ("0.5", "0.8")),
        ("0.01", 1.0, ("1", "1")),
        ("0.01", 0.0, ("1", "0.5")),
        (None, 1.0, ("1", "1")),
    ],
)
def test_a_size_is_scaled_by_volatility_and_confidence(
    volatility: str | None, confidence: float, scale: tuple[str, str]
) -> None:
    wish = replace(Wish.of(proposal(0, "d", "alpha", BTC, "BUY")), confidence=D(str(confidence)))
    known = None if volatility is None else D(volatility)
    assert scale_of(wish, D(3_000), D(60_000), known, Limits()) == tuple(map(D, scale))


def test_a_signal_is_never_scaled() -> None:
    wish = Wish.of(signal(0, "s", "beta", BTC, "BUY", "100"))
    assert scale_of(wish, D(1_000), D(20_000), D("0.5"), Limits()) == Scale()


@pytest.mark.parametrize(
    ("closable", "quantity"), [("0", "0.007"), ("0.005", "0.007"), ("0.03", "0.03"), ("1", "0.071")]
)
def test_what_only_reduces_is_not_scaled(closable: str, quantity: str) -> None:
    """3,000 at 42,000 are 0.071; a tenth of that is 0.007."""
    wish = Wish.of(proposal(0, "d", "alpha", BTC, "SELL"))
    assert quantity_of(wish, INSTRUMENT, D(42_000), D(3_000), D(closable), Scale(D("0.2"), D("0.5"))) == D(
        quantity
    )


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.none() | st.decimals("0.0001", "5", places=4),
    st.decimals("0.01", "100000", places=2),
    st.decimals("1", "100000", places=1),
    st.sampled_from([DeskState.ACTIVE, DeskState.REDUCED]),
)
def test_no_order_risks_more_than_the_cap_or_the_target(
    fraction: float,
    confidence: float,
    volatility: Decimal | None,
    allocation: Decimal,
    price: Decimal,
    state: DeskState,
) -> None:
    limits = Limits()
    wish = Wish.of(proposal(0, "d", "alpha", BTC, "BUY", fraction, sure=confidence))
    cap = per_trade_cap(allocation, state, limits)
    scale = scale_of(wish, cap, allocation, volatility, limits)
    quantity = quantity_of(wish, INSTRUMENT, price, cap, D(0), scale)
    assert 0 < scale.risk <= 1
    assert 0 < scale.confidence <= 1
    assert quantity % INSTRUMENT.lot == 0
    assert quantity * price <= cap
    moved = quantity * price * (volatility or limits.assumed_volatility)
    assert moved <= limits.target_volatility * allocation * D("1.000000001")
