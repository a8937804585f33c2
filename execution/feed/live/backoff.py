"""How long to wait before the next attempt."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Doubles the wait from `first` seconds to `most`, less up to a quarter at random; starts over after a success.

    With first 0.5 and most 30: 0.5, 1, 2, 4, 8, 16, 30, 30, ... The venue's own Retry-After counts when it is longer.
    """

    first: float = 0.5
    most: float = 30.0
    _attempts: int = field(default=0, init=False)

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait now."""
        wait: float = min(self.most, self.first * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        # So that feeds that lost the venue at the same moment do not come back at the same moment.
        return max(at_least, wait * (1 - random.random() / 4))  # noqa: S311

    def start_over(self) -> None:
        """The last attempt succeeded."""
        self._attempts = 0
