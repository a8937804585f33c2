"""Performance: what each agent makes of its capital after costs, exponentially weighted in event time."""

from collections.abc import Mapping
from decimal import Decimal
from math import fsum, sqrt
from typing import Any, NamedTuple

from contracts.risk.capital_limits import CapitalLimits
from contracts.risk.money import EXACT


class Record(NamedTuple):
    """An agent's returns on its capital, a sample each `performance_seconds`; all are shares, none is annualised.

    `samples` is the effective number (Kish: (sum of weights)^2 / sum of weights^2), `pain` the root mean square of its
    drawdown (the ulcer index), `beta` its mean change for a change of 1 of the market, `with_market` the correlation of its
    returns with the market's, `with_moves` their correlation with the size of the market's moves, whichever way.
    """

    samples: float = 0.0
    mean: float = 0.0
    deviation: float = 0.0
    pain: float = 0.0
    beta: float = 0.0
    alpha: float = 0.0
    with_market: float = 0.0
    with_moves: float = 0.0


class _Sums:
    """The weighted sums of one agent, from which all that is told follows."""

    NAMES = ("w", "ww", "r", "rr", "m", "mm", "a", "rm", "ra", "dd", "drawdown")
    __slots__ = NAMES

    def __init__(self, *values: float) -> None:
        for name, value in zip(self.NAMES, values or (0.0,) * len(self.NAMES), strict=True):
            setattr(self, name, value)

    def add(self, decay: float, earned: float, market: float) -> None:
        for name in self.NAMES:
            setattr(self, name, getattr(self, name) * (decay * decay if name == "ww" else decay))
        self.drawdown = max(0.0, self.drawdown - earned)
        self.w += 1.0
        self.ww += 1.0
        self.r += earned
        self.rr += earned * earned
        self.m += market
        self.mm += market * market
        self.a += abs(market)
        self.rm += earned * market
        self.ra += earned * abs(market)
        self.dd += self.drawdown * self.drawdown

    def record(self) -> Record:
        if not self.w:
            return Record()
        mean, market, moves = self.r / self.w, self.m / self.w, self.a / self.w
        variance = _positive(self.rr / self.w - mean * mean)
        of_market = _positive(self.mm / self.w - market * market)
        of_moves = _positive(self.mm / self.w - moves * moves)
        with_market = self.rm / self.w - mean * market
        beta = with_market / of_market if of_market else 0.0
        return Record(
            samples=self.w * self.w / self.ww,
            mean=mean,
            deviation=sqrt(variance),
            pain=sqrt(self.dd / self.w),
            beta=beta,
            alpha=mean - beta * market,
            with_market=_correlation(with_market, variance, of_market),
            with_moves=_correlation(self.ra / self.w - mean * moves, variance, of_moves),
        )

    def state(self) -> list[float]:
        return [getattr(self, name) for name in self.NAMES]

    w: float
    ww: float
    r: float
    rr: float
    m: float
    mm: float
    a: float
    rm: float
    ra: float
    dd: float
    drawdown: float


class Performance:
    """A sample each `performance_seconds`: r = change of (realised - fees + funding + unrealised) / capital, by agent.

    A sample's weight halves with every `performance_half_life_seconds` of event time. The market's return beside it is the
    mean of all marked symbols' returns. The drawdown is that of the summed returns from their high, its memory halving as
    the weights do: d = max(0, d x decay - r). With a half-life of one sample:

        profit / capital     0     1 %      0 %     0 %
        r                          1 %     -1 %     0 %
        mean                       1 %    -1/3 %  -1/7 %
        drawdown                   0        1 %    0.5 %
    """

    def __init__(self) -> None:
        self._sums: dict[str, _Sums] = {}
        self._profits: dict[str, Decimal] = {}
        self._prices: dict[str, Decimal] = {}
        self._micros = 0

    def is_due(self, clock: int, limits: CapitalLimits) -> bool:
        """Whether it is time for a sample."""
        return not self._micros or clock - self._micros >= limits.performance_seconds * 1_000_000

    def sample(
        self,
        clock: int,
        limits: CapitalLimits,
        profits: Mapping[str, Decimal],
        capital: Mapping[str, Decimal],
        prices: Mapping[str, Decimal],
    ) -> None:
        """Take a sample: profits and capital by agent, prices by symbol (quote currency); the first one only begins."""
        if self._micros:
            passed = (clock - self._micros) / 1e6
            decay = 2.0 ** (-passed / limits.performance_half_life_seconds)
            market = self._market_return(prices)
            for agent, profit in profits.items():
                earned = _share(profit - self._profits.get(agent, profit), capital.get(agent, Decimal(0)))
                self._sums.setdefault(agent, _Sums()).add(decay, earned, market)
        self._micros = clock
        self._profits = dict(profits)
        self._prices = dict(prices)

    def record(self, agent: str) -> Record:
        """What is known of an agent; nothing at all for one that was never sampled."""
        sums = self._sums.get(agent)
        return sums.record() if sums else Record()

    def _market_return(self, prices: Mapping[str, Decimal]) -> float:
        returns = [
            _share(price - self._prices[symbol], self._prices[symbol])
            for symbol, price in prices.items()
            if symbol in self._prices
        ]
        return fsum(returns) / len(returns) if returns else 0.0

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sums": {agent: sums.state() for agent, sums in self._sums.items()},
            "profits": {agent: str(profit) for agent, profit in self._profits.items()},
            "prices": {symbol: str(price) for symbol, price in self._prices.items()},
            "micros": self._micros,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self._sums = {agent: _Sums(*map(float, sums)) for agent, sums in dumped["sums"].items()}
        self._profits = {agent: Decimal(profit) for agent, profit in dumped["profits"].items()}
        self._prices = {symbol: Decimal(price) for symbol, price in dumped["prices"].items()}
        self._micros = int(dumped["micros"])


def _share(part: Decimal, whole: Decimal) -> float:
    return float(EXACT.divide(part, whole)) if whole > 0 else 0.0


_ROUNDING = 1e-24
"""A variance below this is what is left of rounding: returns that differ by less than 1e-12 are equal."""


def _positive(variance: float) -> float:
    return variance if variance > _ROUNDING else 0.0


def _correlation(covariance: float, variance: float, other: float) -> float:
    if not variance or not other:
        return 0.0
    return max(-1.0, min(1.0, covariance / sqrt(variance * other)))
