"""Whether the ledger agrees with itself: what is kept of orders and positions against what the fills say.

A check that found nothing wrong leaves a checkpoint: the last fill that it counted and the holdings up to it. The
next one begins there, so that a start reads what is new and not the whole past; `from_start` reads it all.
"""

from collections import defaultdict
from decimal import Decimal

import orjson
from sqlalchemy import Connection, delete, insert, select

from execution.exact import EXACT
from execution.holding import Holding
from execution.ledger.records import CHECKPOINTS, FILLS, ORDERS, POSITIONS

_CHECKPOINT_EVERY = 1_000
_Holdings = dict[tuple[str, str], Holding]


class LedgerDisagrees(RuntimeError):
    """The ledger contradicts itself; the text says where. Nothing may be traded on it."""


def verify(connection: Connection, *, from_start: bool = False) -> tuple[int, _Holdings] | None:
    """Raises `LedgerDisagrees`; gives the checkpoint that is worth writing, if there is one."""
    begin, held = (0, {}) if from_start else _checkpoint(connection)
    last = _add_fills(connection, begin, held)
    _compare_positions(connection, held)
    _compare_orders(connection, begin)
    return (last, held) if last - begin >= _CHECKPOINT_EVERY else None


def write_checkpoint(connection: Connection, fill: int, held: _Holdings) -> None:
    """Begin the next check after this fill."""
    state = [
        [desk, symbol, *map(str, (h.quantity, h.cost, h.realised_pnl, h.fees))]
        for (desk, symbol), h in sorted(held.items())
    ]
    connection.execute(delete(CHECKPOINTS))
    connection.execute(insert(CHECKPOINTS), [{"fill": fill, "holdings_json": orjson.dumps(state).decode()}])


def _checkpoint(connection: Connection) -> tuple[int, _Holdings]:
    row = connection.execute(select(CHECKPOINTS)).one_or_none()
    if row is None:
        return 0, {}
    state = orjson.loads(row.holdings_json)
    return row.fill, {(desk, symbol): Holding(*map(Decimal, amounts)) for desk, symbol, *amounts in state}


def _add_fills(connection: Connection, begin: int, held: _Holdings) -> int:
    """Add the fills after number `begin` to `held`; the last one's number."""
    fills = (
        select(FILLS.c.number, FILLS.c.desk, FILLS.c.symbol, FILLS.c.quantity, FILLS.c.price, FILLS.c.fee)
        .where(FILLS.c.number > begin)
        .order_by(FILLS.c.number)
    )
    last = begin
    for last, desk, symbol, quantity, price, fee in connection.execute(fills):  # noqa: B007 - its last value counts
        held[desk, symbol] = held.get((desk, symbol), Holding()).after(quantity, price, fee)
    return last


def _compare_positions(connection: Connection, held: _Holdings) -> None:
    missing = set(held)
    for row in connection.execute(select(POSITIONS)):
        key = (row.desk, row.symbol)
        missing.discard(key)
        kept = Holding(row.quantity, row.cost, row.realised_pnl, row.fees)
        if kept != held.get(key, Holding()):
            raise LedgerDisagrees(f"the position of {row.desk} in {row.symbol} is not its fills' sum")
    if missing:
        raise LedgerDisagrees(f"there are fills without a position: {sorted(missing)}")


def _compare_orders(connection: Connection, begin: int) -> None:
    """Every order with a fill after number `begin`, or all of them from the start."""
    orders = select(ORDERS.c.client_order_id, ORDERS.c.filled_quantity)
    fills = select(FILLS.c.client_order_id, FILLS.c.quantity)
    if begin:
        newer = select(FILLS.c.client_order_id).where(FILLS.c.number > begin)
        orders = orders.where(ORDERS.c.client_order_id.in_(newer))
        fills = fills.where(FILLS.c.client_order_id.in_(newer))
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for order, quantity in connection.execute(fills):
        filled[order] = EXACT.add(filled[order], abs(quantity))
    for order, quantity in connection.execute(orders):
        if quantity != filled.pop(order, Decimal(0)):
            raise LedgerDisagrees(
                f"order {order} says that {quantity} was filled, and its fills say otherwise"
            )
    if filled:
        raise LedgerDisagrees(f"there are fills of {len(filled)} orders that are not there")
