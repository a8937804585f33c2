"""The paper venue across restarts, between any two events: nothing that was accepted is lost, ledger and venue agree."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.orders import OrderRequest, OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from execution.ledger.ledger import OrderFilter
from execution.venues.paper.options import PaperOptions
from tests.execution.test_paper_venue import trade
from tests.execution.trading_floor import NOON, Floor, quote, request

OPTIONS = PaperOptions(latency=timedelta(milliseconds=20), remembers_taken=False)


def drawn(dice: Random, name: str, now: Any) -> OrderRequest:
    """An order of any kind around 42,000."""
    near = Decimal(42_000 + dice.randint(-3, 3))
    kind = dice.choice(list(OrderType))
    more: dict[str, Any] = {"type": kind, "side": dice.choice([Side.BUY, Side.SELL])}
    if kind is OrderType.LIMIT:
        more |= {"limit_price": near, "time_in_force": dice.choice([TimeInForce.GTC, *TimeInForce])}
    elif kind is OrderType.TRAILING_STOP_MARKET:
        more["callback_rate"] = Decimal("0.1")
    elif kind.is_conditional:
        more["stop_price"] = near
    more |= {"agent": dice.choice(["qwen-7b", "deepseek-v3"]), "reduce_only": dice.random() < 0.2}
    return request(name, quantity=Decimal(dice.randint(1, 9)) / 10, decided_at=now, **more)


def agree(floor: Floor) -> None:
    """What the venue holds and has open is what the ledger says."""
    core, open_in_ledger = floor.prices._core, Counter[str]()
    for order in floor.ledger.open_orders():
        open_in_ledger[order.request.client_order_id] += 1
    at_venue = Counter(
        open_order.order.client_order_id for name in core.accounts for open_order in core.open_orders(name)
    )
    assert open_in_ledger == at_venue
    for (desk, agent, symbol), holding in floor.ledger.holdings_by_agent().items():
        assert core.position(f"{desk}/{agent}", symbol).quantity == holding.quantity * 10**8


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_accepted_rests_on_or_has_ended(tmp_path: Path, seed: int) -> None:
    dice, now = Random(seed), NOON
    floor = Floor(tmp_path, OPTIONS).open()
    accepted, restarts = [], 0
    for step in range(60):
        now += timedelta(milliseconds=dice.choice([5, 15, 200]))
        floor.clock.moment = now
        match dice.choice(["order", "order", "quote", "trade", "trade", "cancel", "clock", "restart"]):
            case "order":
                placed = floor.placement.place(drawn(dice, f"{seed}-{step}", now)).order
                accepted.append(placed.request.client_order_id)
            case "quote":
                bid = 42_000.0 + dice.randint(-3, 3)
                floor.prices.take(quote(bid, bid + 0.1, now))
            case "trade":
                price = 42_000.0 + dice.randint(-4, 4)
                floor.prices.take(
                    trade(price, dice.randint(1, 20) / 10, now, buyer_is_maker=dice.random() < 0.5)
                )
            case "cancel":
                for order in floor.ledger.open_orders()[:1]:
                    floor.placement.cancel(order)
            case "clock":
                floor.prices.advance(now)
            case "restart":
                floor.ledger.close()
                floor, restarts = Floor(tmp_path, OPTIONS), restarts + 1
                floor.clock.moment = now
                floor.open()
        agree(floor)
    floor.prices.advance(now + timedelta(seconds=5))
    agree(floor)
    floor.ledger.verify(from_start=True)
    known = {order.request.client_order_id: order for order in floor.ledger.orders(OrderFilter(), 1_000)}
    assert set(accepted) == set(known)
    assert not any(order.status is OrderStatus.UNKNOWN for order in known.values())
    assert restarts and any(order.filled_quantity for order in known.values())
    floor.ledger.close()
