"""What the rules ask of highs, lows and closes: how far a bar goes, how one-sided the moves are."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean


def average_true_range(
    highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], bars: int
) -> float:
    """The mean true range of the last `bars` bars, in price: max(high, last close) - min(low, last close)."""
    columns = list(zip(highs, lows, closes, strict=True))
    ranges = [
        max(high, before) - min(low, before)
        for (_, _, before), (high, low, _) in pairwise(columns[-bars - 1 :])
    ]
    return fmean(ranges) if ranges else 0.0


def relative_strength(closes: Sequence[float], bars: int) -> float:
    """The RSI over the last `bars` moves, by plain means: 100 x gains / (gains + losses); 50 when nothing moved."""
    moves = [after - before for before, after in pairwise(closes[-bars - 1 :])]
    gains = sum(move for move in moves if move > 0)
    losses = -sum(move for move in moves if move < 0)
    return 100.0 * gains / (gains + losses) if gains + losses else 50.0
