"""Participation: which of the possible recipients a broadcast is delivered to."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from contracts.coordination.relevance import Facts, Relevance
from contracts.roster import Roster

FLOOR_MICROS = 5 * 60 * 1_000_000
"""Every agent gets at least one broadcast in this time, when there is one."""

HOLD_BACK_ABOVE = 2.0
"""A sender above this many times the desk's mean activity is held back until it decays."""

ACTIVE_SENDER_SLOPE = 0.2
"""How much a threshold rises for each 1.0 of the sender's activity above the mean."""

QUIET_RECIPIENT_RELIEF = 0.2
"""How much a threshold falls for a recipient that has heard nothing for a whole floor interval."""


class DeliveryReason(StrEnum):
    """Why a message is, or is not, delivered to a recipient."""

    CRITICAL = "critical"
    DIRECTED = "directed"
    RELEVANT = "relevant"
    FLOOR = "floor"
    NOT_RELEVANT = "not_relevant"
    SENDER_TOO_ACTIVE = "sender_too_active"


# An attribute of an Enum costs more than the rest of a verdict.
_RELEVANT, _FLOOR = DeliveryReason.RELEVANT, DeliveryReason.FLOOR
_NOT_RELEVANT, _SENDER_TOO_ACTIVE = DeliveryReason.NOT_RELEVANT, DeliveryReason.SENDER_TOO_ACTIVE

_new = tuple.__new__  # a NamedTuple's own is written in Python

_NEVER = -FLOOR_MICROS
"""When an agent heard something that never did: it is as quiet as can be."""


class DeliveryVerdict(NamedTuple):
    """The verdict for one message and one possible recipient, with the numbers that it follows from."""

    recipient: str
    delivered: bool
    reason: DeliveryReason
    relevance: float
    threshold: float


def held_back(sender_activity: float) -> bool:
    """Whether broadcasts of a sender of that activity are held back until it decays."""
    return sender_activity > HOLD_BACK_ABOVE


class Participation:
    """Delivers a broadcast where its relevance reaches the recipient's effective threshold.

        effective = own threshold
                    + 0.2 x (sender's activity - 1)          where the sender is above the desk's mean
                    - 0.2 x (quiet time / floor interval)    where the recipient has heard no broadcast for a while

    A sender above twice the mean reaches nobody until it decays, except by the floor: a recipient that has heard no
    broadcast for a whole floor interval gets the next one, whatever it is. `verdict` asks and changes nothing;
    `delivered` is told what was really delivered.
    """

    def __init__(self, roster: Roster) -> None:
        self._relevance = Relevance(roster)
        self._given = {profile.agent: profile.participation_threshold for profile in roster.agents}
        self._thresholds = dict(self._given)
        self._changed: dict[str, float] = {}
        self._heard_at: dict[str, int] = {}

    def verdict(self, facts: Facts, recipient: str, sender_activity: float, now: int) -> DeliveryVerdict:
        """Whether a broadcast with these facts would be delivered to the recipient at `now` (microseconds)."""
        relevance = {recipient: self._relevance.of(facts, recipient)}
        return self._verdicts(relevance, (recipient,), sender_activity, now)[0]

    def verdicts(
        self, facts: Facts, recipients: Sequence[str], sender_activity: float, now: int
    ) -> list[DeliveryVerdict]:
        """The verdict for each of the recipients, in their order."""
        return self._verdicts(self._relevance.to_each(facts), recipients, sender_activity, now)

    def _verdicts(
        self, relevances: Mapping[str, float], recipients: Sequence[str], sender_activity: float, now: int
    ) -> list[DeliveryVerdict]:
        thresholds, heard_at = self._thresholds, self._heard_at
        too_active = held_back(sender_activity)
        raised = ACTIVE_SENDER_SLOPE * (sender_activity - 1.0) if sender_activity > 1.0 else 0.0
        verdicts = []
        for recipient in recipients:
            relevance = relevances[recipient]
            quiet = now - heard_at.get(recipient, _NEVER)
            quiet_share = 1.0 if quiet >= FLOOR_MICROS else quiet / FLOOR_MICROS if quiet > 0 else 0.0
            threshold = thresholds[recipient] - QUIET_RECIPIENT_RELIEF * quiet_share + raised
            threshold = 0.0 if threshold < 0.0 else 1.0 if threshold > 1.0 else threshold
            if quiet_share == 1.0:
                delivered, reason = True, _FLOOR
            elif too_active:
                delivered, reason = False, _SENDER_TOO_ACTIVE
            elif relevance >= threshold:
                delivered, reason = True, _RELEVANT
            else:
                delivered, reason = False, _NOT_RELEVANT
            verdicts.append(_new(DeliveryVerdict, (recipient, delivered, reason, relevance, threshold)))
        return verdicts

    def delivered(self, recipient: str, now: int) -> None:
        """A broadcast was delivered to the recipient at `now`."""
        if now > self._heard_at.get(recipient, _NEVER):
            self._heard_at[recipient] = now

    def threshold(self, agent: str) -> float:
        """The agent's own threshold."""
        return self._thresholds[agent]

    def change_threshold(self, agent: str, threshold: float) -> None:
        """Put another threshold in force from here on."""
        self._thresholds[agent] = self._changed[agent] = threshold

    def state(self) -> list[Any]:
        """Changed thresholds and last deliveries by agent: what `take_up` reads."""
        return [_sorted(self._changed), _sorted(self._heard_at)]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave; agents that left the roster since are forgotten.

        A threshold that was changed stays in force. One that was not is the roster's, which may be another by now.
        """
        changed, heard_at = state
        self._changed = _known(changed.items(), self._given)
        self._thresholds = self._given | self._changed
        self._heard_at = _known(heard_at.items(), self._given)


def _sorted(by_agent: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(by_agent.items()))


def _known(items: Iterable[tuple[str, Any]], agents: dict[str, float]) -> dict[str, Any]:
    return {agent: value for agent, value in items if agent in agents}
