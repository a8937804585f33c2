"""The activity score: how much an agent says and trades, beside the desk's mean."""

from collections.abc import Iterable
from typing import Any

MESSAGE_WEIGHT = 0.3
TRADE_WEIGHT = 0.7
HALF_LIFE_MICROS = 5 * 60 * 1_000_000

PRIOR = 5 * MESSAGE_WEIGHT
"""What every agent is credited with for being there: five messages. Without it the first message on a silent desk would
make its sender as many times the mean as there are agents."""

_RESCALE_AFTER_HALF_LIVES = 512


class Activity:
    """Exponentially decayed 0.3 x messages + 0.7 x trades, half-life 5 minutes, over the desk's mean: 1.0 is average.

        score = (a + p) / (mean of a over the desk + p),   a = sum of weight x 2^(-age / half-life),   p = PRIOR

    Nothing is decayed one by one: what happens at time t is added with the growing weight 2^((t - landmark) / half-life)
    (forward decay; Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009), so an agent costs one number. When the weights grow
    past 2^512 the landmark moves.
    """

    def __init__(self, agents: Iterable[str]) -> None:
        self._sums: dict[str, float] = dict.fromkeys(sorted(agents), 0.0)
        self._total = 0.0
        self._landmark = 0

    def message(self, agent: str, now: int) -> None:
        """The agent said something at `now` (microseconds)."""
        self._add(agent, now, MESSAGE_WEIGHT)

    def trade(self, agent: str, now: int) -> None:
        """An order of the agent was filled at `now`."""
        self._add(agent, now, TRADE_WEIGHT)

    def score(self, agent: str, now: int) -> float:
        """The agent's activity at `now` over the desk's mean; asking changes nothing."""
        shrink: float = 2.0 ** ((self._landmark - now) / HALF_LIFE_MICROS)
        mean = self._total * shrink / len(self._sums)
        return (self._sums[agent] * shrink + PRIOR) / (mean + PRIOR)

    def _add(self, agent: str, now: int, weight: float) -> None:
        if now - self._landmark > _RESCALE_AFTER_HALF_LIVES * HALF_LIFE_MICROS:
            self._move_landmark(now)
        grown = weight * 2.0 ** ((now - self._landmark) / HALF_LIFE_MICROS)
        self._sums[agent] += grown
        self._total += grown

    def _move_landmark(self, now: int) -> None:
        shrink = 2.0 ** ((self._landmark - now) / HALF_LIFE_MICROS) if self._total else 0.0
        self._sums = {agent: value * shrink for agent, value in self._sums.items()}
        self._total = sum(self._sums.values())
        self._landmark = now

    def state(self) -> list[Any]:
        """Landmark, total and the sums by agent: what `take_up` reads."""
        return [self._landmark, self._total, self._sums]

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave; who joined the roster since starts at zero, who left it is forgotten."""
        self._landmark, self._total, sums = state
        self._sums.update({agent: value for agent, value in sums.items() if agent in self._sums})
        if self._sums.keys() != sums.keys():
            self._total = sum(self._sums.values())
