"""Reduce-only orders: never more than the agent that asks holds the other way. Pure.

An order belongs to an agent, and agents of one desk may hold against each other, so it is the agent's own
holding that a reduce-only order may take from, not the desk's net position.
"""

from decimal import Decimal

from contracts.orders import OrderRequest

_LEGS = ("sps-", "spt-")
"""How the ids of contracts.orders.bracket_order_id begin."""


def is_bracket(request: OrderRequest) -> bool:
    """Whether the order is a leg of a bracket (execution/brackets.py).

    A leg waits for as long as something is held, so it keeps no other order from closing; both are capped to the holding.
    """
    return request.reduce_only and request.client_order_id.startswith(_LEGS)


def reducible_quantity(request: OrderRequest, held: Decimal) -> Decimal:
    """How much may be traded when the agent holds `held` (signed); zero when it would only add."""
    if not request.reduce_only:
        return request.quantity
    against = -held * request.side.sign
    return max(min(request.quantity, against), Decimal(0))
