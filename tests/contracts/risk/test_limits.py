from decimal import Decimal

import pytest
import yaml
from pydantic import ValidationError

from contracts.risk.limits import Limits


def test_every_limit_says_its_meaning() -> None:
    assert [name for name, field in Limits.model_fields.items() if not field.description] == []


def test_limits_can_come_from_yaml() -> None:
    limits = Limits.model_validate(yaml.safe_load("{per_trade_share: 0.02, mark_stale_seconds: 30}"))
    assert (limits.per_trade_share, limits.mark_stale_seconds) == (Decimal("0.02"), 30)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_trade_share": 1.5},
        {"per_trade_share": 0},
        {"orders_per_minute": 0},
        {"reduce_drawdown": 0.2},
        {"recover_drawdown": 0.06},
        {"no_such_limit": 1},
        {"desk_gross": float("nan")},
    ],
)
def test_a_wrong_limit_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)
