"""What a venue's answer adds to an order's life: whatever comes twice, late or out of order adds nothing wrong. Pure.

| the venue says | the order becomes |
| --- | --- |
| a trade that is known by its id | nothing new |
| a trade that is not | filled by it, after an end too |
| an end, all its trades known | ended |
| an end, but its own total is more than the trades known | UNKNOWN, until the trades are told |
| an end again, or another one | nothing new |
| only that it has the order | SUBMITTED or PARTIALLY_FILLED, if it was UNKNOWN |
"""

from collections.abc import Collection
from dataclasses import dataclass

from contracts.payloads import OrderStatus
from execution.order_life import Fill, IllegalStep, OrderLife
from execution.venues.venue import VenueAnswer


@dataclass(frozen=True, slots=True)
class Step:
    """One step to write: a trade, or a move to `status`."""

    fill: Fill | None = None
    status: OrderStatus | None = None
    reason: str = ""


def steps_from(life: OrderLife, known_trades: Collection[str], answer: VenueAnswer) -> list[Step]:
    """The steps that lead from `life` to what the venue says; raises `IllegalStep` when it cannot be true."""
    steps: list[Step] = []
    seen = set(known_trades)
    for fill in answer.fills:
        if not fill.trade_id:
            raise IllegalStep("a trade without an id cannot be told from one that is known")
        if fill.trade_id in seen:
            continue
        seen.add(fill.trade_id)
        life = life.fill(fill)
        steps.append(Step(fill=fill))
    move = _move_after(life, answer)
    if move is not None:
        life.move(move.status or life.status, move.reason)
        steps.append(move)
    return steps


def _move_after(life: OrderLife, answer: VenueAnswer) -> Step | None:
    if life.status.is_final:
        return None
    if answer.end is None:
        if life.status is not OrderStatus.UNKNOWN:
            return None
        there = OrderStatus.PARTIALLY_FILLED if life.filled_quantity else OrderStatus.SUBMITTED
        return Step(status=there)
    told = life.quantity if answer.end is OrderStatus.FILLED else answer.filled
    if told is not None and told > life.filled_quantity:
        missing = f"the venue tells of {told} filled, its trades of {life.filled_quantity}: to be asked again"
        return (
            None if life.status is OrderStatus.UNKNOWN else Step(status=OrderStatus.UNKNOWN, reason=missing)
        )
    if answer.end is OrderStatus.REJECTED and life.filled_quantity:
        return Step(status=OrderStatus.CANCELLED, reason=answer.reason)
    return Step(status=answer.end, reason=answer.reason)
