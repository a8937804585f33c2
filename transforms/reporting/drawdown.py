"""How far below its highest level so far a series of returns stood, and for how long."""

from dataclasses import dataclass

import numpy as np

from transforms.reporting.series import Floats, Steps


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One stretch below a high, in microseconds since 1970; `recovered` is None when it had not ended."""

    depth: float
    peak: int
    trough: int
    recovered: int | None

    def lasted(self, end: int) -> int:
        """Microseconds from the peak to the recovery, or to the period's end."""
        return (end if self.recovered is None else self.recovered) - self.peak


def drawdowns(returns: Floats) -> Floats:
    """At every edge, (n + 1,): 1 - level / highest level so far, 0 at a high, 1 when all is lost."""
    levels = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return 1.0 - levels / np.maximum.accumulate(levels)


def deepest(returns: Floats) -> float:
    """The deepest drawdown, as a positive share of the high before it."""
    return float(np.max(drawdowns(returns)))


def stretches(returns: Floats, steps: Steps) -> list[Drawdown]:
    """Every stretch below a high, in order; the peak is the last edge at the high."""
    below = drawdowns(returns)
    under = below > 0
    begins = np.flatnonzero(under[1:] & ~under[:-1])
    ends = np.flatnonzero(~under[1:] & under[:-1]) + 1
    found = []
    for place, begin in enumerate(begins):
        recovered = int(ends[place]) if place < len(ends) else None
        trough = begin + 1 + int(np.argmax(below[begin + 1 : recovered]))
        found.append(
            Drawdown(
                depth=float(below[trough]),
                peak=int(steps.edges[begin]),
                trough=int(steps.edges[trough]),
                recovered=None if recovered is None else int(steps.edges[recovered]),
            )
        )
    return found
