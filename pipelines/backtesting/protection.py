"""Which stops and targets should be at the venue: execution/brackets.py's comparison, over a run's own orders."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contracts.orders import OrderRequest, bracket_order_id
from contracts.payloads import OrderStatus
from execution.brackets import LEGS, Leg, Lots, Protected, leg_request, level_of
from execution.ledger.order import LedgerOrder
from execution.reduce_only import is_bracket

_MOST_REJECTED = 3
"""A leg that the venue refused so often in a row is not tried again."""


@dataclass(slots=True)
class Changes:
    """What has to be done now: legs to be cancelled, legs to be placed; whether others wait for the market to move on."""

    cancel: list[LedgerOrder] = field(default_factory=list)
    place: list[OrderRequest] = field(default_factory=list)
    waits: bool = False


class Protection:
    """Remembers each agent's orders in a symbol for as long as something of them is held or open."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, str], list[LedgerOrder]] = {}
        self._by_id: dict[str, LedgerOrder] = {}
        self._cancelling: set[str] = set()

    def add(self, order: LedgerOrder) -> None:
        """One more order, the newest."""
        request = order.request
        self._orders.setdefault((request.agent, request.symbol), []).append(order)
        self._by_id[request.client_order_id] = order

    def cancelling(self, order: LedgerOrder) -> None:
        """The order's cancellation is on its way."""
        self._cancelling.add(order.request.client_order_id)

    def find(self, client_order_id: str) -> LedgerOrder | None:
        """An order that is remembered."""
        return self._by_id.get(client_order_id)

    def changes(self, agent: str, symbol: str, held: Decimal, price: Decimal, moment: datetime) -> Changes:
        """What makes the venue's legs those that `held` should have, the price being `price`."""
        orders = self._orders.get((agent, symbol), [])
        changes, kept = Changes(), set[str]()
        if held:
            lots = Lots(held)
            for order in reversed(orders):
                if lots.add(order):
                    break
            for protected in lots.wanted():
                for leg in LEGS:
                    self._keep(changes, kept, protected, leg, price, moment)
        changes.cancel += [
            order
            for order in orders
            if is_bracket(order.request)
            and not order.life.status.is_final
            and order.request.client_order_id not in kept | self._cancelling
        ]
        if not held:
            self._forget((agent, symbol))
        return changes

    def _keep(
        self,
        changes: Changes,
        kept: set[str],
        protected: Protected,
        leg: Leg,
        price: Decimal,
        moment: datetime,
    ) -> None:
        entry, placed = protected.entry, protected.legs[leg]
        if level_of(entry, leg) is None:
            return
        last = placed[-1] if placed else None
        if last is not None and not last.life.status.is_final:
            if last.life.quantity - last.life.filled_quantity == protected.quantity:
                kept.add(last.request.client_order_id)
            return  # of another size: it is cancelled, and placed anew when that is sure
        rejected = [order.life.status is OrderStatus.REJECTED for order in placed[-_MOST_REJECTED:]]
        if len(rejected) == _MOST_REJECTED and all(rejected):
            return
        if last is not None and _found_nothing_at(last, moment):
            changes.waits = True
            return
        before = entry.client_order_id if last is None else last.request.client_order_id
        request = leg_request(entry, leg, bracket_order_id(before, leg), protected.quantity, price, moment)
        if request is not None:
            changes.place.append(request)

    def _forget(self, key: tuple[str, str]) -> None:
        """Nothing is held: only open orders matter from here on."""
        still_open = [order for order in self._orders.get(key, []) if not order.life.status.is_final]
        for order in self._orders.get(key, []):
            if order.life.status.is_final:
                self._by_id.pop(order.request.client_order_id, None)
                self._cancelling.discard(order.request.client_order_id)
        self._orders[key] = still_open


def _found_nothing_at(leg: LedgerOrder, moment: datetime) -> bool:
    """Whether the leg was placed and ended at this very moment without a trade: another one would find as little."""
    return (
        leg.life.status is OrderStatus.EXPIRED
        and not leg.life.filled_quantity
        and leg.created_at == leg.updated_at == moment
    )
