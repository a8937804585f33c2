"""Loudness: for how long the activity score of what was heard of an agent stays above twice the desk's mean."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.coordination.activity import HALF_LIFE_MICROS, Activity
from contracts.coordination.participation import HOLD_BACK_ABOVE
from contracts.message import Message
from contracts.payloads import OrderExecution
from contracts.roster import Roster
from contracts.time import to_micros

DECAY_MICROS = 2 * HALF_LIFE_MICROS
"""In this time the most that one of seven agents can reach, seven times the mean, decays to less than twice."""

_MINUTE = 60_000_000


class Heard(StrEnum):
    """What raises an agent's score. Only broadcasts are held back above twice the mean."""

    BROADCAST = "broadcast"
    DIRECTED = "directed"
    FILL = "fill"


@dataclass
class Spell:
    """An agent's time above twice the mean without a break, and what was heard of it meanwhile, its first cause included."""

    agent: str
    begin: int
    end: int = 0
    heard: Counter[Heard] = field(default_factory=Counter)
    never_held_back_at: int = 0
    """When the last of what cannot be held back (a fill, a directed message) raised the score."""

    @property
    def minutes(self) -> float:
        """How long it was."""
        return (self.end - self.begin) / _MINUTE

    @property
    def beyond_decay_minutes(self) -> float:
        """How much longer than the decay it was."""
        return max(0, self.end - self.begin - DECAY_MICROS) / _MINUTE

    @property
    def minutes_after_what_is_never_held_back(self) -> float:
        """How long it went on after the last fill or directed message: what holding back alone could not shorten further."""
        return (self.end - max(self.begin, self.never_held_back_at)) / _MINUTE


class Loudness:
    """The scores of a day, told what was heard of it, and the spells in them."""

    def __init__(self, desk: Roster) -> None:
        self._activity = Activity(desk.by_agent)
        self._agents = tuple(desk.by_agent)
        self._running: dict[str, Spell] = {}
        self.spells: list[Spell] = []

    def take(self, message: Message, was_heard: bool) -> None:
        """The day's next message."""
        now = to_micros(message.event_time)
        raised = self._raise(message, was_heard, now)
        for agent in self._agents:
            if self._activity.score(agent, now) > HOLD_BACK_ABOVE:
                spell = self._running.setdefault(agent, Spell(agent, now))
                if raised is not None and raised[0] == agent:
                    self._note(spell, raised[1], now)
            elif agent in self._running:
                self._end(agent, now)

    def finish(self, now: int) -> None:
        """The day is over."""
        for agent in list(self._running):
            self._end(agent, now)

    def _raise(self, message: Message, was_heard: bool, now: int) -> tuple[str, Heard] | None:
        """Count what was heard; whose score it raised, and by what."""
        execution = message.payload
        if isinstance(execution, OrderExecution):
            self._activity.trade(execution.agent, now)
            return execution.agent, Heard.FILL
        if was_heard and message.sender in self._agents:
            self._activity.message(message.sender, now)
            return message.sender, Heard.DIRECTED if message.recipient else Heard.BROADCAST
        return None

    def _note(self, spell: Spell, heard: Heard, now: int) -> None:
        spell.heard[heard] += 1
        if heard is not Heard.BROADCAST:
            spell.never_held_back_at = now

    def _end(self, agent: str, now: int) -> None:
        spell = self._running.pop(agent)
        spell.end = now
        self.spells.append(spell)
