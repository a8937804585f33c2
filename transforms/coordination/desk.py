"""The coordination of one desk: deduplicate, throttle, filter, route, in the order of the desk's log."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path

import orjson

from contracts.controls import Control, ControlAction, MessageClass
from contracts.message import Message, MessageType
from contracts.payloads import OrderExecution
from contracts.roster import Roster, read_roster
from contracts.rows.communication import ControlRow, DeliveryRow, MessageRow
from transforms.coordination.activity import Activity
from transforms.coordination.deduplication import Deduplication
from transforms.coordination.participation import DeliveryReason, DeliveryVerdict, Participation
from transforms.coordination.throttle import Throttle
from transforms.core import ROWS, Output
from transforms.log import LogEntry

INBOX = "inbox"
"""The port of copies for their recipients."""

CONTEXTS = "contexts"
"""The port of copies for the model-backed agents' contexts."""

ADMITTED = "admitted"
"""The port of what the trading job must see: admitted signals, and controls."""

_FOR_TRADING = frozenset({MessageType.HFT_SIGNAL, MessageType.PROPOSAL, MessageType.CONTROL})

_ALWAYS = {
    MessageClass.CRITICAL: DeliveryVerdict(True, DeliveryReason.CRITICAL, 1.0, 0.0),
    MessageClass.SIGNAL: DeliveryVerdict(True, DeliveryReason.DIRECTED, 1.0, 0.0),
    MessageClass.CHATTER: DeliveryVerdict(True, DeliveryReason.DIRECTED, 1.0, 0.0),
}


class Verdict(StrEnum):
    """What became of a message."""

    ADMITTED = "admitted"
    THROTTLED = "throttled"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Coordination:
    """The core of the coordination job, one for each desk.

    A message is judged at its event time; one that is late is judged at the latest event time before it, so a budget
    cannot be had twice by dating messages back. What one message goes through, in order:

    1. a repeated message_id is dropped (verdict duplicate),
    2. a muted or unknown sender and an unknown recipient are refused,
    3. signals and chatter pay from their sender's budget (throttled, with the time to wait),
    4. a critical or directed message goes to its recipients, a broadcast to those whom it concerns (participation),
    5. signals and controls go to the trading job whoever else they went to.
    """

    name = "coordination"

    def __init__(self, desk: str, roster: Roster) -> None:
        self._desk = desk
        self._roster = roster
        self._seen = Deduplication()
        self._throttle = Throttle.of(roster)
        self._activity = Activity(self._agents)
        self._participation = Participation(roster)
        self._muted: set[str] = set()
        self._now = 0

    @cached_property
    def _agents(self) -> tuple[str, ...]:
        return tuple(profile.agent for profile in self._roster.agents)

    @cached_property
    def _model_backed(self) -> frozenset[str]:
        return frozenset(profile.agent for profile in self._roster.agents if profile.is_model_backed)

    def apply(self, entry: LogEntry) -> list[Output]:
        """The copies, the forwarded message and the rows that follow from one message."""
        message: Message = entry.value
        self._now = now = max(self._now, entry.event_micros)
        if self._seen.is_repeated(message.message_id, now):
            return [self._message_row(entry, Verdict.DUPLICATE, "repeated message_id")]
        refused = self._refusal(message)
        if refused:
            return [self._message_row(entry, Verdict.REFUSED, refused)]
        message_class = message.message_class
        if message_class in (MessageClass.SIGNAL, MessageClass.CHATTER):
            wait = self._throttle.take((message.sender, message_class), now)
            if wait:
                return [self._message_row(entry, Verdict.THROTTLED, "budget", wait)]
            self._activity.message(message.sender, now)
        return self._admit(entry, message, now)

    def _refusal(self, message: Message) -> str | None:
        if message.message_class is MessageClass.RECORD:
            return "records do not pass through coordination"
        if message.recipient is not None and message.recipient not in self._agents:
            return "unknown recipient"
        if message.message_class is MessageClass.CRITICAL:
            return None
        if message.sender not in self._agents:
            return "unknown sender"
        return "muted" if message.sender in self._muted else None

    def _admit(self, entry: LogEntry, message: Message, now: int) -> list[Output]:
        outputs = [self._message_row(entry, Verdict.ADMITTED, "")]
        if isinstance(message.payload, Control):
            outputs += self._obey(entry, message.payload)
        if isinstance(message.payload, OrderExecution) and message.payload.last_quantity is not None:
            self._count_trade(message.payload.agent, now)
        if message.type in _FOR_TRADING:
            outputs.append(Output(ADMITTED, message))
        for recipient, verdict in self._verdicts(message, now):
            outputs.append(self._delivery_row(entry, recipient, verdict))
            if verdict.delivered:
                copy = message.to(recipient)
                outputs.append(Output(INBOX, copy))
                if recipient in self._model_backed:
                    outputs.append(Output(CONTEXTS, copy))
        return outputs

    def _verdicts(self, message: Message, now: int) -> list[tuple[str, DeliveryVerdict]]:
        if message.recipient is not None:
            return [(message.recipient, _ALWAYS[message.message_class])]
        others = [agent for agent in self._agents if agent != message.sender]
        if message.message_class is MessageClass.CRITICAL:
            return [(agent, _ALWAYS[MessageClass.CRITICAL]) for agent in others]
        activity = self._activity.score(message.sender, now)
        verdicts = [(agent, self._participation.verdict(message, agent, activity, now)) for agent in others]
        for agent, verdict in verdicts:
            if verdict.delivered:
                self._participation.delivered(agent, now)
        return verdicts

    def _count_trade(self, agent: str, now: int) -> None:
        if agent in self._agents:
            self._activity.trade(agent, now)

    # --- controls ---------------------------------------------------------------------------------------------------

    def _obey(self, entry: LogEntry, control: Control) -> list[Output]:
        """Put the control into force from here on; a row says from what to what. What is not ours passes by."""
        if control.action is ControlAction.RESTORE and control.core == self.name:
            self.restore(orjson.dumps(control.state))
            return [self._control_row(entry, control, "{}", '{"restored":true}')]
        if control.agent not in self._agents:
            return []
        if control.action is ControlAction.THRESHOLD:
            before = self._participation.threshold(control.agent)
            self._participation.change_threshold(control.agent, control.threshold)
            return [self._control_row(entry, control, _json(before), _json(control.threshold))]
        if control.action is ControlAction.BUDGET:
            line = (control.agent, control.message_class)
            before = self._throttle.budget(line)
            self._throttle.change(line, control.budget)
            return [self._control_row(entry, control, before.model_dump_json(), control.budget.model_dump_json())]
        if control.action in (ControlAction.MUTE, ControlAction.UNMUTE):
            before = control.agent in self._muted
            after = control.action is ControlAction.MUTE
            (self._muted.add if after else self._muted.discard)(control.agent)
            return [self._control_row(entry, control, _json(before), _json(after))]
        return []

    # --- rows -------------------------------------------------------------------------------------------------------

    def _message_row(self, entry: LogEntry, verdict: Verdict, reason: str, wait: int = 0) -> Output:
        message: Message = entry.value
        row = MessageRow(
            row_id=_row_id(entry),
            event_time=message.event_time,
            desk=message.desk,
            position=entry.position,
            message_id=message.message_id,
            sender=message.sender,
            recipient=message.recipient,
            type=message.type,
            message_class=message.message_class,
            symbol=message.symbol,
            correlation_id=message.correlation_id,
            verdict=verdict,
            reason=reason,
            retry_after_seconds=wait / 1e6 if wait else None,
            late=entry.late,
            activity_score=self._score(message.sender),
            payload=message.payload.to_json().decode(),
        )
        return Output(ROWS, row)

    def _score(self, sender: str) -> float:
        return self._activity.score(sender, self._now) if sender in self._agents else 0.0

    def _delivery_row(self, entry: LogEntry, recipient: str, verdict: DeliveryVerdict) -> Output:
        message: Message = entry.value
        row = DeliveryRow(
            row_id=f"{_row_id(entry)}.{recipient}"[:64],
            event_time=message.event_time,
            desk=message.desk,
            position=entry.position,
            message_id=message.message_id,
            sender=message.sender,
            recipient=recipient,
            type=message.type,
            message_class=message.message_class,
            delivered=verdict.delivered,
            reason=verdict.reason,
            relevance=verdict.relevance,
            threshold=verdict.threshold,
        )
        return Output(ROWS, row)

    def _control_row(self, entry: LogEntry, control: Control, before: str, after: str) -> Output:
        message: Message = entry.value
        row = ControlRow(
            row_id=_row_id(entry),
            event_time=message.event_time,
            desk=message.desk,
            position=entry.position,
            message_id=message.message_id,
            action=control.action,
            issued_by=control.issued_by,
            agent=control.agent,
            before=before,
            after=after,
            reason=control.reason,
        )
        return Output(ROWS, row)

    # --- state ------------------------------------------------------------------------------------------------------

    def flush(self) -> list[Output]:
        """Nothing is ever held open."""
        return []

    def dump(self) -> bytes:
        """The whole state; its size is bounded by the roster and the deduplication's horizon."""
        state = {
            "now": self._now,
            "seen": self._seen.state(),
            "throttle": self._throttle.state(),
            "activity": self._activity.state(),
            "participation": self._participation.state(),
            "muted": sorted(self._muted),
        }
        return orjson.dumps(state)

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        content = orjson.loads(state)
        self._now = content["now"]
        self._seen.take_up(content["seen"])
        self._throttle.take_up(content["throttle"])
        self._activity.take_up(content["activity"])
        self._participation.take_up(content["participation"])
        self._muted = set(content["muted"])


def _row_id(entry: LogEntry) -> str:
    return f"{entry.event_micros:014x}-{entry.key}-{entry.position}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


class CoordinationOf:
    """Makes the core of a desk, with the roster of a file; the file is read once a worker."""

    def __init__(self, roster: str) -> None:
        self._path = roster

    def __call__(self, desk: str) -> Coordination:
        return Coordination(desk, self._roster)

    @cached_property
    def _roster(self) -> Roster:
        return read_roster(Path(self._path))
