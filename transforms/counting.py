"""Counting: what a job's steps did, as Beam counters, and as a tally of the process for the local streaming runner.

The streaming direct runner keeps only the counts of the first bundle of a step (its state sampler holds on to that bundle's
metrics; seen with 2.77: twenty bundles of one element are counted as 1). A local job is one process, so the process
counts as well, and the launcher of a local stream reads that tally. Everywhere else Beam's own counters are read.
"""

import threading
from collections import Counter

from apache_beam.metrics import Metrics

METRICS = "sapphire"
"""The namespace of our Beam metrics."""

_tally: Counter[str] = Counter()
_lock = threading.Lock()


class _Count:
    """One named count."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._beam = Metrics.counter(METRICS, name)

    def inc(self, count: int = 1) -> None:
        """Count so many more."""
        self._beam.inc(count)
        with _lock:
            _tally[self._name] += count


class Held:
    """A count that is held back and told once a bundle: counting each element costs as much as handling it."""

    def __init__(self, name: str) -> None:
        self.count = 0
        self._told_to = _Count(name)

    def tell(self) -> None:
        """Count what was held back."""
        if self.count:
            self._told_to.inc(self.count)
            self.count = 0


def counter(name: str) -> _Count:
    """The job's count of that name; steps that give the same name count together."""
    return _Count(name)


def process_tally() -> dict[str, int]:
    """What all steps of this process have counted, by name."""
    with _lock:
        return dict(_tally)
