from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.risk.limits import Limits
from tests.transforms.portfolio.desk_log import ROSTER
from transforms.portfolio.allocation import allocate

D = Decimal


def test_eighty_percent_go_by_base_weight() -> None:
    assert allocate(D(100_000), ROSTER, Limits()) == {"alpha": D(60_000), "beta": D(20_000)}


def test_nothing_is_left_of_nothing() -> None:
    assert allocate(D(-5), ROSTER, Limits()) == {"alpha": D(0), "beta": D(0)}


@given(st.decimals("0", "1e9", places=6))
def test_never_more_than_the_active_share_and_less_by_cents_only(equity: Decimal) -> None:
    total = sum(allocate(equity, ROSTER, Limits()).values())
    assert equity * D("0.8") - D("0.02") <= total <= equity * D("0.8")
