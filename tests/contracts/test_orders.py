from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.orders import OrderRequest, OrderType, TimeInForce, bracket_order_id, client_order_id
from tests.execution.trading_floor import request

PRICE = Decimal(42_000)


def test_an_order_of_before_reads_as_it_did() -> None:
    fields = {"time_in_force", "stop_price", "callback_rate"}
    old = request().model_dump(mode="json", exclude=fields)
    assert OrderRequest.model_validate(old) == request()
    assert request().time_in_force is TimeInForce.IOC


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, None),
        ({"limit_price": PRICE}, "limit_price"),
        ({"stop_price": PRICE}, "stop_price"),
        ({"type": "LIMIT"}, "limit_price"),
        ({"type": "LIMIT", "limit_price": PRICE, "time_in_force": "GTX"}, None),
        ({"type": "LIMIT", "limit_price": PRICE, "stop_price": PRICE}, "stop_price"),
        ({"type": "STOP_MARKET"}, "stop_price"),
        ({"type": "STOP_MARKET", "stop_price": PRICE}, None),
        ({"type": "TAKE_PROFIT_MARKET", "stop_price": PRICE, "callback_rate": "1"}, "callback_rate"),
        ({"type": "TRAILING_STOP_MARKET"}, "callback_rate"),
        ({"type": "TRAILING_STOP_MARKET", "callback_rate": "0.5"}, None),
        ({"type": "TRAILING_STOP_MARKET", "callback_rate": "0.5", "stop_price": PRICE}, None),
    ],
)
def test_what_does_not_go_with_the_type_is_named(changes: dict[str, Any], field: str | None) -> None:
    misfit = request(**changes).misfit()
    assert (misfit and misfit[0]) == field


@pytest.mark.parametrize("rate", ["0.09", "10.1", "0.123"])
def test_a_callback_rate_is_one_that_the_venue_takes(rate: str) -> None:
    with pytest.raises(ValidationError):
        request(type=OrderType.TRAILING_STOP_MARKET, callback_rate=rate)


def test_the_legs_of_a_bracket_have_ids_of_their_own() -> None:
    entry = client_order_id("main", "decision-1")
    stop, target = bracket_order_id(entry, "stop"), bracket_order_id(entry, "target")
    assert (len(stop), len(target)) == (36, 36)
    assert len({entry[:4], stop[:4], target[:4]}) == 3
    assert stop == bracket_order_id(entry, "stop")
