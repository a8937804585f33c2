"""The venue's own dead-man switch: orders that add risk are cancelled there when we are heard no more.

The venue counts down for a symbol, and cancels everything that is open in it unless told anew. That would take the stops
of what is held away as well, and leave it unprotected just when nobody watches. So a symbol's countdown runs only while
an order rests in it that could add risk, and is switched off when only orders that reduce are left.

    an order that adds risk is to be sent   the countdown is begun first, or the order does not leave
    a third of it later, and so on          told anew, for every symbol with such an order
    the last such order has ended           switched off
"""

import asyncio

import structlog

from contracts.orders import OrderRequest
from execution.venues.aster.signed_exchange import Refused, SignedAster
from execution.venues.venue import Unclear

_log = structlog.get_logger("execution.venues.aster")


class Countdown:
    """Keeps the countdowns; everything runs on the loop of the exchange object."""

    def __init__(self, exchange: SignedAster, seconds: int) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._resting: dict[str, set[str]] = {}
        self._armed: set[str] = set()

    @property
    def armed(self) -> frozenset[str]:
        """The symbols whose countdown runs."""
        return frozenset(self._armed)

    async def before(self, request: OrderRequest) -> None:
        """An order is about to leave: have its symbol's countdown run; raises `Refused` and `Unclear`."""
        if request.reduce_only:
            return
        self._resting.setdefault(request.symbol, set()).add(request.client_order_id)
        if request.symbol in self._armed:
            return
        try:
            await self._tell(request.symbol, self._seconds)
        except (Refused, Unclear):
            self.ended(request.symbol, request.client_order_id)
            raise
        self._armed.add(request.symbol)

    def rests(self, request: OrderRequest) -> None:
        """An order is known to rest, from before a restart too."""
        if not request.reduce_only:
            self._resting.setdefault(request.symbol, set()).add(request.client_order_id)

    def ended(self, symbol: str, client_order_id: str) -> None:
        """Nothing more can happen to the order."""
        resting = self._resting.get(symbol, set())
        resting.discard(client_order_id)

    async def beat(self) -> None:
        """Tell the venue anew for each symbol that needs it, and switch the others off."""
        for symbol in sorted(self._armed | {name for name, orders in self._resting.items() if orders}):
            wanted = bool(self._resting.get(symbol))
            try:
                await self._tell(symbol, self._seconds if wanted else 0)
            except (Refused, Unclear) as error:
                _log.warning("countdown_not_told", symbol=symbol, error=type(error).__name__)
                continue
            (self._armed.add if wanted else self._armed.discard)(symbol)

    async def run(self) -> None:
        """Beat, until cancelled."""
        while True:
            await asyncio.sleep(self._seconds / 3)
            await self.beat()

    async def _tell(self, symbol: str, seconds: int) -> None:
        parameters = {"symbol": symbol, "countdownTime": str(seconds * 1_000)}
        await self._exchange.ask("POST", "v3/countdownCancelAll", parameters)
