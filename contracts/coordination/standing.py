"""The standing of a desk's agents: what coordination would say to a message, told from its state."""

from typing import Any, NamedTuple, Self

from contracts.controls import MessageClass
from contracts.coordination.activity import Activity
from contracts.coordination.participation import DeliveryVerdict, Participation
from contracts.coordination.relevance import Facts
from contracts.coordination.throttle import Throttle
from contracts.roster import Roster


class Prospect(NamedTuple):
    """What would become of a message: refused (a reason), throttled (a wait), or admitted and heard so.

    `wait_micros` is 0 when it would be admitted; `deliveries` are in the order of the roster, and empty where the rules
    of participation are not asked: for what is refused or throttled, and for a directed message.
    """

    refused: str | None
    wait_micros: int
    activity: float
    deliveries: tuple[DeliveryVerdict, ...]


class Standing:
    """The rules of a desk as they stand; asking changes nothing, and nothing else can be done with it."""

    def __init__(self, roster: Roster) -> None:
        self._agents = tuple(roster.by_agent)
        self._throttle = Throttle.of(roster)
        self._activity = Activity(self._agents)
        self._participation = Participation(roster)
        self._muted: frozenset[str] = frozenset()
        self._now = 0

    @classmethod
    def of(cls, roster: Roster, state: dict[str, Any]) -> Self:
        """The standing in a state that coordination wrote; raises KeyError, TypeError or ValueError for another."""
        standing = cls(roster)
        standing._now = int(state["now"])
        standing._throttle.take_up(state["throttle"], standing._now)
        standing._activity.take_up(state["activity"])
        standing._participation.take_up(state["participation"])
        standing._muted = frozenset(state["muted"])
        return standing

    def activity(self, agent: str, now: int) -> float:
        """The activity score of an agent on the roster at `now` (microseconds)."""
        return self._activity.score(agent, max(now, self._now))

    def threshold(self, agent: str) -> float:
        """The participation threshold of an agent on the roster that is in force."""
        return self._participation.threshold(agent)

    def prospect(
        self, facts: Facts, message_class: MessageClass, recipient: str | None, now: int
    ) -> Prospect:
        """What a message with these facts, from a sender on the roster, would meet at `now` (microseconds)."""
        now = max(now, self._now)
        activity = self._activity.score(facts.sender, now)
        if facts.sender in self._muted:
            return Prospect("muted", 0, activity, ())
        wait = self._throttle.wait((facts.sender, message_class), now)
        if wait or recipient is not None:
            return Prospect(None, wait, activity, ())
        others = [agent for agent in self._agents if agent != facts.sender]
        deliveries = self._participation.verdicts(facts, others, activity, now)
        return Prospect(None, 0, activity, tuple(deliveries))
