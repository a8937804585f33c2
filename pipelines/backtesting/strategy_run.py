"""One strategy alone at the venue: its wishes told as columns, and the venue asked only where something can happen.

This is the quick way to look at a rule that needs no desk: no agents, no risk book, no messages. The wish (+1 long,
-1 short) is about a fixed quantity; where it changes, one market order turns the position. With `every_event` the strategy
and the venue go through the tape event by event: the same trades, which a test holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from contracts.market_data import MarketKind
from contracts.orders import OrderType
from execution.matching.core import MatchingCore
from execution.matching.events import Event, Filled, Rejected
from execution.matching.order import Order
from execution.matching.units import units
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.instruments import instruments_under
from pipelines.backtesting.moving_averages import CrossFollower, MovingAverageCross
from pipelines.backtesting.paper_service import terms_of
from pipelines.backtesting.scenario import Costs
from pipelines.backtesting.tape import Ints, Tape, Track
from pipelines.backtesting.tape_feed import TapeFeed

_ACCOUNT = "strategy"
_PRICED = (MarketKind.QUOTE, MarketKind.TRADE, MarketKind.BAR)


class Wish(NamedTuple):
    """A wish that changed: when, at which event of its track, to which side."""

    micros: int
    row: int
    side: int


@dataclass(frozen=True, slots=True)
class StrategyRun:
    """What a strategy did: its wishes, its fills in order, its profit (in units of 1e-16) and the events gone through."""

    wishes: tuple[Wish, ...]
    fills: tuple[Filled, ...]
    rejected: tuple[Rejected, ...]
    realised: int
    fees: int
    unrealised: int
    events: int

    @property
    def net(self) -> int:
        """Realised and unrealised profit less fees."""
        return self.realised + self.unrealised - self.fees


def run_strategy(
    tape: Tape,
    symbol: str,
    cross: MovingAverageCross,
    quantity: Decimal,
    costs: Costs | None = None,
    *,
    order_ms: int = 0,
    every_event: bool = False,
) -> StrategyRun:
    """Run a crossing of averages of the symbol's prices (the middle of its quotes, else its trades or closes)."""
    costs = costs or Costs(funding=False, liquidation=False)
    track = _priced(tape, symbol)
    prices = prices_of(track)
    told = (
        _followed(cross, prices)
        if every_event
        else zip(*(a.tolist() for a in cross.wishes(prices)), strict=True)
    )
    wishes = tuple(Wish(int(tape.micros[track.places[row]]), row, side) for row, side in told)
    core = MatchingCore(instruments_under(costs), terms_of(costs, order_ms))
    core.deposit(_ACCOUNT, Decimal(10**9))
    feed = TapeFeed(tape, core, costs, every_event=every_event)
    events: list[Event] = []
    held, size = 0, units(quantity)
    for number, wish in enumerate(wishes, 1):
        events += _until(feed, wish.micros)
        order = Order(f"wish-{number}", symbol, wish.side, abs(wish.side * size - held), OrderType.MARKET)
        held = wish.side * size
        feed.catch_up()
        events += core.submit(_ACCOUNT, order, wish.micros)
    events += _until(feed, int(tape.micros[-1]))
    position = core.position(_ACCOUNT, symbol)
    return StrategyRun(
        wishes,
        tuple(event for event in events if isinstance(event, Filled)),
        tuple(event for event in events if isinstance(event, Rejected)),
        position.realised,
        position.fees,
        position.unrealised(int(prices[-1])),
        len(tape.micros),
    )


def prices_of(track: Track) -> Ints:
    """The prices that a strategy looks at, in units."""
    column = track.columns
    match track.kind:
        case MarketKind.QUOTE:
            return (_in_units(column["bid"]) + _in_units(column["ask"])) // 2
        case MarketKind.TRADE:
            return _in_units(column["price"])
        case _:
            return _in_units(column["close"])


def _followed(cross: MovingAverageCross, prices: Ints) -> Iterator[tuple[int, int]]:
    follower = CrossFollower(cross)
    for row, price in enumerate(prices.tolist()):
        if side := follower.take(price):
            yield row, side


def _until(feed: TapeFeed, micros: int) -> list[Event]:
    """All that happens up to a moment."""
    found: list[Event] = []
    while events := feed.step(micros):
        found += events
    return found


def _priced(tape: Tape, symbol: str) -> Track:
    tracks: Sequence[Track] = [
        track for track in tape.tracks if track.symbol == symbol and track.kind in _PRICED
    ]
    if not tracks:
        raise BacktestError(f"the data has no prices of {symbol}")
    return min(tracks, key=lambda track: _PRICED.index(track.kind))


def _in_units(amounts: np.ndarray) -> Ints:
    return np.rint(amounts * 1e8).astype(np.int64)
