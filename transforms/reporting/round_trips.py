"""Round trips: positions from flat to flat, and how they ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transforms.reporting.fills import Fill

_NOTHING_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A position of one agent in one symbol from flat to flat, or through zero; `profit` is after fees."""

    agent: str
    symbol: str
    sign: int
    opened: int
    closed: int
    profit: float


@dataclass(slots=True)
class _Position:
    quantity: float = 0.0
    largest: float = 0.0
    opened: int = 0
    cash: float = 0.0


def round_trips_of(fills: Iterable[Fill]) -> list[RoundTrip]:
    """The round trips of fills that are in order, as they closed; a position that stays open has none.

    A fill that goes through zero closes one trip and opens the next, and its fee is shared in proportion.
    """
    positions: dict[tuple[str, str], _Position] = {}
    found = []
    for fill in fills:
        position = positions.setdefault((fill.agent, fill.symbol), _Position())
        if position.quantity * fill.sign >= 0:
            _add(position, fill, fill.quantity)
            continue
        closing = min(fill.quantity, abs(position.quantity))
        sign = 1 if position.quantity > 0 else -1
        _add(position, fill, closing)
        if abs(position.quantity) > _NOTHING_LEFT * position.largest:
            continue
        found.append(RoundTrip(fill.agent, fill.symbol, sign, position.opened, fill.moment, position.cash))
        positions[fill.agent, fill.symbol] = _Position()
        through = fill.quantity - closing
        if through > _NOTHING_LEFT * fill.quantity:
            _add(positions[fill.agent, fill.symbol], fill, through)
    return found


def _add(position: _Position, fill: Fill, quantity: float) -> None:
    if not position.quantity:
        position.opened = fill.moment
    position.quantity += fill.sign * quantity
    position.largest = max(position.largest, abs(position.quantity))
    position.cash -= fill.sign * quantity * fill.price + fill.fee * quantity / fill.quantity


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How round trips ended; what there is nothing to divide by for is None."""

    round_trips: int
    hit_rate: float | None
    profit_factor: float | None
    mean_profit: float | None
    best: float | None
    worst: float | None
    mean_seconds: float | None


def outcomes(trips: Sequence[RoundTrip]) -> Outcomes:
    """Of any number of round trips, after fees.

    hit rate      = round trips with a profit / round trips
    profit factor = sum of profits / sum of losses
    """
    profits = [trip.profit for trip in trips]
    won, lost = sum(p for p in profits if p > 0), -sum(p for p in profits if p < 0)
    n = len(trips)
    return Outcomes(
        round_trips=n,
        hit_rate=sum(p > 0 for p in profits) / n if n else None,
        profit_factor=won / lost if lost > 0 else None,
        mean_profit=sum(profits) / n if n else None,
        best=max(profits, default=None),
        worst=min(profits, default=None),
        mean_seconds=sum(trip.closed - trip.opened for trip in trips) / n / 1e6 if n else None,
    )
