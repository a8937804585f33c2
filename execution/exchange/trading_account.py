"""One account of the exchange: its settings, its orders, and which accounts of the matching core stand for it.

In one-way mode the account is one account of the core. In hedge mode it is two, one for its long side and one for its short
side, each with the account's deposit as a margin of its own: what a side lost does not lessen what the other may risk.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from execution.exchange.order_record import OrderRecord

_KEPT = 20_000


@dataclass(slots=True)
class TradingAccount:
    """An account by its address (0x, lower case). `signers` are the addresses that may sign for it besides itself."""

    address: str
    deposit: Decimal
    is_hedged: bool = False
    signers: set[str] = field(default_factory=set)
    leverage: dict[str, int] = field(default_factory=dict)
    margin: dict[str, str] = field(default_factory=dict)
    countdowns: dict[str, int] = field(default_factory=dict)
    _orders: OrderedDict[int, OrderRecord] = field(default_factory=OrderedDict)
    _by_client_id: dict[str, OrderRecord] = field(default_factory=dict)

    def core_name(self, position_side: str) -> str:
        """The core's account of a position side: BOTH, LONG or SHORT."""
        return self.address if position_side == "BOTH" else f"{self.address}/{position_side}"

    @property
    def sides(self) -> tuple[str, ...]:
        """The position sides that the account has in its mode."""
        return ("LONG", "SHORT") if self.is_hedged else ("BOTH",)

    def add(self, order: OrderRecord) -> None:
        """Keep an order; the oldest that have ended are forgotten beyond `_KEPT`."""
        self._orders[order.order_id] = order
        self._by_client_id[order.client_order_id] = order
        while len(self._orders) > _KEPT:
            oldest = next(iter(self._orders.values()))
            if oldest.is_open:
                return
            self.forget(oldest)

    def forget(self, order: OrderRecord) -> None:
        """As if it had never been placed."""
        self._orders.pop(order.order_id, None)
        if self._by_client_id.get(order.client_order_id) is order:
            del self._by_client_id[order.client_order_id]

    def order(self, order_id: int | None, client_order_id: str | None) -> OrderRecord | None:
        """The order of either id; of several with the same client id the latest."""
        if order_id is not None:
            return self._orders.get(order_id)
        return self._by_client_id.get(client_order_id or "")

    def orders(self, symbol: str | None = None, *, is_open: bool | None = None) -> Iterator[OrderRecord]:
        """The orders, oldest first."""
        for order in list(self._orders.values()):
            if symbol in (None, order.symbol) and is_open in (None, order.is_open):
                yield order
