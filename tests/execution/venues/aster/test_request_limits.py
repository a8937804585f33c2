"""The venue's limits, as it tells them and as it enforces them: what may still be asked, and how long to be silent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.payloads import OrderStatus
from execution.exchange.faults import Fault
from execution.exchange.weights import TooMuch, Weights
from execution.venues.aster.request_limits import RequestLimits
from execution.venues.venue import Unclear
from tests.execution.venues.aster.stand import ORDER, Stand, order


def limits() -> RequestLimits:
    found = RequestLimits()
    minute = {"interval": "MINUTE", "intervalNum": 1}
    found.learn(
        [
            {"rateLimitType": "REQUEST_WEIGHT", "limit": 100, **minute},
            {"rateLimitType": "ORDERS", "limit": "10", **minute},
            {"rateLimitType": "ORDERS", "limit": 5, "interval": "SECOND", "intervalNum": 10},
        ]
    )
    return found


def test_the_last_fifth_is_kept_for_what_takes_risk_away() -> None:
    ours = limits()
    ours.sending(0.0, 80)
    assert ours.wait(30.0, 1, adds_risk=True) == 30.0
    assert ours.wait(30.0, 20) == 0.0
    assert ours.wait(30.0, 21) == 30.0
    assert ours.wait(60.0, 21, adds_risk=True) == 0.0, "a new minute"


def test_orders_are_counted_too() -> None:
    ours = limits()
    for _ in range(8):
        ours.sending(0.0, 1, 1)
    assert ours.wait(0.0, 1, orders=1, adds_risk=True) == 60.0
    assert ours.wait(0.0, 1, orders=1) == 0.0


def test_the_venues_count_is_believed_when_it_is_larger() -> None:
    ours = limits()
    ours.sending(0.0, 5)
    ours.heard(1.0, 200, {"X-MBX-USED-WEIGHT-1M": "99", "x-mbx-order-count-1m": "10"})
    assert (ours.wait(1.0, 1), ours.wait(1.0, 2), ours.wait(1.0, 0, orders=1)) == (0.0, 59.0, 59.0)
    ours.heard(2.0, 200, {"X-MBX-USED-WEIGHT-1M": "1"})
    assert ours.wait(2.0, 2) == 58.0, "an answer that was overtaken takes nothing back"


def test_silence_after_429_grows_and_after_418_is_long() -> None:
    ours = limits()
    for expected in (1.0, 2.0, 4.0):
        ours.heard(0.0, 429, {})
        assert ours.wait(0.0, 1) == expected
    ours.heard(0.0, 429, {"Retry-After": "30"})
    assert ours.wait(0.0, 1) == 30.0
    ours.heard(100.0, 200, {})
    ours.heard(100.0, 429, {})
    assert ours.wait(100.0, 1) == 1.0, "an answer in between starts over"
    ours.heard(200.0, 418, {})
    assert ours.wait(200.0, 1) == 120.0
    ours.heard(200.0, 418, {"retry-after": "600"})
    assert ours.wait(200.0, 1) == 600.0


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 40)), max_size=60))
def test_the_server_never_has_to_refuse_who_keeps_to_them(asked: list[tuple[float, int]]) -> None:
    ours, theirs, now = limits(), Weights(weight_limit=100), 0.0
    for pause, weight in asked:
        now += pause
        if ours.wait(now, weight):
            continue
        ours.sending(now, weight)
        try:
            used = theirs.take_weight("us", weight, now)
        except TooMuch:
            pytest.fail("refused")
        ours.heard(now, 200, {"X-MBX-USED-WEIGHT-1M": str(used)})


def test_after_429_nothing_is_asked_until_it_may_be(stand: Stand) -> None:
    stand.faults(ORDER, Fault.BUSY)
    with pytest.raises(Unclear):
        stand.place(order(quantity=Decimal("0.001")))
    heard = len(stand.server.api.heard)
    held_back = stand.place(order(quantity=Decimal("0.001")))
    assert held_back.end is OrderStatus.REJECTED
    assert "not sent" in held_back.reason
    with pytest.raises(Unclear, match="not sent"):
        stand.venue.query_order(order())
    assert len(stand.server.api.heard) == heard, "not a word to the venue"
    stand.server.skip(61)
    assert stand.place(order(quantity=Decimal("0.001"))).end is OrderStatus.FILLED
