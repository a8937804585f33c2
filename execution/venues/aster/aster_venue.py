"""Perpetuals on Aster DEX: the `Venue` that trades there through ccxt.

Whoever calls waits for a loop that runs on a thread of its own; streams tell what happens to orders that rest. Prices for
the guard come from the stream of best prices and are forgotten when they are old, so that no order leaves unjudged.

| the venue says | the order is |
| --- | --- |
| done | as its answer and its trades say |
| a code that refuses | REJECTED, with what it said |
| nothing clear: 503, other 5xx, -1007, 408, 429, 418, a cut connection, silence, an HTML page | `Unclear` |
| -4115, the id is there already | `AlreadyThere` |
| -2013 to a question | None: it has no such order |
| (not asked, because its limits are used up or a filter would be broken) | REJECTED: it never left |

The venue holds a client_order_id to be unique among open orders only, so nothing is ever sent a second time.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.feed.live.backoff import Backoff
from execution.venues.aster.account import Account
from execution.venues.aster.countdown import Countdown
from execution.venues.aster.event_loop import LoopThread
from execution.venues.aster.filters import Filters, filters_of
from execution.venues.aster.settings import AsterSettings, AsterSettingsError
from execution.venues.aster.signed_exchange import NotSent, Refused, SignedAster, signed_exchange
from execution.venues.aster.streams import Streams
from execution.venues.aster.words import news_of
from execution.venues.venue import Told, Unclear, VenueAnswer

_log = structlog.get_logger("execution.venues.aster")

PRICE_LIFE_SECONDS = 5.0
"""How old the best prices may be and still judge an order."""
_NONCE_WINDOW_SECONDS = 60.0
"""How far the venue lets a request's nonce lie from its clock: so long an order under way may still arrive."""
_REQUESTS = 4
"""How many requests an answer takes at most: countdown, position, order, trades."""

_KNOWN = 10_000

_Answer = TypeVar("_Answer")
_Noted = TypeVar("_Noted", bound=VenueAnswer | None)


class AsterVenue:
    """Trades the account of a private key in `symbols`. Safe to use from several threads once started."""

    def __init__(self, settings: AsterSettings, symbols: frozenset[str]) -> None:
        """Raises `AsterSettingsError`."""
        self._settings = settings
        self._symbols = tuple(sorted(symbols))
        self._exchange: SignedAster = signed_exchange(settings)
        self._account = Account(self._exchange, settings)
        self._countdown = Countdown(self._exchange, settings.countdown)
        self._streams = Streams(self._exchange, self._symbols, self._take_event, self._catch_up)
        self._loop = LoopThread("aster-venue")
        self._told: Told | None = None
        self._filters: dict[str, Filters] = {}
        self._open: dict[str, OrderRequest] = {}
        self._known: OrderedDict[str, OrderRequest] = OrderedDict()
        self.strangers: Counter[str] = Counter()
        self._trouble: str | None = "the venue is being connected to"

    def __repr__(self) -> str:
        return f"AsterVenue({self.name})"

    @property
    def name(self) -> str:
        """`aster`, `aster-testnet` or `aster-local`."""
        return self._settings.name

    @property
    def is_live(self) -> bool:
        """Whether real money is traded; not on the testnet, nor against an exchange on this machine."""
        return self._settings.is_live

    @property
    def settle_seconds(self) -> float:
        """The window of a nonce and the longest that an answer is waited for."""
        return _NONCE_WINDOW_SECONDS + self._patience

    @property
    def _patience(self) -> float:
        return self._settings.deadline * _REQUESTS

    def start(self) -> None:
        """Connect, and stay connected."""
        self._loop.start()
        self._loop.begin(self._run())

    def stop(self) -> None:
        """Close the connections. Orders that rest stay at the venue; their countdown runs on."""
        if self._loop.loop.is_running():
            try:
                self._loop.wait_for(self._exchange.close(), 5.0)
            except Unclear:
                _log.warning("aster_connection_not_closed")
        self._loop.stop()

    # --- the venue -------------------------------------------------------------------------------------

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Send the order, once; see the module for what its answers mean."""
        filters = self._filters.get(request.symbol)
        if filters is None:
            return _rejected(self.missing() or f"{request.symbol} is not traded on {self.name}")
        broken = filters.broken_by(request, quantity)
        if broken is not None:
            return _rejected(broken)
        return self._ask(self._noted(request, self._place(request, quantity)))

    def query_order(self, request: OrderRequest) -> VenueAnswer | None:
        """What the venue has of the order, with its trades."""
        return self._ask(self._noted(request, self._account.query(request)))

    def cancel(self, request: OrderRequest, moment: datetime) -> VenueAnswer | None:
        """Cancel what is open; an order that is not open any more is told as it ended."""
        return self._ask(self._noted(request, self._account.cancel(request)))

    def cancel_all(self, symbol: str) -> None:
        """Cancel everything that is open in a symbol, whoever placed it; raises `Refused` and `Unclear`."""
        self._ask(self._account.cancel_all(symbol))

    def positions(self) -> dict[str, Decimal]:
        """What the account holds of each symbol that is traded, net and signed; raises `Unclear`."""
        try:
            held = self._ask(self._account.positions())
        except Refused as refused:
            raise Unclear(f"{self.name} does not tell positions: {refused}") from None
        return {symbol: held.get(symbol, Decimal(0)) for symbol in self._symbols}

    def price(self, symbol: str) -> Decimal | None:
        """The middle of the best prices; None when they are older than `PRICE_LIFE_SECONDS`."""
        touch = self._streams.touches.get(symbol)
        if touch is None or time.monotonic() - touch.heard > PRICE_LIFE_SECONDS:
            return None
        return (touch.bid + touch.ask) / 2

    def listen(self, told: Told) -> None:
        """Whom to tell what the account's stream brings."""
        self._told = told

    def missing(self) -> str | None:
        """That the venue is not set up, its stream is down, or a symbol has no fresh price."""
        if self._trouble is not None:
            return self._trouble
        if not self._streams.account_connected:
            return "the account's stream is not connected"
        stale = [symbol for symbol in self._symbols if self.price(symbol) is None]
        return f"no fresh price of {', '.join(stale)}" if stale else None

    # --- on the loop -----------------------------------------------------------------------------------

    async def _noted(self, request: OrderRequest, question: Coroutine[Any, Any, _Noted]) -> _Noted:
        """The answer; what it says of the order is kept in mind, and that it may be open until it says otherwise."""
        self._know(request)
        answer = await question
        self._note(request, answer)
        return answer

    async def _place(self, request: OrderRequest, quantity: Decimal) -> VenueAnswer:
        try:
            await self._countdown.before(request)
        except (Refused, Unclear) as error:
            return _rejected(f"not sent, because its countdown could not be begun: {error}")
        try:
            return await self._account.place(request, quantity)
        except NotSent as held_back:
            return _rejected(str(held_back))
        except Refused as refused:
            return _rejected(f"{self.name} refused: {refused}")

    async def _run(self) -> None:
        """Set up, however often it takes, then keep streams and countdowns going."""
        backoff = Backoff(0.5, 30.0)
        while True:
            try:
                await self._set_up()
                break
            except AsterSettingsError as error:
                self._trouble = str(error)
            except (Refused, Unclear) as error:
                self._trouble = f"{self.name} cannot be set up yet: {error}"
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                self._trouble = f"{self.name} answers what is not understood: {type(error).__name__}"
            _log.warning("aster_not_set_up", trouble=self._trouble)
            await asyncio.sleep(backoff.next())
        self._trouble = None
        for work in (self._streams.run_account, self._streams.run_prices, self._countdown.run):
            self._loop.begin(_again_and_again(work))

    async def _set_up(self) -> None:
        exchange = self._exchange
        await self._set_clock()
        info = await exchange.ask("GET", "v3/exchangeInfo", {})
        exchange.limits.learn(info.get("rateLimits", []))
        filters = filters_of(info)
        if strangers := [symbol for symbol in self._symbols if symbol not in filters]:
            raise AsterSettingsError(
                f"{self.name} does not trade {', '.join(strangers)}: leave them out of the protection's symbols"
            )
        await self._account.set_up(self._symbols)
        self._filters = filters

    async def _set_clock(self) -> None:
        """Learn how far the venue's clock is from ours, which nonces and minutes go by."""
        exchange = self._exchange
        before = exchange.ticks()
        told = int((await exchange.ask("GET", "v3/time", {}))["serverTime"])
        exchange.skew_micros = int(told * 1_000 - (before + exchange.ticks()) / 2 * 1e6)

    async def _catch_up(self) -> None:
        """After a connection of the account's stream: ask for every open order, for its events may have been missed."""
        await self._set_clock()
        for request in list(self._open.values()):
            try:
                answer = await self._account.query(request)
            except Unclear:
                continue  # the service asks again by itself
            if answer is not None:
                self._note(request, answer)
                await self._tell(request.client_order_id, answer)

    def _take_event(self, event: dict[str, Any]) -> None:
        if event.get("e") != "ORDER_TRADE_UPDATE":
            return
        identifier, news = news_of(event)
        request = self._known.get(identifier)
        if request is None:
            self.strangers[identifier] += 1
            return
        self._note(request, news)
        self._loop.begin(self._tell(identifier, news))

    async def _tell(self, identifier: str, news: VenueAnswer) -> None:
        """Hand news on; writing them takes a database's time, which the streams shall not wait for."""
        if self._told is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._told, identifier, news)

    def _know(self, request: OrderRequest) -> None:
        """Events of this order are ours, in whatever order they come; the latest `_KNOWN` are kept."""
        self._known[request.client_order_id] = self._open[request.client_order_id] = request
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    def _note(self, request: OrderRequest, answer: VenueAnswer | None) -> None:
        """Keep in mind what is open: for the countdown, and to be asked for after a lost connection."""
        traded = sum((fill.quantity for fill in answer.fills), Decimal(0)) if answer else Decimal(0)
        if answer is not None and answer.end is None:
            self._know(request)
            self._countdown.rests(request)
        elif answer is None or answer.filled is None or traded >= answer.filled:
            self._open.pop(request.client_order_id, None)
            self._countdown.ended(request.symbol, request.client_order_id)

    def _ask(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        if not self._loop.loop.is_running():
            work.close()
            raise Unclear(f"{self.name} is not connected")
        return self._loop.wait_for(work, self._patience)


async def _again_and_again(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run what should never end, and begin it anew when it does."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a stream that ended in silence would be missed by nobody
            _log.error("aster_work_failed", work=work.__name__, error=type(error).__name__)
        await asyncio.sleep(1.0)


def _rejected(reason: str) -> VenueAnswer:
    return VenueAnswer(end=OrderStatus.REJECTED, reason=reason)
