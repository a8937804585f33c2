"""Momentum: buy what has been rising, sell what has been falling, once it moved more than noise would."""

from agents.rules.entry import entry, holds_already
from agents.rules.rule import MarketView, Opinion, hold, register
from agents.rules.series import exponential_average, volatility
from contracts.payloads import Side

FAST, SLOW = 6, 18
CLEAR = 1.0
"""The gap between the averages, in standard deviations of a bar's return, from which on it is a trend."""


@register("momentum")
class Momentum:
    """The fast average against the slow one.

    gap = (EMA6 - EMA18) / EMA18 / s, s the standard deviation of the last 18 one-bar log returns.
    gap >= 1: BUY; gap <= -1: SELL; else HOLD. Confidence is 0.5 at a gap of 1 and 0.9 from 3 on.
    Nothing is said before 19 closes, and a side that is already held is not added to.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) <= SLOW:
            return hold(f"{len(view.closes)} closed bars; the slow average needs {SLOW + 1}.")
        closes = view.closes[-2 * SLOW :]
        noise = volatility(view.closes[-SLOW - 1 :])
        if noise == 0.0:
            return hold("The price does not move.")
        slow = exponential_average(closes, SLOW)
        gap = (exponential_average(closes, FAST) - slow) / slow / noise
        if abs(gap) < CLEAR:
            return hold(f"EMA{FAST} is {gap:+.2f} bar deviations from EMA{SLOW}: no trend.", confidence=0.5)
        side = Side.BUY if gap > 0 else Side.SELL
        if holds_already(view, side):
            return hold(f"The trend ({gap:+.2f} bar deviations) goes on and is held.", confidence=0.6)
        confidence = 0.5 + 0.2 * min(abs(gap) - CLEAR, 2.0)
        return entry(
            view,
            side,
            confidence=confidence,
            size_fraction=confidence,
            bar_volatility=noise,
            bars=15,
            reward=1.5,
            rationale=f"EMA{FAST} is {gap:+.2f} bar deviations from EMA{SLOW}: a trend.",
        )
