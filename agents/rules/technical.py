"""Technical: trade the return from the edge of the Bollinger bands when the RSI says that the move is spent."""

from statistics import fmean, pstdev

from agents.rules.ranges import average_true_range, relative_strength
from agents.rules.rule import MarketView, Opinion, hold, register
from contracts.payloads import Side

BAND_BARS, BAND_WIDTH = 20, 2.0
RSI_BARS, OVERSOLD, OVERBOUGHT = 14, 35.0, 65.0
ATR_BARS, STOP_RANGES, TARGET_RANGES = 14, 1.5, 3.0
HORIZON_SECONDS = 15 * 60


@register("technical")
class Technical:
    """RSI 14, Bollinger 20/2, ATR 14 and volume, as in the original's AsterHFTStrategy, without its coin flips.

    BUY when the close is at or below the lower band, RSI <= 35 and the volume at least its mean of 20 bars; SELL
    mirrored (upper band, RSI >= 65). Stop 1.5 ATR away, target 3 ATR. A position is closed once the price is back at
    the middle band. Confidence is 0.5 plus 0.02 for each point of RSI past its bound, 0.9 at most.
    """

    def decide(self, view: MarketView) -> Opinion:
        if len(view.closes) <= BAND_BARS or not view.highs or not view.lows:
            return hold(f"{len(view.closes)} closed bars; the bands need {BAND_BARS + 1}.")
        window = view.closes[-BAND_BARS:]
        middle, width = fmean(window), BAND_WIDTH * pstdev(window)
        strength = relative_strength(view.closes, RSI_BARS)
        seen = f"RSI {strength:.0f}, price {view.price:g} in bands {middle - width:g} to {middle + width:g}"
        if width == 0.0:
            return hold("The price does not move.")
        if view.position_quantity:
            return self._with_position(view, middle, seen)
        past = max(OVERSOLD - strength, strength - OVERBOUGHT)
        side = self._side(view, middle, width, strength)
        if side is Side.HOLD:
            return hold(f"{seen}: nothing is spent.", confidence=0.5)
        if view.volumes and view.volumes[-1] < fmean(view.volumes[-BAND_BARS:]):
            return hold(f"{seen}, but the volume is below its mean.", confidence=0.5)
        ranges = average_true_range(view.highs, view.lows, view.closes, ATR_BARS)
        confidence = round(min(0.9, 0.5 + 0.02 * past), 4)
        return Opinion(
            side=side,
            confidence=confidence,
            size_fraction=confidence,
            stop_loss=view.at_tick(view.price - side.sign * STOP_RANGES * ranges),
            take_profit=view.at_tick(view.price + side.sign * TARGET_RANGES * ranges),
            horizon_seconds=HORIZON_SECONDS,
            rationale=f"{seen}: the move is spent.",
        )

    def _side(self, view: MarketView, middle: float, width: float, strength: float) -> Side:
        if view.price <= middle - width and strength <= OVERSOLD:
            return Side.BUY
        if view.price >= middle + width and strength >= OVERBOUGHT:
            return Side.SELL
        return Side.HOLD

    def _with_position(self, view: MarketView, middle: float, seen: str) -> Opinion:
        is_back = (view.price - middle) * view.position_quantity >= 0
        if not is_back:
            return hold(f"{seen}: the position waits for the middle band.", confidence=0.6)
        return Opinion(
            side=Side.SELL if view.position_quantity > 0 else Side.BUY,
            confidence=0.7,
            size_fraction=1.0,
            horizon_seconds=HORIZON_SECONDS,
            rationale=f"{seen}: back at the middle band {middle:g}, the trade is over.",
        )
