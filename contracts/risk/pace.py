"""The pace of orders: how many each agent and the desk were granted lately."""

from typing import Any

_MINUTE = 60_000_000


class OrderPace:
    """When each agent's orders were accepted, for the 60 seconds of event time before the clock."""

    def __init__(self) -> None:
        self._accepted: dict[str, list[int]] = {}

    def count(self, clock: int, agent: str | None = None) -> int:
        """An agent's orders, or the desk's."""
        lists = self._accepted.values() if agent is None else [self._accepted.get(agent, [])]
        return sum(1 for times in lists for at in times if at > clock - _MINUTE)

    def accept(self, clock: int, agent: str) -> None:
        """One more order, now."""
        self._accepted[agent] = [at for at in self._accepted.get(agent, []) if at > clock - _MINUTE] + [clock]

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {agent: list(times) for agent, times in self._accepted.items()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self._accepted = {agent: [int(at) for at in times] for agent, times in dumped.items()}
