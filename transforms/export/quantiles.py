"""Quantiles of a stream of latencies, in bounded memory."""

import math
from collections.abc import Mapping

ERROR = 0.02
"""A quantile is told to within 2 % of its value."""

_RATIO = (1 + ERROR) / (1 - ERROR)
_LEAST = 0.01
_MOST = 1e8


class Quantiles:
    """Counts values in buckets that grow by 4 %, so that a quantile is right to within 2 %.

    This is DDSketch (Masson, Rim, Lee, VLDB 2019). Values are milliseconds; those below 0.01 ms and above 28 h count as
    these. At most 600 buckets, however many values.
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = dict(counts or {})

    def add(self, value: float) -> None:
        """Count a value."""
        bucket = math.ceil(math.log(min(_MOST, max(_LEAST, value)), _RATIO))
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def at(self, share: float) -> float | None:
        """The value that `share` of the values do not exceed; None when there is none."""
        rank = math.ceil(share * sum(self._counts.values()))
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return 2 * _RATIO**bucket / (1 + _RATIO)
        return None

    def state(self) -> list[list[int]]:
        """The buckets and their counts: a mapping's items."""
        return [list(item) for item in sorted(self._counts.items())]
