"""Whether the venue holds what the ledger says, where a venue keeps positions of its own.

An account that somebody else trades on, a liquidation, a trade that was never told: each would make the ledger's positions,
and all that is decided by them, wrong. So every half minute the net position of each symbol is compared. What differs is
looked at again on the next ticks, since a trade may be on its way; a difference that stands is a disagreement, which stops
trading until somebody has looked (docs/aster.md).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, runtime_checkable

import structlog

from contracts.payloads import OrderStatus
from contracts.time import Clock
from execution.exact import plain
from execution.ledger.ledger import Ledger
from execution.protection.guard import Guard
from execution.venues.venue import Unclear, Venue

_log = structlog.get_logger("execution.position_check")

_PAUSE_SECONDS = 30.0
_LOOKS = 4
"""So often the same difference has to be seen, half a second apart."""


@runtime_checkable
class HoldsPositions(Protocol):
    """A venue that can be asked what the account holds."""

    def positions(self) -> dict[str, Decimal]:
        """Net signed quantity of each symbol that is traded; raises `Unclear`."""
        ...


class PositionCheck:
    """One comparison after another; `look` is called every tick and does nothing most times."""

    def __init__(
        self, ledger: Ledger, venue: Venue, guard: Guard, clock: Clock, ticks: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._venue = venue
        self._guard = guard
        self._clock = clock
        self._ticks = ticks
        self._due = ticks()
        self._seen: tuple[dict[str, tuple[Decimal, Decimal]], int] = {}, 0

    def look(self) -> None:
        """Compare, when it is time; stops trading when the same difference was seen often enough."""
        if not isinstance(self._venue, HoldsPositions) or self._ticks() < self._due:
            return
        before = self._ours()
        try:
            theirs = self._venue.positions()
        except Unclear as unclear:
            _log.info("positions_not_told", reason=str(unclear))
            self._due = self._ticks() + _PAUSE_SECONDS
            return
        open_orders = self._ledger.open_orders()
        if before != self._ours() or any(o.life.status is OrderStatus.UNKNOWN for o in open_orders):
            return
        different = {
            symbol: (theirs.get(symbol, Decimal(0)), before.get(symbol, Decimal(0)))
            for symbol in sorted(theirs.keys() | before.keys())
            if theirs.get(symbol, Decimal(0)) != before.get(symbol, Decimal(0))
        }
        if not different:
            self._seen, self._due = ({}, 0), self._ticks() + _PAUSE_SECONDS
            return
        times = self._seen[1] + 1 if different == self._seen[0] else 1
        self._seen = different, times
        if times < _LOOKS:
            return
        words = "; ".join(
            f"{symbol}: the venue holds {plain(held)}, the ledger {plain(known)}"
            for symbol, (held, known) in different.items()
        )
        _log.error("positions_disagree", detail=words)
        self._guard.disagreed(words, self._clock.now())
        self._seen, self._due = ({}, 0), self._ticks() + _PAUSE_SECONDS

    def _ours(self) -> dict[str, Decimal]:
        net: dict[str, Decimal] = {}
        for position in self._ledger.positions():
            net[position.symbol] = net.get(position.symbol, Decimal(0)) + position.quantity
        return {symbol: quantity for symbol, quantity in net.items() if quantity}
