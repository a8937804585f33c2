"""Volatility: when the market wakes up, go with the move that woke it."""

from agents.rules.entry import entry, holds_already
from agents.rules.rule import MarketView, Opinion, hold, register
from agents.rules.series import volatility
from contracts.payloads import Side

SHORT, LONG = 4, 24
AWAKE = 1.25
"""The ratio of short to long volatility from which on the market is awake."""


@register("volatility")
class Volatility:
    """Short against long volatility, and the direction of the move.

    ratio = s4 / s24, the standard deviations of the last 4 and 24 one-bar log returns; move = the last 4
    bars' return in units of s24 x 2 (what a random walk of 4 bars does on average). ratio >= 1.25 and |move|
    >= 1: trade in the move's direction; else HOLD. Confidence is 0.5 at a ratio of 1.25 and 0.85 from 2 on;
    the size falls as the long volatility rises above 10 basis points a bar, so that the risk stays the same.
    Nothing is said before 25 closes.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) <= LONG:
            return hold(f"{len(view.closes)} closed bars; the long volatility needs {LONG + 1}.")
        long = volatility(view.closes[-LONG - 1 :])
        if long == 0.0:
            return hold("The price does not move.")
        ratio = volatility(view.closes[-SHORT - 1 :]) / long
        move = (view.closes[-1] / view.closes[-SHORT - 1] - 1.0) / (2.0 * long)
        told = f"Volatility is {ratio:.2f} times its usual, the move {move:+.2f} deviations"
        if ratio < AWAKE or abs(move) < 1.0:
            return hold(f"{told}: calm.", confidence=0.5)
        side = Side.BUY if move > 0 else Side.SELL
        if holds_already(view, side):
            return hold(f"{told}: on board already.", confidence=0.6)
        confidence = 0.5 + 0.35 * min((ratio - AWAKE) / (2.0 - AWAKE), 1.0)
        return entry(
            view,
            side,
            confidence=confidence,
            size_fraction=confidence * min(1.0, 0.001 / long),
            bar_volatility=long,
            bars=30,
            reward=2.0,
            rationale=f"{told}: it woke up.",
        )
