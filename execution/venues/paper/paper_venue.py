"""The paper venue: real prices, made-up money. The matching core behind the `Venue` that the service speaks to.

Each agent of a desk has an account of its own here, so that reduce-only takes from what the agent holds. Market data moves
time; where there is none, `advance` does. What it assumes, and what that does to results, is in docs/matching.md.

The ledger is the only memory that survives the process. On start `resume` takes up from it what rested or waited, behind
everything at its price, and the positions. An order that would have traded at once and has not is gone: it never traded.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import structlog

from contracts.ids import derived_id
from contracts.instruments import INSTRUMENTS
from contracts.market_data import MarketBatch
from contracts.orders import OrderRequest, OrderType, TimeInForce
from contracts.payloads import OrderStatus, Side
from contracts.time import from_micros, to_micros
from execution.holding import Holding
from execution.ledger.order import LedgerOrder
from execution.matching.account import Position
from execution.matching.batch_feed import BatchFeed
from execution.matching.core import MatchingCore
from execution.matching.events import Event, Filled, Funded
from execution.matching.order import Order
from execution.matching.units import MONEY, amount_of, units
from execution.venues.paper.options import PaperOptions
from execution.venues.paper.paper_order import PaperOrder
from execution.venues.venue import Told, VenueAnswer

_log = structlog.get_logger("execution.paper")

_ENDED_KEPT = 10_000
_RESTS = (TimeInForce.GTC, TimeInForce.GTX)

FundingTold = Callable[[str, str, Funded], object]
"""Takes a desk, an agent, and what its position paid or got."""


class PaperVenue:
    """Safe to use from several threads. Whoever listens is told outside of the lock, on the thread that moved the market."""

    name = "paper"
    is_live = False
    settle_seconds = 0.0

    def __init__(self, options: PaperOptions) -> None:
        self._options = options
        self._core = MatchingCore(INSTRUMENTS, options.terms())
        self._feed = BatchFeed(self._core)
        self._lock = threading.Lock()
        self._open: dict[str, PaperOrder] = {}
        self._ended: OrderedDict[str, PaperOrder] = OrderedDict()
        self._owners: dict[str, tuple[str, str]] = {}
        self._funded: list[Funded] = []
        self._told: Told = lambda client_order_id, answer: None
        self._funding_told: FundingTold = lambda desk, agent, funded: None

    # --- what a venue does -----------------------------------------------------------------------------

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Take an order; the answer tells what it traded at once."""
        identifier = derived_id(moment, self.name, request.desk, request.client_order_id)
        record = PaperOrder(request, identifier)
        with self._lock:
            denial = self._denial(request)
            if denial is None:
                try:
                    order = Order.of(request, quantity)
                except ValueError as error:
                    denial = f"precision: {error}"
            if denial is not None:
                record.end, record.reason = OrderStatus.REJECTED, denial
                self._keep(record)
                return record.answer
            self._open[request.client_order_id] = record
            events = self._core.submit(self._account_of(request), order, to_micros(moment))
            changed = self._hear(events)
            changed.pop(request.client_order_id, None)
            answer = record.answer
        self._tell(changed)
        return answer

    def query_order(self, request: OrderRequest) -> VenueAnswer | None:
        """All that happened to an order."""
        with self._lock:
            record = self._find(request.client_order_id)
            return None if record is None else record.answer

    def cancel(self, request: OrderRequest, moment: datetime) -> VenueAnswer | None:
        """Cancel what is open of an order; with a latency it may trade until that has passed."""
        with self._lock:
            record = self._find(request.client_order_id)
            if record is None:
                return None
            changed: dict[str, PaperOrder] = {}
            if record.end is None:
                account = self._account_of(request)
                changed = self._hear(self._core.cancel(account, request.client_order_id, to_micros(moment)))
                changed.pop(request.client_order_id, None)
            answer = record.answer
        self._tell(changed)
        return answer

    def price(self, symbol: str) -> Decimal | None:
        """The middle of the prices in force."""
        pit = self._core.pits.get(symbol)
        if pit is None:
            return None
        with self._lock:
            bid, ask = pit.market.best(-1), pit.market.best(1)
        return None if bid is None or ask is None else amount_of(bid + ask) / 2

    def listen(self, told: Told) -> None:
        """Say whom to tell what happens to orders that rest, wait or travel."""
        self._told = told

    def missing(self) -> str | None:
        """That no market data has arrived yet."""
        known = any(pit.market.source is not None for pit in self._core.pits.values())
        return None if known else "no market data has arrived yet"

    # --- what it follows -------------------------------------------------------------------------------

    def take(self, batch: MarketBatch) -> None:
        """Follow a batch of market data."""
        with self._lock:
            changed = self._hear(self._feed.take(batch))
        self._tell(changed)

    def advance(self, moment: datetime) -> None:
        """It is so late by the desk's clock: what was due long enough ago happens without further market data."""
        until = to_micros(moment - self._options.patience)
        with self._lock:
            due = self._core.next_moment()
            if due is None or due > until:
                return
            changed = self._hear(self._core.advance(until))
        self._tell(changed)

    def listen_to_funding(self, told: FundingTold) -> None:
        """Say whom to tell what positions pay and get for funding."""
        self._funding_told = told

    # --- how it starts ---------------------------------------------------------------------------------

    def resume(
        self, open_orders: Iterable[LedgerOrder], holdings: Mapping[tuple[str, str, str], Holding]
    ) -> None:
        """Take up what the ledger holds, once, before anything else; see the module."""
        with self._lock:
            for (desk, agent, symbol), holding in holdings.items():
                if symbol in self._core.pits:
                    account = self._open_account(desk, agent)
                    self._core.resume_position(account, symbol, _position(holding))
            for order in open_orders:
                if _rests(order.request) and order.request.symbol in self._core.pits:
                    self._resume(order)

    def _resume(self, order: LedgerOrder) -> None:
        request, life = order.request, order.life
        since = order.updated_at
        identifier = order.venue_order_id or derived_id(
            since, self.name, request.desk, request.client_order_id
        )
        self._open[request.client_order_id] = PaperOrder(request, identifier)
        # An order has more steps than trades, so the trades to come get numbers that none had before.
        self._core.resume(
            self._account_of(request),
            Order.of(request, life.quantity),
            to_micros(since),
            filled=units(life.filled_quantity),
            trades=life.steps,
        )

    # --- how it goes -----------------------------------------------------------------------------------

    def _denial(self, request: OrderRequest) -> str | None:
        """Why an order cannot even be sent to the market."""
        pit = self._core.pits.get(request.symbol)
        if pit is None:
            return f"unknown symbol {request.symbol}; known are {', '.join(self._core.pits)}"
        if pit.market.source is None:
            return f"no price: the paper venue has seen no market data of {request.symbol}"
        told_at = from_micros(pit.market.event_at)
        if abs(request.decided_at - told_at) > self._options.max_price_age:
            return (
                f"stale price: the last one of {request.symbol} is of {told_at.isoformat()}, "
                f"the decision of {request.decided_at.isoformat()}"
            )
        return None

    def _account_of(self, request: OrderRequest) -> str:
        return self._open_account(request.desk, request.agent)

    def _open_account(self, desk: str, agent: str) -> str:
        name = f"{desk}/{agent}"
        if name not in self._owners:
            self._owners[name] = desk, agent
            if self._options.balance is not None:
                self._core.deposit(name, self._options.balance)
        return name

    def _hear(self, events: Sequence[Event]) -> dict[str, PaperOrder]:
        """Note what happened; the orders to which it did."""
        changed: dict[str, PaperOrder] = {}
        for event in events:
            if isinstance(event, Funded):
                self._funded.append(event)
                continue
            identifier = getattr(event, "client_order_id", None)
            if identifier is None:
                _log.warning("account_liquidated", what=repr(event))
                continue
            record = self._open.get(identifier)
            if record is None and isinstance(event, Filled):
                record = self._open[identifier] = self._liquidating(event)
            if record is None:
                continue
            record.hear(event)
            changed[identifier] = record
            if record.end is not None:
                self._keep(record)
        return changed

    def _liquidating(self, event: Filled) -> PaperOrder:
        """The order by which the venue itself closes a position."""
        desk, agent = self._owners[event.account]
        moment = from_micros(event.micros)
        request = OrderRequest(
            client_order_id=event.client_order_id,
            desk=desk,
            agent=agent,
            symbol=event.symbol,
            side=Side.BUY if event.sign > 0 else Side.SELL,
            quantity=amount_of(event.quantity + event.remaining),
            reference_price=amount_of(event.price),
            reduce_only=True,
            correlation_id=event.client_order_id,
            decided_at=moment,
        )
        identifier = derived_id(moment, self.name, desk, event.client_order_id)
        return PaperOrder(request, identifier, is_ours=True)

    def _find(self, client_order_id: str) -> PaperOrder | None:
        return self._open.get(client_order_id) or self._ended.get(client_order_id)

    def _keep(self, record: PaperOrder) -> None:
        """The order has ended: it is remembered for a while."""
        self._open.pop(record.request.client_order_id, None)
        self._ended[record.request.client_order_id] = record
        if len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)

    def _tell(self, changed: Mapping[str, PaperOrder]) -> None:
        """Say what happened. Who cannot write it now asks again later: nothing of it is forgotten here."""
        with self._lock:
            answers = {identifier: record.answer for identifier, record in changed.items()}
            funded, self._funded = self._funded, []
        try:
            for identifier, answer in answers.items():
                self._told(identifier, answer)
            for event in funded:
                self._funding_told(*self._owners[event.account], event)
        except Exception as error:  # noqa: BLE001 - the market must be followed whatever a listener does
            _log.error("listener_failed", error=type(error).__name__, consequence="upkeep asks again")


def _rests(request: OrderRequest) -> bool:
    return request.type.is_conditional or (
        request.type is OrderType.LIMIT and request.time_in_force in _RESTS
    )


def _position(holding: Holding) -> Position:
    """The ledger's holding in the core's units; its cost has two digits more, which are rounded."""
    amounts = (round(amount * MONEY) for amount in (holding.cost, holding.realised_pnl, holding.fees))
    return Position(units(holding.quantity), *amounts)
