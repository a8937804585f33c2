"""The orders that the desk asked for: what is still in flight, and which of their steps were heard already."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from contracts.payloads import OrderExecution
from contracts.risk.money import ZERO

ENDED_ORDERS_KEPT = 256
"""Ended orders whose steps are remembered; a step of an order that ended before those is not booked again."""


class Heard(StrEnum):
    """What a step of an order is to the desk."""

    NEW = "new"
    REPEATED = "repeated"
    STRANGE = "strange"
    """A first step of an order that this desk did not ask for, or lost with its state: booked, and said aloud."""
    FORGOTTEN = "forgotten"
    """Of an order that ended too long ago to tell whether it was booked: not booked, and said aloud."""


@dataclass(slots=True)
class _Steps:
    """Which of an order's steps (1, 2, ...) were heard: all up to `through`, and some beyond a gap."""

    through: int = 0
    beyond: list[int] = field(default_factory=list)

    def hear(self, sequence: int) -> bool:
        """Whether it is the first time."""
        if sequence <= self.through or sequence in self.beyond:
            return False
        self.beyond = sorted([*self.beyond, sequence])
        while self.beyond and self.beyond[0] == self.through + 1:
            self.through = self.beyond.pop(0)
        return True

    @classmethod
    def load(cls, through: int, beyond: list[int]) -> "_Steps":
        return cls(int(through), [int(sequence) for sequence in beyond])


@dataclass(slots=True)
class InFlight:
    """An order without a final step: `remaining` (signed, base asset) may still be filled."""

    agent: str
    symbol: str
    remaining: Decimal
    steps: _Steps


@dataclass(slots=True)
class _Ended:
    steps: _Steps
    micros: int


class OrderMemory:
    """Orders in flight, and the last ended ones, so that a step that is delivered twice is booked once.

    asked for      in flight, 0.003 remaining
    SUBMITTED 1    in flight, 0.003 remaining
    filled    3    in flight, 0.002 remaining (step 2 is still on its way)
    filled    3    repeated: nothing changes
    filled    2    in flight, 0.001 remaining
    CANCELLED 4    ended, nothing remains
    """

    def __init__(self) -> None:
        self._open: dict[str, InFlight] = {}
        self._ended: dict[str, _Ended] = {}
        self._forgotten_micros = 0

    def knows(self, client_order_id: str) -> bool:
        """Whether the order was asked for before, as far as is remembered."""
        return client_order_id in self._open or client_order_id in self._ended

    def open(self, client_order_id: str, agent: str, symbol: str, quantity: Decimal) -> None:
        """The desk asks for an order of the signed `quantity`."""
        self._open[client_order_id] = InFlight(agent, symbol, quantity, _Steps())

    def in_flight(self) -> Iterator[InFlight]:
        """Every order without a final step."""
        yield from self._open.values()

    def hear(self, step: OrderExecution, micros: int) -> Heard:
        """Take a step from the ledger; `micros` is its event time."""
        heard = self._first_time(step, micros)
        if heard in (Heard.REPEATED, Heard.FORGOTTEN):
            return heard
        order = self._open.get(step.client_order_id)
        if order is not None:
            if step.last_quantity is not None:
                filled = step.last_quantity * step.side.sign
                order.remaining = (
                    max(order.remaining - filled, ZERO) if filled > 0 else min(order.remaining - filled, ZERO)
                )
            if step.status.is_final:
                self.end(step.client_order_id, micros)
        return heard

    def end(self, client_order_id: str, micros: int) -> bool:
        """Nothing more of the order can fill; False when it was not in flight."""
        order = self._open.pop(client_order_id, None)
        if order is None:
            return False
        self._ended[client_order_id] = _Ended(order.steps, micros)
        while len(self._ended) > ENDED_ORDERS_KEPT:
            oldest = self._ended.pop(next(iter(self._ended)))
            self._forgotten_micros = max(self._forgotten_micros, oldest.micros)
        return True

    def _first_time(self, step: OrderExecution, micros: int) -> Heard:
        known = self._open.get(step.client_order_id) or self._ended.get(step.client_order_id)
        if known is not None:
            return Heard.NEW if known.steps.hear(step.sequence) else Heard.REPEATED
        if micros <= self._forgotten_micros:
            return Heard.FORGOTTEN
        remaining = (step.quantity - step.filled_quantity + (step.last_quantity or ZERO)) * step.side.sign
        stranger = InFlight(step.agent, step.symbol, remaining, _Steps())
        stranger.steps.hear(step.sequence)
        self._open[step.client_order_id] = stranger
        return Heard.STRANGE

    def dump(self) -> dict[str, Any]:
        """As JSON; the ended ones in the order of their ends."""
        return {
            "open": [
                [
                    name,
                    order.agent,
                    order.symbol,
                    str(order.remaining),
                    order.steps.through,
                    order.steps.beyond,
                ]
                for name, order in self._open.items()
            ],
            "ended": [
                [name, order.steps.through, order.steps.beyond, order.micros]
                for name, order in self._ended.items()
            ],
            "forgotten_micros": self._forgotten_micros,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "OrderMemory":
        """What `dump` wrote."""
        memory = cls()
        memory._open = {
            name: InFlight(agent, symbol, Decimal(remaining), _Steps.load(through, beyond))
            for name, agent, symbol, remaining, through, beyond in dumped["open"]
        }
        memory._ended = {
            name: _Ended(_Steps.load(through, beyond), int(micros))
            for name, through, beyond, micros in dumped["ended"]
        }
        memory._forgotten_micros = int(dumped["forgotten_micros"])
        return memory
