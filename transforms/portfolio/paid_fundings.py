"""Which fundings were booked already."""

FUNDINGS_KEPT = 256
"""Ids that are remembered: several funding times of all agents and symbols together; Pub/Sub repeats within minutes."""


class PaidFundings:
    """The ids of the last fundings, so that one that is delivered twice is booked once."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def hear(self, funding_id: str) -> bool:
        """Whether it is the first time."""
        if funding_id in self._ids:
            return False
        self._ids[funding_id] = None
        if len(self._ids) > FUNDINGS_KEPT:
            del self._ids[next(iter(self._ids))]
        return True

    def dump(self) -> list[str]:
        """As JSON, the oldest first."""
        return list(self._ids)

    def load(self, dumped: list[str]) -> None:
        """Take up what `dump` wrote."""
        self._ids = dict.fromkeys(dumped)
