"""Brackets on the paper venue: the same set, fired by the market that the venue follows, taken up again at a restart."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.payloads import OrderStatus
from execution.reduce_only import is_bracket
from tests.execution.trading_floor import NOON, Floor, quote, request

HALF = Decimal("0.5")
LEVELS = {"stop_loss": Decimal(41_000), "take_profit": Decimal(44_000)}


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path).open()
    yield floor
    floor.ledger.close()


def legs(floor: Floor) -> list[tuple[str, Decimal]]:
    orders = [order for order in floor.ledger.open_orders() if is_bracket(order.request)]
    return sorted((str(o.request.type), o.life.quantity - o.life.filled_quantity) for o in orders)


BOTH = [("STOP_MARKET", HALF), ("TAKE_PROFIT_MARKET", HALF)]


@pytest.mark.parametrize(("bid", "ask"), [(40_990.0, 40_990.1), (44_010.0, 44_010.1)])
def test_one_leg_trades_and_nothing_is_left(floor: Floor, bid: float, ask: float) -> None:
    entry = floor.placement.place(request(**LEVELS)).order
    assert entry.status is OrderStatus.FILLED
    floor.upkeep.tick()
    assert legs(floor) == BOTH
    floor.prices.take(quote(bid, ask, NOON + timedelta(seconds=1)))
    floor.upkeep.tick()
    assert legs(floor) == []
    assert floor.ledger.holdings() == []
    floor.ledger.verify(from_start=True)


def test_a_restart_takes_the_legs_up_again(floor: Floor, tmp_path: Path) -> None:
    floor.placement.place(request(**LEVELS))
    floor.upkeep.tick()
    floor.ledger.close()
    again = Floor(tmp_path).open()
    again.upkeep.tick()
    assert legs(again) == BOTH
    again.prices.take(quote(40_990.0, 40_990.1, NOON + timedelta(seconds=1)))
    again.upkeep.tick()
    assert (legs(again), again.ledger.holdings()) == ([], [])
    again.ledger.close()


def test_an_agents_legs_do_not_touch_what_another_holds(floor: Floor) -> None:
    floor.placement.place(request(**LEVELS))
    floor.placement.place(request("other", agent="deepseek-v3"))
    floor.upkeep.tick()
    floor.prices.take(quote(40_990.0, 40_990.1, NOON + timedelta(seconds=1)))
    floor.upkeep.tick()
    assert [(held.agent, held.quantity) for held in floor.ledger.holdings()] == [("deepseek-v3", HALF)]
