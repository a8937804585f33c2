"""Trades on bars: what follows from an agent's opinions when each is filled at the next bar's open."""

from dataclasses import dataclass, replace

from agents.kinds.forecast import ROUND_TRIP
from contracts.decisions import Opinion
from tests.benchmarks.quality_bars import Bars


@dataclass(frozen=True)
class Lot:
    """A part of a position: direction, share of a full trade, what it was opened at, and when it ends."""

    sign: int
    size: float
    entered: int
    price: float
    stop: float | None
    target: float | None
    expires: int


@dataclass(frozen=True)
class Trade:
    """A closed lot: its return before costs as a share of the price, and for how many bars it was held."""

    lot: Lot
    gross: float
    held: int

    @property
    def net(self) -> float:
        """After the fees and the spread of both ways."""
        return self.gross - ROUND_TRIP


class Account:
    """What an agent holds of one symbol, and what it closed.

    An opinion at the close of bar i is filled at the open of bar i + 1. A lot ends at its stop or target when a bar reaches
    it (the stop first when a bar reaches both, and at the open when that is beyond), or at the close of its horizon.
    An opinion against the position closes it, first in, first out; what is more than the position opens the other way,
    unless the agent only closes (`closes_only`).
    """

    def __init__(self, bars: Bars, closes_only: bool) -> None:
        self._bars = bars
        self._closes_only = closes_only
        self.lots: list[Lot] = []
        self.trades: list[Trade] = []

    def held(self) -> float:
        """Full trades held, signed."""
        return sum(lot.sign * lot.size for lot in self.lots)

    def fill(self, opinion: Opinion, bar: int) -> None:
        """Fill an opinion at the open of `bar`."""
        sign, left, price = opinion.side.sign, opinion.size_fraction, float(self._bars.open[bar])
        against = self.held() * sign < 0
        while self.lots and self.lots[0].sign == -sign and left > 1e-9:
            first = self.lots.pop(0)
            closed = min(first.size, left)
            self._close(replace(first, size=closed), price, bar)
            left -= closed
            if first.size - closed > 1e-9:
                self.lots.insert(0, replace(first, size=first.size - closed))
        if left > 1e-9 and not (against and self._closes_only):
            length = max(1, round(opinion.horizon_seconds / self._bars.seconds))
            levels = (opinion.stop_loss, opinion.take_profit)
            stop, target = (None if level is None else float(level) for level in levels)
            self.lots.append(Lot(sign, left, bar, price, stop, target, bar + length - 1))

    def pass_bar(self, bar: int) -> None:
        """What a bar does to the lots: stops, targets, ends of horizons."""
        for lot in list(self.lots):
            price = self._exit(lot, bar)
            if price is not None:
                self.lots.remove(lot)
                self._close(lot, price, bar + 1)

    def end(self) -> None:
        """Close what is left at the last close."""
        last = len(self._bars) - 1
        for lot in self.lots:
            self._close(lot, float(self._bars.close[last]), last + 1)
        self.lots = []

    def _exit(self, lot: Lot, bar: int) -> float | None:
        first, high, low = (
            float(column[bar]) for column in (self._bars.open, self._bars.high, self._bars.low)
        )
        worst, best = (low, high) if lot.sign > 0 else (high, low)
        if lot.stop is not None and (worst - lot.stop) * lot.sign <= 0:
            return first if (first - lot.stop) * lot.sign < 0 else lot.stop
        if lot.target is not None and (best - lot.target) * lot.sign >= 0:
            return first if (first - lot.target) * lot.sign > 0 else lot.target
        return float(self._bars.close[bar]) if bar >= lot.expires else None

    def _close(self, lot: Lot, price: float, bar: int) -> None:
        self.trades.append(Trade(lot, lot.sign * (price / lot.price - 1.0), max(bar - lot.entered, 1)))
