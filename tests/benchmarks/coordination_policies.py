"""Who hears whom on the reference workload: Sapphire's coordination beside three other policies."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from contracts.controls import MessageClass
from contracts.coordination.participation import FLOOR_MICROS
from contracts.coordination.relevance import Relevance, concerns_nobody, facts_of
from contracts.message import Message, MessageType
from contracts.payloads import OrderExecution
from contracts.roster import Roster
from contracts.time import to_micros
from tests.benchmarks.loudness import Loudness, Spell
from tests.benchmarks.reference_desk import misbehaves
from transforms.coordination.desk import INBOX, Coordination
from transforms.log import LogEntry

COOLDOWN_MICROS = 30_000_000


@dataclass
class Heard:
    """What a policy did with one message: whether it was throttled, and who heard it."""

    throttled: bool
    by: frozenset[str]


Policy = Callable[[Message], Heard]


@dataclass
class Score:
    """What a policy made of the day."""

    signals: int = 0
    signals_throttled: int = 0
    broadcasts_possible: int = 0
    broadcasts_delivered: int = 0
    relevant_possible: int = 0
    relevant_delivered: int = 0
    sound_possible: int = 0
    sound_delivered: int = 0
    suppressed_relevant: int = 0
    critical_lost: int = 0
    directed: int = 0
    directed_lost: int = 0
    floors_due: int = 0
    floors_kept: int = 0
    delivered_by_sender: Counter[str] = field(default_factory=Counter)
    spells: list[Spell] = field(default_factory=list)

    @property
    def throttled(self) -> float:
        """Share of signals that were throttled."""
        return self.signals_throttled / self.signals

    @property
    def avoided(self) -> float:
        """Share of a full broadcast's deliveries that were not made."""
        return 1 - self.broadcasts_delivered / self.broadcasts_possible

    @property
    def retained(self) -> float:
        """Share of the relevant deliveries that were made."""
        return self.relevant_delivered / self.relevant_possible

    @property
    def retained_of_the_sound(self) -> float:
        """The same without the hour of the one that misbehaves."""
        return self.sound_delivered / self.sound_possible

    @property
    def relevant_of_suppressed(self) -> float:
        """Share of the avoided deliveries that were relevant."""
        suppressed = self.broadcasts_possible - self.broadcasts_delivered
        return self.suppressed_relevant / suppressed if suppressed else 0.0

    @property
    def relevant_of_delivered(self) -> float:
        """Share of the deliveries made that were relevant."""
        return self.relevant_delivered / self.broadcasts_delivered

    @property
    def balance(self) -> float:
        """The most heard sender's deliveries over the mean: 1 is even."""
        counts = self.delivered_by_sender
        return max(counts.values()) * len(counts) / sum(counts.values())

    @property
    def floors(self) -> float:
        """Share of the floor intervals with a broadcast in which the agent heard one."""
        return self.floors_kept / self.floors_due

    @property
    def longest_above_minutes(self) -> float:
        """The longest time that an agent was above twice the mean."""
        return max((spell.minutes for spell in self.spells), default=0.0)

    @property
    def beyond_decay_minutes(self) -> float:
        """How long agents were above twice the mean when the decay was over, together."""
        return sum(spell.beyond_decay_minutes for spell in self.spells)


def score(policy: Policy, day: Iterable[Message], desk: Roster) -> Score:
    """Play the day to the policy; relevant is what reaches the recipient's own threshold in the roster."""
    total = Score(delivered_by_sender=Counter(dict.fromkeys(desk.by_agent, 0)))
    relevance = Relevance(desk)
    floors = _Floors(desk)
    loudness = Loudness(desk)
    now = 0
    for message in day:
        now = to_micros(message.event_time)
        heard = policy(message)
        if concerns_nobody(message):
            continue
        everyone = frozenset(desk.by_agent) - {message.sender}
        if message.message_class is MessageClass.CRITICAL:
            meant = everyone if message.recipient is None else {message.recipient}
            total.critical_lost += len(meant - heard.by)
        elif message.recipient is not None:
            total.directed += 1
            total.directed_lost += message.recipient not in heard.by
        else:
            facts = facts_of(message)
            concerned = {
                agent
                for agent in everyone
                if relevance.of(facts, agent) >= desk.by_agent[agent].participation_threshold
            }
            total.broadcasts_possible += len(everyone)
            total.broadcasts_delivered += len(heard.by)
            total.relevant_possible += len(concerned)
            total.relevant_delivered += len(concerned & heard.by)
            if not misbehaves(message):
                total.sound_possible += len(concerned)
                total.sound_delivered += len(concerned & heard.by)
            total.suppressed_relevant += len(concerned - heard.by)
            total.delivered_by_sender[message.sender] += len(heard.by)
            floors.broadcast(message, everyone, heard)
        if message.message_class is MessageClass.SIGNAL:
            total.signals += 1
            total.signals_throttled += heard.throttled
        loudness.take(message, bool(heard.by))
    total.floors_due, total.floors_kept = floors.due, floors.kept
    loudness.finish(now)
    total.spells = loudness.spells
    return total


class _Floors:
    """How often a broadcast came to an agent that had heard none for a floor interval, and how often it then heard it."""

    def __init__(self, desk: Roster) -> None:
        self._heard_at = dict.fromkeys(desk.by_agent, 0)
        self.due = 0
        self.kept = 0

    def broadcast(self, message: Message, everyone: Iterable[str], heard: Heard) -> None:
        if heard.throttled:
            return
        now = to_micros(message.event_time)
        for agent in everyone:
            if now - self._heard_at[agent] >= FLOOR_MICROS:
                self.due += 1
                self.kept += agent in heard.by
            if agent in heard.by:
                self._heard_at[agent] = now


# --- the policies ---------------------------------------------------------------------------------------------------


def sapphire(desk: Roster) -> Policy:
    """The desk's own core."""
    core, position = Coordination(desk.desk, desk), 0

    def policy(message: Message) -> Heard:
        nonlocal position
        position += 1
        outputs = core.apply(LogEntry(desk.desk, position, False, to_micros(message.event_time), message))
        throttled = outputs[0].value.verdict == "throttled"
        return Heard(
            throttled, frozenset(output.value.recipient for output in outputs if output.port == INBOX)
        )

    return policy


def no_filter(desk: Roster) -> Policy:
    """Everyone hears everything."""
    return lambda message: Heard(False, _meant(desk, message))


def fixed_cooldown(desk: Roster) -> Policy:
    """A sender is heard once in 30 s, whatever it says; critical messages always."""
    spoke_at: dict[str, int] = {}

    def policy(message: Message) -> Heard:
        now = to_micros(message.event_time)
        if message.message_class is not MessageClass.CRITICAL and not concerns_nobody(message):
            if now - spoke_at.get(message.sender, 0) < COOLDOWN_MICROS:
                return Heard(True, frozenset())
            spoke_at[message.sender] = now
        return Heard(False, _meant(desk, message))

    return policy


def coin_flip(desk: Roster, seed: int = 1) -> Policy:
    """The original's filter (reference: its participation manager), for what is not critical.

    A recipient hears a message when a random number is below its probability: its threshold (0.5), a half more below half
    of the mean activity (at most 0.9), a half less above twice the mean (at least 0.1). Activity is 0.3 x messages
    + 0.7 x trades since the start, never decayed, and every question whether it may hear counts as a message of its own.
    Questions and market data pass; signals are always taken, and their copies pass the filter.
    """
    dice = random.Random(seed)
    messages = dict.fromkeys(desk.by_agent, 0)
    trades = dict.fromkeys(desk.by_agent, 0)

    def hears(agent: str) -> bool:
        messages[agent] += 1
        scores = {each: 0.3 * messages[each] + 0.7 * trades[each] for each in messages}
        mean = sum(scores.values()) / len(scores)
        probability = 0.5
        if scores[agent] > 2 * mean:
            probability = max(0.1, 0.5 * probability)
        elif scores[agent] < 0.5 * mean:
            probability = min(0.9, 1.5 * probability)
        return dice.random() < probability

    def policy(message: Message) -> Heard:
        if isinstance(message.payload, OrderExecution):
            trades[message.payload.agent] += 1
        meant = _meant(desk, message)
        if message.message_class is MessageClass.CRITICAL or message.type in _NEVER_FLIPPED:
            return Heard(False, meant)
        return Heard(False, frozenset(agent for agent in sorted(meant) if hears(agent)))

    return policy


_NEVER_FLIPPED = {MessageType.QUESTION, MessageType.MARKET_DATA}

POLICIES: dict[str, Callable[[Roster], Policy]] = {
    "no filter": no_filter,
    "coin flip": coin_flip,
    "fixed cooldown": fixed_cooldown,
    "sapphire": sapphire,
}


def _meant(desk: Roster, message: Message) -> frozenset[str]:
    """Those to whom the message could go: its recipient, or everyone else; nobody for a sign of life."""
    if concerns_nobody(message):
        return frozenset()
    if message.recipient is not None:
        return frozenset({message.recipient})
    return frozenset(desk.by_agent) - {message.sender}
