"""The execution service of a backtest: the paper venue's matching core, fed from the tape, and the books around it.

What the service does to an order is done here as well: a reduce-only order is capped to what its agent holds, every step of
an order's life is an ORDER_EXECUTION, and entries that name a stop or target are protected by orders at the venue. Only its
ledger, its outbox and its hard limits are left out. Each agent has an account of its own at the venue.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from contracts.bookings import Funding
from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.orders import OrderRequest, OrderType
from contracts.payloads import OrderStatus, Side
from contracts.time import from_micros
from execution.exact import EXACT
from execution.execution_message import SENDER, execution_message
from execution.ledger.order import LedgerOrder
from execution.matching.core import MatchingCore
from execution.matching.events import (
    Accepted,
    Cancelled,
    Covered,
    Event,
    Expired,
    Filled,
    Funded,
    Liquidated,
    Rejected,
)
from execution.matching.order import Order
from execution.matching.terms import MarginTerms, SpreadModel, Terms
from execution.matching.units import amount_of, money_of
from execution.order_life import Fill, OrderLife
from execution.reduce_only import is_bracket, reducible_quantity
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.instruments import instruments_under
from pipelines.backtesting.protection import Protection
from pipelines.backtesting.scenario import Costs, Scenario
from pipelines.backtesting.tape import Tape
from pipelines.backtesting.tape_feed import TapeFeed

VENUE = "paper"
_MOST_CHANGES = 10_000
"""To the legs of all agents, following from one event: seven entries have fourteen legs in a symbol."""
_ZERO = Decimal(0)
_ENDS = {Rejected: OrderStatus.REJECTED, Cancelled: OrderStatus.CANCELLED, Expired: OrderStatus.EXPIRED}

Told = list[tuple[int, Message]]
"""Messages, each with its moment."""

_Touched = tuple[str, str, int]
"""Agent and symbol, and when something happened to what it holds or to its legs."""


def terms_of(costs: Costs, order_ms: int, bar_seconds: int | None = None) -> Terms:
    """The venue's terms, without the costs that are switched off; nothing trades at a bar older than one is long."""
    return Terms(
        maker_fee=costs.maker_fee if costs.fees else _ZERO,
        taker_fee=costs.taker_fee if costs.fees else _ZERO,
        order_latency=timedelta(milliseconds=order_ms if costs.latency else 0),
        cancel_latency=timedelta(milliseconds=order_ms if costs.latency else 0),
        bar_life=None if bar_seconds is None else timedelta(seconds=bar_seconds),
        spread=SpreadModel(
            costs.half_spread if costs.spread else _ZERO,
            costs.depth_share,
            costs.levels if costs.slippage else 1,
        ),
        remembers_taken=costs.slippage,
        funding_rate=costs.funding_rate if costs.funding else _ZERO,
        margin=MarginTerms(costs.leverage, costs.maintenance) if costs.liquidation else None,
    )


@dataclass(slots=True)
class Trade:
    """A fill with its order and the prices around it."""

    order: LedgerOrder
    fill: Filled
    arrived: int
    half_spread: Decimal


@dataclass(slots=True)
class Booked:
    """What a run's books hold in the end."""

    orders: list[LedgerOrder] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    funding: list[Funded] = field(default_factory=list)
    liquidations: list[Liquidated] = field(default_factory=list)
    covered: Decimal = _ZERO


class PaperService:
    """Takes orders in event time; see the module."""

    def __init__(
        self, scenario: Scenario, tape: Tape, bar_seconds: int | None = None, *, every_event: bool = False
    ) -> None:
        self._desk = scenario.roster.desk
        self._costs = scenario.costs
        terms = terms_of(scenario.costs, scenario.timing.order_ms, bar_seconds)
        self._core = MatchingCore(instruments_under(scenario.costs), terms)
        self._feed = TapeFeed(tape, self._core, scenario.costs, every_event=every_event)
        self._open: dict[str, LedgerOrder] = {}
        self._arrived: dict[str, int] = {}
        self._held: dict[tuple[str, str], Decimal] = {}
        self._protection = Protection()
        self._again: dict[tuple[str, str], int] = {}
        """Where legs wait for the market to move on, and until when."""
        self.booked = Booked()
        weights = sum(profile.capital_weight for profile in scenario.roster.agents)
        for profile in scenario.roster.agents:
            share = Decimal(str(profile.capital_weight)) / Decimal(str(weights))
            self._core.deposit(profile.agent, round(Decimal(str(scenario.roster.capital)) * share, 8))

    # --- what the loop asks ---------------------------------------------------------------------------------------

    def step(self, until: int) -> Told:
        """Go on to `until`, or to the first moment at which something happens that is told."""
        while True:
            again = min(self._again.values(), default=until + 1)
            events = self._feed.step(min(until, again))
            if events:
                said = self._tell(events)
            elif again > until:
                return []
            else:
                said = self._protect([(*key, again) for key, at in self._again.items() if at == again])
            if said:
                return said

    def place(self, request: OrderRequest, micros: int) -> Told:
        """Take an order of the desk's; it reaches the venue after the latency."""
        said, events = self._send(request, micros)
        return said + self._tell(events)

    def _send(self, request: OrderRequest, micros: int) -> tuple[Told, Sequence[Event]]:
        """Send an order, capped to what it can reduce: what the service says, and what the venue tells at once."""
        key = (request.agent, request.symbol)
        held = self._held.get(key, _ZERO)
        quantity, reason = request.quantity, ""
        if request.reduce_only:
            quantity = reducible_quantity(
                request, held + (_ZERO if is_bracket(request) else self._reducing(key))
            )
            if not quantity:
                reason = (
                    f"reduce_only: {request.agent} holds {held} {request.symbol}, nothing to {request.side}"
                )
            elif quantity < request.quantity:
                reason = f"reduce_only: {request.quantity} capped to the {quantity} held"
        moment = from_micros(micros)
        life = OrderLife(quantity or request.quantity)
        order = LedgerOrder(request, life, VENUE, f"paper-{request.client_order_id}", moment, moment)
        self.booked.orders.append(order)
        self._protection.add(order)
        if not quantity:
            return [self._moved(order, OrderStatus.REJECTED, micros, reason)], ()
        self._open[request.client_order_id] = order
        said = [self._moved(order, OrderStatus.SUBMITTED, micros, reason)]
        self._feed.catch_up()
        return said, self._core.submit(request.agent, Order.of(request, quantity), micros)

    # --- what the venue tells -------------------------------------------------------------------------------------

    def _tell(self, events: Iterable[Event]) -> Told:
        """The messages of the venue's events, and what follows from them for the protection of positions."""
        said, touched = self._heard(events)
        return said + self._protect(touched)

    def _heard(self, events: Iterable[Event]) -> tuple[Told, list[_Touched]]:
        """The messages of events, and which positions or legs they touched, the first of them last."""
        said: Told = []
        touched: dict[tuple[str, str], int] = {}
        for event in events:
            said += self._told(event)
            if isinstance(event, Filled | Cancelled | Expired | Rejected):
                order = self._known(event)
                touched[order.request.agent, order.request.symbol] = event.micros
        return said, [(*key, micros) for key, micros in reversed(touched.items())]

    def _told(self, event: Event) -> Told:
        match event:
            case Accepted():
                self._arrived[event.client_order_id] = event.micros
                return []
            case Filled():
                return [self._filled(event)]
            case Rejected() | Cancelled() | Expired():
                order = self._known(event)
                self._open.pop(event.client_order_id, None)
                return [self._moved(order, _ENDS[type(event)], event.micros, event.reason)]
            case Funded():
                return self._funded(event)
            case Liquidated():
                self.booked.liquidations.append(event)
                return []
            case Covered():
                self.booked.covered += money_of(event.amount)
                return []
            case _:
                return []

    def _known(self, event: Filled | Rejected | Cancelled | Expired) -> LedgerOrder:
        order = self._open.get(event.client_order_id) or self._protection.find(event.client_order_id)
        if order is None and isinstance(event, Filled):
            order = self._venues_own(event)
        if order is None:
            raise LookupError(f"the venue told of an order that was never placed: {event.client_order_id}")
        return order

    def _venues_own(self, event: Filled) -> LedgerOrder:
        """The order with which the venue closes a position that it liquidates."""
        moment, price = from_micros(event.micros), amount_of(event.price)
        request = OrderRequest(
            client_order_id=event.client_order_id,
            desk=self._desk,
            agent=event.account,
            symbol=event.symbol,
            side=Side.BUY if event.sign > 0 else Side.SELL,
            quantity=amount_of(event.quantity + event.remaining),
            reference_price=price,
            reduce_only=True,
            correlation_id=event.client_order_id,
            decided_at=moment,
        )
        order = LedgerOrder(
            request, OrderLife(request.quantity), VENUE, event.client_order_id, moment, moment
        )
        order.life = order.life.move(OrderStatus.SUBMITTED)
        self._open[event.client_order_id] = order
        self._arrived[event.client_order_id] = event.micros
        self.booked.orders.append(order)
        return order

    def _filled(self, event: Filled) -> tuple[int, Message]:
        order = self._known(event)
        request = order.request
        fill = Fill(
            amount_of(event.quantity), amount_of(event.price), money_of(event.fee), trade_id=event.trade_id
        )
        order.life = order.life.fill(fill)
        order.updated_at = from_micros(event.micros)
        key = (request.agent, request.symbol)
        self._held[key] = EXACT.add(self._held.get(key, _ZERO), fill.quantity * event.sign)
        arrived = self._arrived.get(event.client_order_id, event.micros)
        half_spread = (
            amount_of(self._feed.half_spread(event.symbol, event.price)) if self._costs.spread else _ZERO
        )
        self.booked.trades.append(Trade(order, event, arrived, half_spread))
        if order.life.status.is_final:
            self._open.pop(event.client_order_id, None)
        return event.micros, self._step(order, event.micros, fill=fill)

    def _funded(self, event: Funded) -> Told:
        if not event.amount:
            return []
        self.booked.funding.append(event)
        moment = from_micros(event.micros)
        identifier = derived_id(moment, SENDER, self._desk, event.account, event.symbol, "funding")
        funding = Funding(
            funding_id=identifier,
            agent=event.account,
            symbol=event.symbol,
            quantity=amount_of(event.quantity),
            mark_price=amount_of(event.mark),
            rate=amount_of(event.rate),
            amount=money_of(event.amount),
            funded_at=moment,
            venue=VENUE,
        )
        message = said_by(SENDER, funding, desk=self._desk, event_time=moment, derived_from=(identifier,))
        return [(event.micros, message)]

    # --- protection -------------------------------------------------------------------------------------------------

    def _protect(self, touched: list[_Touched]) -> Told:
        """Have the stops and targets at the venue that what is held should have, where it was `touched`, the last first.

        One change at a time: without latency each may end orders and change what is held, which is then seen to before
        the next. Raises `BacktestError` when it never comes to rest.
        """
        said: Told = []
        made = 0
        while touched:
            change = self._change(*touched[-1])
            if change is None:
                touched.pop()
                continue
            made += 1
            if made > _MOST_CHANGES:
                agent, symbol, micros = touched[-1]
                raise BacktestError(
                    f"the stops and targets of {agent} in {symbol} were changed {_MOST_CHANGES:,} times at "
                    f"{from_micros(micros):%Y-%m-%d %H:%M:%S} and did not come to rest; run it with some latency"
                )
            sent, events = change
            heard, more = self._heard(events)
            said += sent + heard
            touched += more
        return said

    def _change(self, agent: str, symbol: str, micros: int) -> tuple[Told, Sequence[Event]] | None:
        """Make the first change that the legs need: what was said and what the venue told; None when they need none."""
        key = (agent, symbol)
        self._again.pop(key, None)
        price = self._feed.middle(symbol)
        if price is None:
            return None
        held = self._held.get(key, _ZERO)
        changes = self._protection.changes(agent, symbol, held, amount_of(price), from_micros(micros))
        if changes.cancel:
            order = changes.cancel[0]
            self._protection.cancelling(order)
            self._feed.catch_up()
            return [], self._core.cancel(agent, order.request.client_order_id, micros)
        for request in changes.place:
            if request.type is not OrderType.MARKET or not self._is_outdated(symbol, micros):
                return self._send(request, micros)
        if (changes.waits or changes.place) and (moment := self._feed.next_event(symbol, micros)) is not None:
            self._again[key] = moment
        return None

    def _is_outdated(self, symbol: str, micros: int) -> bool:
        """Whether the venue would refuse to trade now, in a gap of the bars."""
        self._feed.catch_up()
        return self._core.pits[symbol].market.is_outdated(micros)

    def _reducing(self, key: tuple[str, str]) -> Decimal:
        """What open reduce-only orders of the agent will take from its holding, signed; legs of brackets apart."""
        total = _ZERO
        for order in self._open.values():
            request = order.request
            if (request.agent, request.symbol) == key and request.reduce_only and not is_bracket(request):
                total += (order.life.quantity - order.life.filled_quantity) * request.side.sign
        return total

    # --- steps of an order's life ---------------------------------------------------------------------------------

    def _moved(
        self, order: LedgerOrder, status: OrderStatus, micros: int, reason: str
    ) -> tuple[int, Message]:
        order.life = order.life.move(status, reason)
        order.updated_at = from_micros(micros)
        return micros, self._step(order, micros, reason=reason)

    def _step(
        self, order: LedgerOrder, micros: int, *, fill: Fill | None = None, reason: str = ""
    ) -> Message:
        return execution_message(
            order.request,
            order.life,
            venue=VENUE,
            venue_order_id=order.venue_order_id,
            moment=from_micros(micros),
            fill=fill,
            reason=reason,
        )
