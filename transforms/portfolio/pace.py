"""The desk's short memory: which messages it heard, and how many orders it asked for, lately."""

from typing import Any

_MINUTE = 60_000_000


class HeardMessages:
    """The ids of the messages of the last `seconds` before the clock; an older wish is refused as too late anyway."""

    def __init__(self, seconds: int) -> None:
        self._micros = seconds * 1_000_000
        self._heard: dict[str, int] = {}

    def hear(self, message_id: str, micros: int, clock: int) -> bool:
        """Whether it is the first time."""
        self._heard = {known: at for known, at in self._heard.items() if at >= clock - self._micros}
        if message_id in self._heard:
            return False
        self._heard[message_id] = micros
        return True

    def dump(self) -> dict[str, int]:
        """As JSON."""
        return dict(self._heard)

    def load(self, dumped: dict[str, int]) -> None:
        """Take up what `dump` wrote."""
        self._heard = {str(known): int(at) for known, at in dumped.items()}


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
