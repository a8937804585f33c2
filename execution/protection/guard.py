"""The guard: kill switch, dead-man timer and gate as one answer to one question, may this order leave."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from contracts.orders import OrderRequest
from execution.ledger.order import LedgerOrder
from execution.order_life import Fill
from execution.protection.dead_man import DeadManTimer
from execution.protection.gate import Code, Denial, Gate
from execution.protection.kill_switch import Kill, KillSwitch


class Guard:
    """Stands before the venue. Safe to use from several threads."""

    def __init__(
        self,
        gate: Gate,
        switch: KillSwitch,
        dead_man: DeadManTimer,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self.switch = switch
        self._dead_man = dead_man
        self._ticks = ticks
        self._lock = threading.Lock()
        self.denials: Counter[str] = Counter()

    def admit(
        self, request: OrderRequest, quantity: Decimal, price: Decimal | None, moment: datetime
    ) -> Denial | None:
        """Let the order through and count it (None), or say why not."""
        denial = None if request.reduce_only else self.stopped()
        with self._lock:
            denial = denial or self._gate.admit(request, quantity, price, moment)
            if denial is not None:
                self.denials[denial.code] += 1
        return denial

    def stopped(self) -> Denial | None:
        """Why no new risk may be taken at all; None when it may."""
        kill = self.switch.kill
        if kill is not None:
            return Denial(Code.KILLED, f"stopped by {kill.issued_by}: {kill.reason or 'no reason given'}")
        if self.desk_is_silent():
            return Denial(Code.DEAD_MAN, "the desk has sent no heartbeat for too long")
        return None

    def beat(self) -> None:
        """The desk lives."""
        self._dead_man.beat(self._ticks())

    def desk_is_silent(self) -> bool:
        """Whether the dead-man timer has run out."""
        return self._dead_man.ran_out(self._ticks())

    def silence(self) -> float | None:
        """Seconds since the desk's last heartbeat; None before the first."""
        return self._dead_man.silence(self._ticks())

    def disagreed(self, detail: str, now: datetime) -> None:
        """The venue tells what cannot be: stop, for nothing that is known can be trusted."""
        self.switch.engage(Kill(issued_by="execution", reason=f"the venue disagrees: {detail}", at=now))

    # --- what the gate counts by -----------------------------------------------------------------------

    def begin(
        self, positions: dict[str, Decimal], open_orders: list[LedgerOrder], recent: list[LedgerOrder]
    ) -> None:
        """Start from the ledger: positions by symbol, what is open, and the orders of the last minute."""
        with self._lock:
            self._gate.begin(positions)
            still_open = {order.request.client_order_id for order in open_orders}
            for order in open_orders:
                remaining = order.life.quantity - order.life.filled_quantity
                self._gate.resume(order.request, remaining, Decimal(0), order.created_at)
            for order in recent:
                worth = order.life.quantity * order.request.reference_price
                if order.request.client_order_id in still_open or order.life.filled_quantity:
                    self._gate.resume(order.request, Decimal(0), worth, order.created_at)

    def wrote(self, order: LedgerOrder, fill: Fill | None = None) -> None:
        """A step of an order was written to the ledger."""
        request = order.request
        with self._lock:
            if fill is not None:
                self._gate.traded(request.client_order_id, request.symbol, fill.quantity * request.side.sign)
            if order.life.status.is_final:
                self._gate.withdraw(request.client_order_id)

    def withdraw(self, client_order_id: str) -> None:
        """An order that was let through was never written."""
        with self._lock:
            self._gate.withdraw(client_order_id)
