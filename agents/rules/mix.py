"""The mix: a portfolio of what drifts steadily, each by the inverse of its risk."""

import math
from collections.abc import Mapping, Sequence

from agents.rules.series import log_returns, volatility

WINDOW = 30
WORTH_HOLDING = 0.8
NOT_WORTH_HOLDING = 0.2
GROSS = 0.3
"""So much of the capital is held when everything is worth holding."""


def mix(markets: Mapping[str, tuple[Sequence[float], float]]) -> dict[str, float]:
    """The weight of each symbol, given its closes and what is held of it; at most `GROSS` in all.

    The drift of the last 30 bars for its risk is total log return / (s x sqrt(30)), about N(0, 1) at random. What is not
    held is taken up from |drift| >= 0.8 on, and what is held is kept while the drift goes its way by 0.2. Each worth
    holding has GROSS x (1 / s) / sum of all 1 / s. Symbols with fewer than 31 closes, or that do not move, have 0.
    """
    seen = {symbol: _direction(closes, held) for symbol, (closes, held) in markets.items()}
    risks = {symbol: 1.0 / noise for symbol, (_, noise) in seen.items() if noise}
    return {
        symbol: round(direction * GROSS * risks[symbol] / sum(risks.values()), 4) if direction else 0.0
        for symbol, (direction, _) in sorted(seen.items())
    }


def _direction(closes: Sequence[float], held: float) -> tuple[int, float]:
    """Long, short or neither, and the deviation of a bar's return."""
    window = closes[-WINDOW - 1 :]
    noise = volatility(window)
    if len(window) <= WINDOW or noise == 0.0:
        return 0, noise
    drift = sum(log_returns(window)) / (noise * math.sqrt(WINDOW))
    side = (held > 0) - (held < 0)
    if side and drift * side >= NOT_WORTH_HOLDING:
        return side, noise
    return ((drift > 0) - (drift < 0) if abs(drift) >= WORTH_HOLDING else 0), noise
