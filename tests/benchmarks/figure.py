"""What a benchmark measures: a figure, and what others reach at the same work in the same run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured value with its unit, and the peers' values in the same unit."""

    value: float
    unit: str
    beside: Mapping[str, float] = field(default_factory=dict)


Figures = dict[str, Figure]
Section = Callable[[], Figures]


class CannotRun(Exception):
    """A section's way to say, in one sentence, what it lacks on this machine; `measured` is what it could do without."""

    def __init__(self, reason: str, measured: Figures | None = None) -> None:
        super().__init__(reason)
        self.measured: Figures = measured or {}
