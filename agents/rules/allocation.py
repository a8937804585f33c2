"""Allocation: hold a little of what drifts steadily for its risk, and none of what does not."""

import math

from agents.rules.entry import entry
from agents.rules.rule import MarketView, Opinion, hold, register
from agents.rules.series import log_returns, volatility
from contracts.payloads import Side

WINDOW = 30
WORTH_HOLDING = 0.8
NOT_WORTH_HOLDING = 0.2
SMALL = 0.25
"""Every trade is a quarter of what the agent may put into one: the mix is moved in small steps."""


@register("allocation")
class Allocation:
    """The drift of the last 30 bars for its risk: total log return / (s x sqrt(30)), about N(0, 1) at random.

    Holding nothing: drift >= 0.8 BUY, <= -0.8 SELL. Holding: when the drift in the holding's direction is
    below 0.2, a trade of the other side brings it down. Else HOLD. Nothing is said before 31 closes.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) <= WINDOW:
            return hold(f"{len(view.closes)} closed bars; the drift needs {WINDOW + 1}.")
        window = view.closes[-WINDOW - 1 :]
        noise = volatility(window)
        if noise == 0.0:
            return hold("The price does not move.")
        drift = sum(log_returns(window)) / (noise * math.sqrt(WINDOW))
        held = (view.position_quantity > 0) - (view.position_quantity < 0)
        told = f"The drift of {WINDOW} bars is {drift:+.2f} for its risk"
        if held == 0 and abs(drift) >= WORTH_HOLDING:
            side = Side.BUY if drift > 0 else Side.SELL
            return self._step(view, side, noise, drift, f"{told}: worth holding.")
        if held and drift * held < NOT_WORTH_HOLDING:
            closing = Side.SELL if held > 0 else Side.BUY
            return self._step(view, closing, noise, drift, f"{told}: the holding is brought down.")
        return hold(f"{told}: the mix stays as it is.", confidence=0.5)

    def _step(self, view: MarketView, side: Side, noise: float, drift: float, rationale: str) -> Opinion:
        return entry(
            view,
            side,
            confidence=0.5 + 0.1 * min(abs(drift), 3.0),
            size_fraction=SMALL,
            bar_volatility=noise,
            bars=WINDOW,
            reward=1.5,
            rationale=rationale,
        )
