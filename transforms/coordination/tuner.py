"""The tuner: which participation thresholds would suit the market and the desk's talk as they are now."""

from collections.abc import Mapping
from enum import StrEnum
from math import log2
from typing import Any, NamedTuple

_SECOND = 1_000_000

EVERY_MICROS = 300 * _SECOND
"""Event time between two looks at the thresholds."""

USUAL_HALF_LIFE_MICROS = 6 * 3_600 * _SECOND
"""What counts as the market's usual volatility forgets with this half-life."""

REGIME_SLOPE = 0.10
"""How much a threshold rises when the market is twice as volatile as usual, and falls when it is half as volatile."""

ACTIVITY_SLOPE = 0.05
"""How much it rises for an agent at twice the desk's mean activity, and falls for one that is silent."""

FARTHEST = 0.15
"""How far a suggestion may be from what a person set (at first: the roster)."""

LARGEST_STEP = 0.05
"""How far one suggestion may be from the threshold in force."""

SMALLEST_STEP = 0.02
"""What is less is not worth a change."""

REPEATED_AFTER_MICROS = 3_600 * _SECOND
"""A suggestion that still stands is made again after so long."""

LEAST, MOST = 0.05, 0.95
"""No agent is made to hear everything, or next to nothing."""

ISSUER = "tuner"
"""Who issues the tuner's controls."""


class Tuning(StrEnum):
    """What becomes of the tuner's suggestions."""

    OFF = "off"
    """There are none."""

    SUGGEST = "suggest"
    """They are rows, for a person to read."""

    APPLY = "apply"
    """They are rows, and controls that go into force like a person's."""


class Suggestion(NamedTuple):
    """Another threshold for an agent: from what, to what, at which regime and activity."""

    agent: str
    threshold: float
    suggested: float
    regime: float
    activity: float

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        return (
            f"the market is {self.regime:.2f} times as volatile as usual, "
            f"and the agent {self.activity:.2f} times as active as the desk's mean"
        )


class Tuner:
    """Looks at the thresholds every five minutes of event time.

        wanted = middle + 0.10 x log2(volatility / usual volatility) + 0.05 x (activity - 1)

    where both terms are held within once their slope, and wanted within 0.15 of the middle: what a person set last, or the
    roster. One look moves a threshold by 0.05 at most and not at all by less than 0.02. When the market is wild everybody
    talks, so each agent hears what concerns it more; when it is calm there is room for more. Who is silent is drawn in.

        middle 0.5, in force 0.5, twice the usual volatility, activity 1     wanted 0.60    suggested 0.55, then 0.60
        the same, four times the usual volatility, activity 3                wanted 0.65    suggested 0.55
        the same, usual volatility, activity 0.8                             wanted 0.49    nothing
    """

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._given = dict(thresholds)
        self._set: dict[str, float] = {}
        self._looked = 0
        self._heard = 0
        self._weight = 0.0
        self._sum = 0.0
        self._volatility = 0.0
        self._said: dict[str, list[Any]] = {}

    def hear(self, volatility: float, now: int) -> None:
        """Take up the market's volatility, a share of the price in a day."""
        decay = 2.0 ** ((self._heard - now) / USUAL_HALF_LIFE_MICROS) if self._heard else 0.0
        self._weight = self._weight * decay + 1.0
        self._sum = self._sum * decay + volatility
        self._volatility = volatility
        self._heard = now

    def set_by_a_person(self, agent: str, threshold: float) -> None:
        """From here on the agent's suggestions stay around this threshold."""
        self._set[agent] = threshold

    @property
    def regime(self) -> float:
        """The market's volatility over its usual one; 1 while nothing is known."""
        return self._volatility * self._weight / self._sum if self._sum else 1.0

    def look(
        self, thresholds: Mapping[str, float], activity: Mapping[str, float], now: int
    ) -> list[Suggestion]:
        """What to change, from the thresholds in force and the activity scores; nothing before it is time."""
        if self._looked and now - self._looked < EVERY_MICROS:
            return []
        self._looked = now
        regime = self.regime
        found = (
            Suggestion(
                agent, own, self._suggested(agent, own, regime, activity[agent]), regime, activity[agent]
            )
            for agent, own in thresholds.items()
        )
        news = [said for said in found if said.suggested != said.threshold and not self._is_said(said, now)]
        self._said.update({said.agent: [said.threshold, said.suggested, now] for said in news})
        return news

    def _is_said(self, suggestion: Suggestion, now: int) -> bool:
        """Whether next to the same was suggested lately, and the threshold in force is the same still."""
        threshold, suggested, at = self._said.get(suggestion.agent, (None, 0.0, 0))
        stands = threshold == suggestion.threshold and abs(suggested - suggestion.suggested) < SMALLEST_STEP
        return stands and now - at < REPEATED_AFTER_MICROS

    def _suggested(self, agent: str, own: float, regime: float, activity: float) -> float:
        middle = self._set.get(agent, self._given[agent])
        wanted = middle + REGIME_SLOPE * _within_one(log2(regime) if regime > 0 else -1.0)
        wanted += ACTIVITY_SLOPE * _within_one(activity - 1.0)
        wanted = _clamped(wanted, max(LEAST, middle - FARTHEST), min(MOST, middle + FARTHEST))
        suggested = round(_clamped(wanted, own - LARGEST_STEP, own + LARGEST_STEP), 3)
        return own if abs(suggested - own) < SMALLEST_STEP else _clamped(suggested, 0.0, 1.0)

    def state(self) -> list[Any]:
        """All of it as plain values: what `take_up` reads."""
        numbers = [self._looked, self._heard, self._weight, self._sum, self._volatility]
        return [dict(sorted(self._set.items())), dict(sorted(self._said.items())), *numbers]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave; agents that left the roster since are forgotten."""
        were_set, said, self._looked, self._heard, self._weight, self._sum, self._volatility = state
        self._set = {agent: middle for agent, middle in were_set.items() if agent in self._given}
        self._said = {agent: last for agent, last in said.items() if agent in self._given}


def _within_one(number: float) -> float:
    return _clamped(number, -1.0, 1.0)


def _clamped(number: float, low: float, high: float) -> float:
    return max(low, min(high, number))
