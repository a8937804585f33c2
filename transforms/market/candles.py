"""Candles: what the trades of equal stretches of time come to, made of whole columns at once.

A candle is a bar in the making. Amounts are added as whole numbers of 1e-8, so that neither the order of the trades nor the
way in which they were cut into batches changes the bar, to the last bit; the first and the last trade of a stretch are told
by (event_time, trade_id), not by their arrival.
"""

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.market.columns import Floats, Micros, flags, moments, values

UNITS = 10**8
"""An amount is counted in so many parts of one: what venues quote at most."""

MOST = 1e9
"""A trade at such a price, or of so much in either currency, is a broken one; sums of the others stay exact."""


class Trades(NamedTuple):
    """Trades as columns, each (n,), in the order of their arrival."""

    times: Micros
    ids: NDArray[np.int64]
    prices: Floats
    quantities: Floats
    taker_buys: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> Self:
        """The columns of a batch of trades."""
        return cls(
            moments(rows),
            values(rows, "trade_id"),
            values(rows, "price"),
            values(rows, "quantity"),
            ~flags(rows, "buyer_is_maker"),
        )

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """The trades that a mask or a list of places chooses."""
        return type(self)._make(column[chosen] for column in self)

    def sound(self) -> Self:
        """Those with a price and a quantity that a trade can have; all of them is the ordinary case."""
        if all(_is_within(column) for column in (self.prices, self.quantities)):
            sound = self.prices * self.quantities < MOST
        else:
            with np.errstate(all="ignore"):
                above = (self.prices > 0) & (self.quantities > 0)
                below = (
                    (self.prices < MOST) & (self.quantities < MOST) & (self.prices * self.quantities < MOST)
                )
                sound = above & below
        return self if np.logical_and.reduce(sound) else self.where(sound)

    @property
    def are_in_order(self) -> bool:
        """Whether they arrived in the order of (event_time, trade_id)."""
        in_order = (self.times[1:] >= self.times[:-1]) & (self.ids[1:] > self.ids[:-1])
        return bool(np.logical_and.reduce(in_order))

    def in_order(self) -> Self:
        """Sorted by (event_time, trade_id)."""
        return self if self.are_in_order else self.where(np.lexsort((self.ids, self.times)))


class CandleColumns(NamedTuple):
    """Candles as columns, each (n,), in order of time; amounts in 1e-8."""

    start: Micros
    first_time: Micros
    first_id: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    last_time: Micros
    last_id: NDArray[np.int64]
    close: Floats
    volume: NDArray[np.int64]
    quote_volume: NDArray[np.int64]
    taker_buy_volume: NDArray[np.int64]
    trades: NDArray[np.int64]


@dataclass(slots=True)
class Candle:
    """What the trades from `start` on come to so far: times in microseconds, amounts in 1e-8."""

    start: int
    first_time: int
    first_id: int
    open: float
    high: float
    low: float
    last_time: int
    last_id: int
    close: float
    volume: int
    quote_volume: int
    taker_buy_volume: int
    trades: int

    def absorb(self, other: Self) -> None:
        """Take further trades of the same stretch in; in whatever order, the candle is the same."""
        if (other.first_time, other.first_id) < (self.first_time, self.first_id):
            self.first_time, self.first_id, self.open = other.first_time, other.first_id, other.open
        if (other.last_time, other.last_id) > (self.last_time, self.last_id):
            self.last_time, self.last_id, self.close = other.last_time, other.last_id, other.close
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.volume += other.volume
        self.quote_volume += other.quote_volume
        self.taker_buy_volume += other.taker_buy_volume
        self.trades += other.trades

    def copy(self, start: int) -> Self:
        """The same trades as the beginning of a longer stretch."""
        return type(self)(start, *_VALUES(self)[1:])

    def state(self) -> list[Any]:
        """The fields in their order: what makes it again."""
        return list(_VALUES(self))


_VALUES = attrgetter(*(field.name for field in fields(Candle)))


def candles(trades: Trades, length: int) -> list[Candle]:
    """The candles of sound trades in order, `length` microseconds each; a stretch without trades has none."""
    if not len(trades.times):
        return []
    if int(trades.times[0]) // length == int(trades.times[-1]) // length:
        return [_candle(trades, length)]
    return [Candle(*row) for row in zip(*(c.tolist() for c in candle_columns(trades, length)), strict=True)]


def candle_columns(trades: Trades, length: int) -> CandleColumns:
    """The candles of at least one sound trade, in order, as columns; `length` microseconds each."""
    times, ids, prices, quantities, taker_buys = trades
    stretch = times // length
    first = np.flatnonzero(stretch[1:] != stretch[:-1]) + 1
    first = np.concatenate((_ZERO, first))
    last = np.append(first[1:], len(times)) - 1
    units, quote_units = _units(quantities), _units(prices * quantities)
    return CandleColumns(
        start=stretch[first] * length,
        first_time=times[first],
        first_id=ids[first],
        open=prices[first],
        high=np.maximum.reduceat(prices, first),
        low=np.minimum.reduceat(prices, first),
        last_time=times[last],
        last_id=ids[last],
        close=prices[last],
        volume=np.add.reduceat(units, first),
        quote_volume=np.add.reduceat(quote_units, first),
        taker_buy_volume=np.add.reduceat(units * taker_buys, first),
        trades=last - first + 1,
    )


def _candle(trades: Trades, length: int) -> Candle:
    """The one candle of trades that all lie in one stretch: what most batches of a feed are."""
    times, ids, prices, quantities, taker_buys = trades
    units = _units(quantities)
    first_time = int(times[0])
    return Candle(
        start=first_time - first_time % length,
        first_time=first_time,
        first_id=int(ids[0]),
        open=float(prices[0]),
        high=float(np.maximum.reduce(prices)),
        low=float(np.minimum.reduce(prices)),
        last_time=int(times[-1]),
        last_id=int(ids[-1]),
        close=float(prices[-1]),
        volume=int(np.add.reduce(units)),
        quote_volume=int(np.add.reduce(_units(prices * quantities))),
        taker_buy_volume=int(np.add.reduce(units * taker_buys)),
        trades=len(times),
    )


def _is_within(column: Floats) -> bool:
    """Whether all lie between 0 and MOST; what is not a number fails both comparisons."""
    return bool(np.minimum.reduce(column) > 0 and np.maximum.reduce(column) < MOST)


def _units(amounts: Floats) -> NDArray[np.int64]:
    return np.rint(amounts * UNITS).astype(np.int64)


_ZERO = np.zeros(1, np.intp)
