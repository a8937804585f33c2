"""The orders that the desk asked for: what is still in flight, and which of their steps were heard already."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from contracts.orders import OrderRequest, bracket_order_id
from contracts.payloads import OrderExecution, OrderStatus
from contracts.risk.heard_steps import HeardSteps
from contracts.risk.money import ZERO

ENDED_ORDERS_KEPT = 256
"""Ended orders whose steps are remembered; a step of an order that ended before those is not booked again."""

LEGS_KEPT = 256
"""Stops and targets that are remembered; one beyond those is a stranger when it trades."""


class Heard(StrEnum):
    """What a step of an order is to the desk."""

    NEW = "new"
    REPEATED = "repeated"
    STRANGE = "strange"
    """A first step of an order that this desk did not ask for, or lost with its state: booked, and said aloud."""
    FORGOTTEN = "forgotten"
    """Of an order that ended too long ago to tell whether it was booked: not booked, and said aloud."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """An order without a final step: `remaining` (signed, base asset, as `quantity`) may still be filled.

    `asked_micros` is when it was asked for, or asked about last; `ended_at_ledger` that the ledger said it had ended.
    """

    client_order_id: str
    agent: str
    symbol: str
    quantity: Decimal
    remaining: Decimal
    asked_micros: int
    ended_at_ledger: bool = False

    @property
    def filled(self) -> Decimal:
        """What of it was heard to be filled (not signed)."""
        return abs(self.quantity - self.remaining)


@dataclass(frozen=True, slots=True)
class _Ended:
    steps: HeardSteps
    micros: int


class OrderMemory:
    """Orders in flight, and the last ended ones, so that a step that is delivered twice is booked once.

    asked for      in flight, 0.003 remaining
    SUBMITTED 1    in flight, 0.003 remaining
    filled    3    in flight, 0.002 remaining (step 2 is still on its way)
    filled    3    repeated: nothing changes
    filled    2    in flight, 0.001 remaining
    CANCELLED 4    ended, nothing remains

    The legs of an order (its stop and its target) are known too. They only reduce what the order opened, so they are never
    counted as in flight, and they are remembered until they end or their order did without a fill.
    """

    def __init__(self) -> None:
        self._open: dict[str, InFlight] = {}
        self._steps: dict[str, HeardSteps] = {}
        self._ended: dict[str, _Ended] = {}
        self._legs: dict[str, HeardSteps] = {}
        self._forgotten_micros = 0

    def knows(self, client_order_id: str) -> bool:
        """Whether the order was asked for before, as far as is remembered."""
        return client_order_id in self._open or client_order_id in self._ended

    def open(self, request: OrderRequest, micros: int) -> None:
        """The desk asks for an order."""
        name, signed = request.client_order_id, request.quantity * request.side.sign
        self._take_in(InFlight(name, request.agent, request.symbol, signed, signed, micros))
        if request.stop_loss is not None:
            self._legs[bracket_order_id(name, "stop")] = HeardSteps()
        if request.take_profit is not None:
            self._legs[bracket_order_id(name, "target")] = HeardSteps()
        while len(self._legs) > LEGS_KEPT:
            del self._legs[next(iter(self._legs))]

    def in_flight(self) -> Iterator[InFlight]:
        """Every order without a final step."""
        yield from self._open.values()

    def find(self, client_order_id: str) -> InFlight | None:
        """An order in flight."""
        return self._open.get(client_order_id)

    def hear(self, step: OrderExecution, micros: int) -> Heard:
        """Take a step from the ledger; `micros` is its event time."""
        name = step.client_order_id
        if name in self._legs:
            return self._hear_leg(step, micros)
        heard = self._first_time(step, micros)
        if heard in (Heard.REPEATED, Heard.FORGOTTEN):
            return heard
        order = self._open.get(name)
        if order is not None:
            if step.last_quantity is not None:
                filled = step.last_quantity * step.side.sign
                left = order.remaining - filled
                self._open[name] = replace(
                    order, remaining=max(left, ZERO) if filled > 0 else min(left, ZERO)
                )
            if step.status.is_final:
                self.end(name, micros)
                if not step.filled_quantity:
                    self._drop_legs(name)
        return heard

    def end(self, client_order_id: str, micros: int) -> bool:
        """Nothing more of the order can fill; False when it was not in flight."""
        if self._open.pop(client_order_id, None) is None:
            return False
        self._remember(client_order_id, self._steps.pop(client_order_id), micros)
        return True

    def reject(self, client_order_id: str, micros: int) -> bool:
        """The order was never placed: neither it nor a leg of it can fill; False when it was not in flight."""
        self._drop_legs(client_order_id)
        return self.end(client_order_id, micros)

    def asked_about(self, client_order_id: str, micros: int) -> None:
        """The ledger is asked about an order in flight."""
        self._open[client_order_id] = replace(self._open[client_order_id], asked_micros=micros)

    def ended_at_ledger(self, client_order_id: str) -> None:
        """The ledger says that an order in flight has ended; its last steps are on their way, or lost."""
        self._open[client_order_id] = replace(self._open[client_order_id], ended_at_ledger=True)

    def _take_in(self, order: InFlight) -> None:
        self._open[order.client_order_id] = order
        self._steps[order.client_order_id] = HeardSteps()

    def _remember(self, name: str, steps: HeardSteps, micros: int) -> None:
        self._ended[name] = _Ended(steps, micros)
        while len(self._ended) > ENDED_ORDERS_KEPT:
            oldest = self._ended.pop(next(iter(self._ended)))
            self._forgotten_micros = max(self._forgotten_micros, oldest.micros)

    def _hear_leg(self, step: OrderExecution, micros: int) -> Heard:
        steps = self._legs[step.client_order_id]
        if not steps.hear(step.sequence):
            return Heard.REPEATED
        if step.status.is_final:
            self._remember(step.client_order_id, self._legs.pop(step.client_order_id), micros)
            if step.status is not OrderStatus.FILLED:
                # One of another size may take its place, under the id that follows from this one's.
                leg: Literal["stop", "target"] = (
                    "stop" if step.client_order_id.startswith("sps-") else "target"
                )
                self._legs[bracket_order_id(step.client_order_id, leg)] = HeardSteps()
        return Heard.NEW

    def _drop_legs(self, entry: str) -> None:
        self._legs.pop(bracket_order_id(entry, "stop"), None)
        self._legs.pop(bracket_order_id(entry, "target"), None)

    def _first_time(self, step: OrderExecution, micros: int) -> Heard:
        name = step.client_order_id
        known = self._steps.get(name) or (self._ended[name].steps if name in self._ended else None)
        if known is not None:
            return Heard.NEW if known.hear(step.sequence) else Heard.REPEATED
        if micros <= self._forgotten_micros:
            return Heard.FORGOTTEN
        sign = step.side.sign
        remaining = (step.quantity - step.filled_quantity + (step.last_quantity or ZERO)) * sign
        self._take_in(InFlight(name, step.agent, step.symbol, step.quantity * sign, remaining, micros))
        self._steps[name].hear(step.sequence)
        return Heard.STRANGE

    def dump(self) -> dict[str, Any]:
        """As JSON; the ended ones in the order of their ends."""
        return {
            "open": [
                [
                    name,
                    order.agent,
                    order.symbol,
                    str(order.quantity),
                    str(order.remaining),
                    order.asked_micros,
                    order.ended_at_ledger,
                    self._steps[name].dump(),
                ]
                for name, order in self._open.items()
            ],
            "ended": [[name, order.micros, order.steps.dump()] for name, order in self._ended.items()],
            "legs": [[name, steps.dump()] for name, steps in self._legs.items()],
            "forgotten_micros": self._forgotten_micros,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "OrderMemory":
        """What `dump` wrote."""
        memory = cls()
        for name, agent, symbol, quantity, remaining, asked, ended, steps in dumped["open"]:
            memory._open[name] = InFlight(
                name, agent, symbol, Decimal(quantity), Decimal(remaining), int(asked), bool(ended)
            )
            memory._steps[name] = HeardSteps.load(steps)
        memory._ended = {
            name: _Ended(HeardSteps.load(steps), int(micros)) for name, micros, steps in dumped["ended"]
        }
        memory._legs = {name: HeardSteps.load(steps) for name, steps in dumped["legs"]}
        memory._forgotten_micros = int(dumped["forgotten_micros"])
        return memory
