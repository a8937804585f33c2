"""Deliveries: what an agent was told, kept until the moment that it is about has passed."""

import hashlib
from decimal import Decimal
from typing import Any

from pydantic import Field

from contracts.controls import MessageClass
from contracts.decisions import Heard
from contracts.message import Message, MessageType
from contracts.model import Contract, Name
from contracts.payloads import Guidance, OrderExecution
from contracts.time import UtcTime

REMEMBERED = 12
"""What others said is remembered up to so many messages, the latest."""

ORDERS_KEPT = 64
"""Orders whose filled quantity is kept, so that a fill which is told twice counts once."""

WAITING_KEPT = 100
"""Deliveries that wait for a snapshot; without any for so long, the oldest is taken in before its moment."""

_LONGEST_TEXT = 400
_TEXTS = ("thesis", "insight", "content", "question", "answer", "alternative", "rationale", "text", "reason")
_WEIGHTS = ("conviction", "confidence", "score")


class _Order(Contract):
    """How much of an order is filled."""

    client_order_id: Name
    filled: Decimal


class _Told(Contract):
    """One delivery that waits for its moment: just what will be taken of it."""

    event_time: UtcTime
    message_id: Name
    heard: Heard | None = None
    execution: OrderExecution | None = None
    guidance: Guidance | None = None


class Deliveries(Contract):
    """What an agent was told so far; a value, and so small that it can be a state cell.

    A delivery is taken in when the agent is asked about a later moment than its event time: no look-ahead, and what is said
    at the very moment of a question follows from the same bars, so that it would be luck whether it arrives before it.
    `taken_until` is the latest event time of what was taken in: a snapshot that is no later is not asked about any more.

        told       thesis (10:00:30)   guidance (10:01:00)   fill (10:01:02)
        asked at   10:01:00            10:02:00
        knows      the thesis          the thesis, the guidance and the position
    """

    waiting: tuple[_Told, ...] = ()
    heard: tuple[Heard, ...] = ()
    orders: tuple[_Order, ...] = ()
    positions: dict[Name, Decimal] = Field(default_factory=dict)
    guidance: Guidance | None = None
    guided_at: UtcTime | None = None
    taken_until: UtcTime | None = None

    def told(self, message: Message) -> "Deliveries":
        """With one more delivery, which is ignored when it is there already."""
        told = _told(message)
        if told is None or told.message_id in self._known:
            return self
        waiting = sorted((*self.waiting, told), key=_by_time)
        after = self.with_valid(waiting=tuple(waiting[-WAITING_KEPT:]))
        for early in waiting[:-WAITING_KEPT]:
            after = after._taken(early)
        return after

    def before(self, moment: UtcTime) -> "Deliveries":
        """With everything taken in that happened before `moment`."""
        if not self.waiting:
            return self
        after = self.with_valid(waiting=tuple([told for told in self.waiting if told.event_time >= moment]))
        for told in self.waiting:
            if told.event_time < moment:
                after = after._taken(told)
        return after

    def digest(self, symbol: str) -> str:
        """Stands for what is known about a symbol besides its market; two that differ differ in it."""
        guidance = self.guidance.to_json() if self.guidance else b""
        heard = ",".join(heard.message_id for heard in self.heard)
        known = f"{self.positions.get(symbol, Decimal(0)).normalize()}|{heard}|".encode() + guidance
        return hashlib.blake2b(known, digest_size=8).hexdigest()

    @property
    def _known(self) -> set[str]:
        return {told.message_id for told in self.waiting} | {heard.message_id for heard in self.heard}

    def _taken(self, told: _Told) -> "Deliveries":
        latest = max(self.taken_until or told.event_time, told.event_time)
        return self._with(told).with_valid(taken_until=latest)

    def _with(self, told: _Told) -> "Deliveries":
        if told.heard is not None:
            heard = sorted((*self.heard, told.heard), key=_by_time)
            return self.with_valid(heard=tuple(heard[-REMEMBERED:]))
        if told.execution is not None:
            return self._filled(told.execution)
        if self.guided_at is not None and told.event_time < self.guided_at:
            return self
        return self.with_valid(guidance=told.guidance, guided_at=told.event_time)

    def _filled(self, execution: OrderExecution) -> "Deliveries":
        """The position after an execution; it follows the order's filled quantity, so order and repeats do not matter."""
        known = {order.client_order_id: order for order in self.orders}
        order = known.pop(execution.client_order_id, None)
        before = order.filled if order else Decimal(0)
        more = max(execution.filled_quantity - before, Decimal(0))
        filled = {"client_order_id": execution.client_order_id, "filled": before + more}
        orders = (*known.values(), _Order.of_valid(filled))
        held = self.positions.get(execution.symbol, Decimal(0)) + execution.side.sign * more
        positions = dict(sorted((self.positions | {execution.symbol: held}).items()))
        return self.with_valid(orders=orders[-ORDERS_KEPT:], positions=positions)


def _by_time(told: _Told | Heard) -> tuple[UtcTime, str]:
    return told.event_time, told.message_id


def _told(message: Message) -> _Told | None:
    """What is kept of a message; None when there is nothing in it for a decision."""
    payload = message.payload
    if isinstance(payload, OrderExecution):
        return _of(message, execution=payload)
    if isinstance(payload, Guidance):
        return _of(message, guidance=payload)
    speaks = message.message_class in (MessageClass.SIGNAL, MessageClass.CHATTER)
    if not speaks or message.type is MessageType.HEARTBEAT:
        return None
    heard = Heard(
        event_time=message.event_time,
        message_id=message.message_id,
        sender=message.sender,
        type=message.type,
        symbol=message.symbol,
        side=getattr(payload, "side", None),
        weight=next((getattr(payload, name) for name in _WEIGHTS if hasattr(payload, name)), None),
        text=next((getattr(payload, name) for name in _TEXTS if hasattr(payload, name)), "")[:_LONGEST_TEXT],
    )
    return _of(message, heard=heard)


def _of(message: Message, **kept: Any) -> _Told:
    return _Told.of_known(event_time=message.event_time, message_id=message.message_id, **kept)
