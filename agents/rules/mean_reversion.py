"""Mean reversion: what went too far from its average is expected to come back to it."""

from agents.rules.entry import entry, holds_already
from agents.rules.rule import MarketView, Opinion, hold, register
from agents.rules.series import volatility, z_score
from contracts.payloads import Side

WINDOW = 20
STRETCHED = 1.8
"""Standard deviations from the mean at which a price counts as stretched."""
BACK = 0.3
"""Standard deviations from the mean within which it has come back."""


@register("mean_reversion")
class MeanReversion:
    """The last close's distance from the mean of 20, in standard deviations (z).

    z <= -1.8: BUY; z >= 1.8: SELL; a position whose price came back (|z| <= 0.3, or past the mean) is closed
    by a trade of the other side; else HOLD. Confidence is 0.5 at 1.8 and 0.9 from 3.1 on. Nothing is said
    before 20 closes.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) < WINDOW:
            return hold(f"{len(view.closes)} closed bars; the mean needs {WINDOW}.")
        window = view.closes[-WINDOW:]
        score = z_score(window)
        side = Side.BUY if score < 0 else Side.SELL
        if abs(score) >= STRETCHED:
            if holds_already(view, side):
                return hold(f"Stretched ({score:+.2f} deviations), and held already.", confidence=0.6)
            confidence = 0.5 + 0.3 * min(abs(score) - STRETCHED, 4 / 3)
            why = f"The price is {score:+.2f} deviations from its mean of {WINDOW}."
            return self._trade(view, side, confidence, why)
        held = Side.BUY if view.position_quantity > 0 else Side.SELL
        if view.position_quantity and score * held.sign >= -BACK:
            closing = Side.SELL if held is Side.BUY else Side.BUY
            why = f"The price is back at its mean ({score:+.2f} deviations)."
            return self._trade(view, closing, 0.6, why)
        return hold(f"The price is {score:+.2f} deviations from its mean of {WINDOW}.", confidence=0.5)

    def _trade(self, view: MarketView, side: Side, confidence: float, rationale: str) -> Opinion:
        return entry(
            view,
            side,
            confidence=confidence,
            size_fraction=confidence,
            bar_volatility=volatility(view.closes[-WINDOW:]),
            bars=10,
            reward=1.0,
            rationale=rationale,
        )
