"""The coordination of one desk: deduplicate, throttle, filter, route, in the order of the desk's log."""

from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from contracts.controls import Budget, Control, ControlAction, MessageClass
from contracts.coordination.activity import Activity
from contracts.coordination.participation import DeliveryReason, DeliveryVerdict, Participation, held_back
from contracts.coordination.relevance import concerns_nobody, facts_of
from contracts.coordination.throttle import Throttle
from contracts.message import Message, MessageType, said_by
from contracts.model import Contract
from contracts.payloads import OrderExecution, RiskUpdate
from contracts.roster import Roster, read_roster
from contracts.rows.communication import MessageRow
from transforms.coordination.deduplication import Deduplication
from transforms.coordination.rows import Verdict, control_row, delivery_rows, message_row, suggestion_row
from transforms.coordination.tuner import ISSUER, Tuner, Tuning
from transforms.core import ROWS, Output
from transforms.log import LogEntry

INBOX = "inbox"
"""The port of copies for their recipients."""

CONTEXTS = "contexts"
"""The port of copies for the model-backed agents' contexts."""

ADMITTED = "admitted"
"""The port of what the trading job must see: admitted signals, and controls."""

CONTROLS = "controls"
"""The port of the tuner's controls: back to the desk's own log, where they go into force like a person's."""

_BOOK = "trading"
"""Who says what the desk's agents agree on: no agent, so it has no budget; whom it concerns is judged as ever."""

_FOR_TRADING = frozenset({MessageType.HFT_SIGNAL, MessageType.PROPOSAL, MessageType.CONTROL})

_OF_AN_AGENT = frozenset(
    {ControlAction.THRESHOLD, ControlAction.BUDGET, ControlAction.MUTE, ControlAction.UNMUTE}
)

# An attribute of an Enum is looked up in Python, several times a message.
_ADMITTED, _CRITICAL, _RECORD = Verdict.ADMITTED, MessageClass.CRITICAL, MessageClass.RECORD
_CONSENSUS, _RESTORE = MessageType.CONSENSUS, ControlAction.RESTORE

_new = tuple.__new__  # a NamedTuple's own is written in Python, and there are several outputs a message


class Coordination:
    """The core of the coordination job, one for each desk.

    A message is judged at its event time; one that is late is judged at the latest event time before it, so a budget
    cannot be had twice by dating messages back. What one message goes through, in order:

    1. a message_id that its sender has used before is dropped (verdict duplicate),
    2. a muted or unknown sender, an unknown recipient and a control of an unknown agent are refused,
    3. signals and chatter pay from their sender's budget (throttled, with the time to wait),
    4. a critical or directed message goes to its recipients, a broadcast to those whom it concerns (participation),
    5. trade signals, proposals and controls go to the trading job whoever else they went to.

    Every message has one verdict: a throttled one that is still worth saying is said anew, under another id.
    """

    name = "coordination"

    def __init__(self, desk: str, roster: Roster, tuning: Tuning = Tuning.OFF) -> None:
        self._desk = desk
        self._roster = roster
        self._seen = Deduplication(self._agents)
        self._throttle = Throttle.of(roster)
        self._activity = Activity(self._agents)
        self._participation = Participation(roster)
        self._muted: set[str] = set()
        self._tuning = tuning
        self._tuner = None if tuning is Tuning.OFF else Tuner(self._thresholds)
        self._now = 0

    @property
    def _thresholds(self) -> dict[str, float]:
        return {agent: self._participation.threshold(agent) for agent in self._agents}

    @cached_property
    def _agents(self) -> tuple[str, ...]:
        return tuple(profile.agent for profile in self._roster.agents)

    @cached_property
    def _others(self) -> dict[str, tuple[str, ...]]:
        return {agent: tuple(other for other in self._agents if other != agent) for agent in self._agents}

    @cached_property
    def _model_backed(self) -> frozenset[str]:
        return frozenset(profile.agent for profile in self._roster.agents if profile.is_model_backed)

    def apply(self, entry: LogEntry) -> list[Output]:
        """The copies, the forwarded message and the rows that follow from one message."""
        message: Message = entry.value
        self._now = now = max(self._now, entry.event_micros)
        sender, message_class = message.sender, message.message_class
        activity = self._activity.score(sender, now) if sender in self._others else 0.0
        verdict, reason, wait = self._judge(message, message_class)
        row = message_row(entry, verdict, reason, wait, activity)
        outputs = [_new(Output, (ROWS, row))]
        if verdict is _ADMITTED:
            if message_class is _CRITICAL:
                outputs += self._effects(entry, message)
            if message.type in _FOR_TRADING and not self._is_own_state(message.payload):
                outputs.append(_new(Output, (ADMITTED, message)))
            outputs += self._deliveries(row, message, message_class, activity)
        return outputs

    def _judge(self, message: Message, message_class: MessageClass) -> tuple[Verdict, str, int]:
        """What becomes of the message, why, and for how many microseconds its sender should wait."""
        sender, recipient = message.sender, message.recipient
        if self._seen.is_repeated(sender, message.message_id, self._now):
            return Verdict.DUPLICATE, "repeated message_id", 0
        if message_class is _RECORD:
            return Verdict.REFUSED, "records do not pass through coordination", 0
        if message_class is _CRITICAL:
            return (Verdict.REFUSED, reason, 0) if (reason := self._unfit(message)) else (_ADMITTED, "", 0)
        if recipient is not None and recipient not in self._others:
            return Verdict.REFUSED, "unknown recipient", 0
        if _is_consensus(message):
            return _ADMITTED, "", 0
        if sender not in self._others:
            return Verdict.REFUSED, "unknown sender", 0
        if sender in self._muted:
            return Verdict.REFUSED, "muted", 0
        wait = self._throttle.take((sender, message_class), self._now)
        return (Verdict.THROTTLED, "budget", wait) if wait else (_ADMITTED, "", 0)

    def _unfit(self, message: Message) -> str:
        """Why a critical message can do nothing: it changes an agent that is not on the roster."""
        said = message.payload
        is_stray = (
            isinstance(said, Control) and said.action in _OF_AN_AGENT and said.agent not in self._others
        )
        return "a control of an unknown agent" if is_stray else ""

    # --- who hears it -----------------------------------------------------------------------------------------------

    def _deliveries(
        self, row: MessageRow, message: Message, message_class: MessageClass, activity: float
    ) -> list[Output]:
        verdicts = self._verdicts(message, message_class, activity)
        outputs = [_new(Output, (ROWS, delivery_rows(row, verdicts)))] if verdicts else []
        for recipient in [verdict.recipient for verdict in verdicts if verdict.delivered]:
            copy = message.to(recipient)
            outputs.append(_new(Output, (INBOX, copy)))
            if recipient in self._model_backed:
                outputs.append(_new(Output, (CONTEXTS, copy)))
        return outputs

    def _verdicts(
        self, message: Message, message_class: MessageClass, activity: float
    ) -> list[DeliveryVerdict]:
        if message_class is _CRITICAL:
            if isinstance(message.payload, Control) and message.payload.action is _RESTORE:
                return []  # a job's state is for that job
            everyone = self._others.get(message.sender, self._agents)
            recipients = everyone if message.recipient is None else self._named(message.recipient)
            return [_delivered(recipient, DeliveryReason.CRITICAL) for recipient in recipients]
        if concerns_nobody(message):
            return []
        if message.recipient is not None:
            self._activity.message(message.sender, self._now)
            return [_delivered(message.recipient, DeliveryReason.DIRECTED)]
        return self._broadcast(message, activity)

    def _named(self, recipient: str) -> tuple[str, ...]:
        """The recipient, where it is an agent: what is critical passes on to the trading job whomever it names."""
        return (recipient,) if recipient in self._others else ()

    def _broadcast(self, message: Message, activity: float) -> list[DeliveryVerdict]:
        now, sender = self._now, message.sender
        recipients = self._others.get(sender, self._agents)
        verdicts = self._participation.verdicts(facts_of(message), recipients, activity, now)
        for verdict in verdicts:
            if verdict.delivered:
                self._participation.delivered(verdict.recipient, now)
        # What is held back was heard by nobody: counting it would keep an agent that goes on talking up for ever.
        if sender in self._others and not held_back(activity):
            self._activity.message(sender, now)
        return verdicts

    # --- what it does -----------------------------------------------------------------------------------------------

    def _effects(self, entry: LogEntry, message: Message) -> list[Output]:
        payload = message.payload
        if isinstance(payload, Control):
            return self._obey(entry, payload)
        if isinstance(payload, OrderExecution):
            if payload.last_quantity is not None and payload.agent in self._others:
                self._activity.trade(payload.agent, self._now)
        elif self._tuner is not None and isinstance(payload, RiskUpdate) and message.sender == _BOOK:
            return self._tune(entry, self._tuner, payload)
        return []

    def _is_own_state(self, payload: Contract) -> bool:
        return isinstance(payload, Control) and payload.action is _RESTORE and payload.core == self.name

    def _obey(self, entry: LogEntry, control: Control) -> list[Output]:
        """Put the control into force from here on; a row says from what to what. What is not ours passes by."""
        match control:
            case Control(action=ControlAction.RESTORE, core=self.name, state=dict(state)):
                before, after = "{}", '{"restored":true}'
                self._take_up(state, not_before=self._now)
            case Control(action=ControlAction.THRESHOLD, agent=str(agent), threshold=float(threshold)):
                before, after = _json(self._participation.threshold(agent)), _json(threshold)
                self._participation.change_threshold(agent, threshold)
                if self._tuner is not None and control.issued_by != ISSUER:
                    self._tuner.set_by_a_person(agent, threshold)
            case Control(
                action=ControlAction.BUDGET,
                agent=str(agent),
                message_class=MessageClass() as message_class,
                budget=Budget() as budget,
            ):
                line = (agent, message_class)
                before, after = (
                    _budget_json(message_class, self._throttle.budget(line)),
                    _budget_json(message_class, budget),
                )
                self._throttle.change(line, budget, self._now)
            case Control(action=ControlAction.MUTE | ControlAction.UNMUTE, agent=str(agent)):
                mute = control.action is ControlAction.MUTE
                before, after = _json(agent in self._muted), _json(mute)
                (self._muted.add if mute else self._muted.discard)(agent)
            case _:
                return []
        return [control_row(entry, control, before, after)]

    def _tune(self, entry: LogEntry, tuner: Tuner, update: RiskUpdate) -> list[Output]:
        """What the tuner suggests: rows; when its suggestions are applied also controls, each to its agent."""
        now, cause = self._now, entry.value
        if update.volatility is not None:
            tuner.hear(update.volatility, now)
        activity = {agent: self._activity.score(agent, now) for agent in self._agents}
        outputs: list[Output] = []
        for suggestion in tuner.look(self._thresholds, activity, now):
            applied = self._tuning is Tuning.APPLY
            outputs.append(suggestion_row(entry, suggestion, applied))
            if applied:
                control = Control(
                    action=ControlAction.THRESHOLD,
                    issued_by=ISSUER,
                    reason=suggestion.reason,
                    agent=suggestion.agent,
                    threshold=suggestion.suggested,
                )
                told = said_by(
                    ISSUER,
                    control,
                    desk=self._desk,
                    event_time=cause.event_time,
                    recipient=suggestion.agent,
                    correlation_id=cause.message_id,
                    derived_from=(cause.message_id, suggestion.agent),
                )
                outputs.append(Output(CONTROLS, told))
        return outputs

    # --- state ------------------------------------------------------------------------------------------------------

    def flush(self) -> list[Output]:
        """Forget the ids that were kept against repeats: the desk was silent for longer than they count, or its log ends."""
        self._seen = Deduplication(self._agents)
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
            "tuner": self._tuner.state() if self._tuner is not None else None,
        }
        return orjson.dumps(state)

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        self._take_up(orjson.loads(state), not_before=0)

    def _take_up(self, content: dict[str, Any], not_before: int) -> None:
        self._now = max(not_before, content["now"])
        self._seen.take_up(content["seen"])
        self._throttle.take_up(content["throttle"], content["now"])
        self._activity.take_up(content["activity"])
        self._participation.take_up(content["participation"])
        self._muted = set(content["muted"])
        if self._tuner is not None and content.get("tuner") is not None:
            self._tuner.take_up(content["tuner"])


def _is_consensus(message: Message) -> bool:
    """Whether it is the desk's own word on what its agents agree on."""
    return message.type is _CONSENSUS and message.sender == _BOOK and message.recipient is None


def _delivered(recipient: str, reason: DeliveryReason) -> DeliveryVerdict:
    """What participation is not asked about."""
    return DeliveryVerdict(recipient, True, reason, 1.0, 0.0)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _budget_json(message_class: MessageClass, budget: Budget) -> str:
    return _json({"message_class": message_class, **budget.model_dump()})


class CoordinationOf:
    """Makes the core of a desk, with the roster of a file; the file is read once a worker."""

    def __init__(self, roster: str, tuning: Tuning = Tuning.OFF) -> None:
        self._path = roster
        self._tuning = tuning

    def __call__(self, desk: str) -> Coordination:
        return Coordination(desk, self._roster, self._tuning)

    @cached_property
    def _roster(self) -> Roster:
        return read_roster(Path(self._path))
