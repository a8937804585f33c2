"""What was made with each agent and symbol: round trips, profits and costs, from the trades alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.backtest import BacktestFill, BacktestOrder, Costs, Profit, RoundTrip
from contracts.payloads import Side
from contracts.time import to_micros
from execution.exact import plain
from execution.holding import Holding
from execution.ledger.order import LedgerOrder
from execution.matching.units import amount_of, money_of
from execution.reduce_only import is_bracket
from pipelines.backtesting.paper_service import Booked, Trade

_PLACES = Decimal("1e-8")
_ZERO = Decimal(0)
Key = tuple[str, str]
"""Agent and symbol."""


def fills_of(booked: Booked) -> list[BacktestFill]:
    """Every trade, in order, with what crossing the spread and being late and large cost."""
    return [_fill(trade) for trade in booked.trades]


def orders_of(booked: Booked) -> list[BacktestOrder]:
    """Every order, in order, with its end."""
    return [_order(order) for order in booked.orders]


@dataclass(slots=True)
class _Position:
    """A position on its way: the holding, and what its round trip has traded so far."""

    holding: Holding = field(default_factory=Holding)
    opened: int = 0
    entered: Decimal = _ZERO
    entered_value: Decimal = _ZERO
    left: Decimal = _ZERO
    left_value: Decimal = _ZERO
    fees: Decimal = _ZERO


@dataclass(slots=True)
class _Sum:
    """A profit on its way."""

    realised: Decimal = _ZERO
    unrealised: Decimal = _ZERO
    fees: Decimal = _ZERO
    funding: Decimal = _ZERO
    value: Decimal = _ZERO
    fills: int = 0
    trips: int = 0
    wins: int = 0

    def told(self) -> Profit:
        net = self.realised + self.unrealised - self.fees + self.funding
        return Profit(
            realised=_money(self.realised), unrealised=_money(self.unrealised), fees=_money(self.fees),
            funding=_money(self.funding), net=_money(net), traded_value=_money(self.value), fills=self.fills,
            round_trips=self.trips, wins=self.wins,
        )  # fmt: skip


@dataclass(slots=True)
class Accounts:
    """All positions of a run; `last_prices` value what is open in the end."""

    round_trips: list[RoundTrip] = field(default_factory=list)
    _positions: dict[Key, _Position] = field(default_factory=dict)
    _sums: defaultdict[Key, _Sum] = field(default_factory=lambda: defaultdict(_Sum))

    @classmethod
    def of(cls, booked: Booked, last_prices: dict[str, Decimal]) -> "Accounts":
        """From the books in the end."""
        accounts = cls()
        for trade in booked.trades:
            accounts._take(trade)
        for funded in booked.funding:
            accounts._sums[funded.account, funded.symbol].funding += money_of(funded.amount)
        for (agent, symbol), position in accounts._positions.items():
            held = position.holding
            if held.quantity and symbol in last_prices:
                worth = held.quantity * last_prices[symbol] - held.cost
                accounts._sums[agent, symbol].unrealised = worth
        return accounts

    def profit(self, agent: str | None = None, symbol: str | None = None) -> Profit:
        """An agent's, a symbol's, or the desk's."""
        total = _Sum()
        for (owner, traded), part in self._sums.items():
            if agent in (None, owner) and symbol in (None, traded):
                for name in ("realised", "unrealised", "fees", "funding", "value", "fills", "trips", "wins"):
                    setattr(total, name, getattr(total, name) + getattr(part, name))
        return total.told()

    def _take(self, trade: Trade) -> None:
        request, event = trade.order.request, trade.fill
        key = (request.agent, request.symbol)
        part = self._sums[key]
        price, fee, left = amount_of(event.price), money_of(event.fee), amount_of(event.quantity)
        part.value += left * price
        part.fills += 1
        part.fees += fee
        while left:
            position = self._positions.setdefault(key, _Position())
            held = position.holding.quantity
            closes = held * event.sign < 0
            amount = min(left, abs(held)) if closes else left
            share = fee * amount / amount_of(event.quantity)
            if not held:
                position.opened = event.micros
            before = position.holding.realised_pnl
            position.holding = position.holding.after(amount * event.sign, price, share)
            part.realised += position.holding.realised_pnl - before
            position.fees += share
            if closes:
                position.left, position.left_value = (
                    position.left + amount,
                    position.left_value + amount * price,
                )
                if not position.holding.quantity:
                    self._end(key, position, part, event.micros, Side.SELL if event.sign > 0 else Side.BUY)
            else:
                position.entered += amount
                position.entered_value += amount * price
            left -= amount

    def _end(self, key: Key, position: _Position, part: _Sum, micros: int, side: Side) -> None:
        profit = (position.left_value - position.entered_value) * side.sign
        trip = RoundTrip(
            agent=key[0],
            symbol=key[1],
            side=side,
            opened_micros=position.opened,
            closed_micros=micros,
            quantity=plain(position.entered),
            entry_price=_money(position.entered_value / position.entered),
            exit_price=_money(position.left_value / position.left),
            profit=_money(profit),
            fees=_money(position.fees),
        )
        self.round_trips.append(trip)
        part.trips += 1
        part.wins += trip.profit > trip.fees
        self._positions[key] = _Position()


def costs_of(fills: Sequence[BacktestFill], booked: Booked) -> Costs:
    """What trading cost, by kind."""
    liquidated = [fill for fill in fills if fill.reason == "liquidation"]
    return Costs(
        fees=_money(_sum(fill.fee for fill in fills)),
        spread=_money(_sum(fill.spread_cost for fill in fills)),
        slippage=_money(_sum(fill.slippage_cost for fill in fills)),
        funding=_money(-_sum(money_of(funded.amount) for funded in booked.funding)),
        liquidation=_money(_sum(fill.fee + fill.slippage_cost for fill in liquidated)),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)


def _fill(trade: Trade) -> BacktestFill:
    request, event = trade.order.request, trade.fill
    quantity, price = amount_of(event.quantity), amount_of(event.price)
    wanted = request.stop_price or request.reference_price
    spread = _ZERO if event.is_maker else trade.half_spread * quantity
    return BacktestFill(
        micros=event.micros,
        agent=request.agent,
        symbol=request.symbol,
        side=request.side,
        quantity=quantity,
        price=price,
        fee=_money(money_of(event.fee)),
        is_maker=event.is_maker,
        client_order_id=request.client_order_id,
        trade_id=event.trade_id,
        reason=_reason(trade.order),
        reference_price=request.reference_price,
        decided_micros=to_micros(request.decided_at),
        arrived_micros=trade.arrived,
        spread_cost=_money(spread),
        slippage_cost=_money((price - wanted) * event.sign * quantity - spread),
    )


def _reason(order: LedgerOrder) -> str:
    request = order.request
    if request.client_order_id.startswith("liquidation-"):
        return "liquidation"
    if is_bracket(request):
        return "stop" if request.client_order_id.startswith("sps-") else "target"
    return "reduce" if request.reduce_only else "entry"


def _order(order: LedgerOrder) -> BacktestOrder:
    request, life = order.request, order.life
    return BacktestOrder(
        decided_micros=to_micros(request.decided_at),
        ended_micros=to_micros(order.updated_at) if life.status.is_final else None,
        agent=request.agent,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        quantity=plain(life.quantity),
        filled_quantity=plain(life.filled_quantity),
        average_price=None if life.average_price is None else _money(life.average_price),
        reference_price=request.reference_price,
        reduce_only=request.reduce_only,
        status=life.status,
        reason=life.reason,
        client_order_id=request.client_order_id,
    )


def _money(amount: Decimal) -> Decimal:
    return plain(amount.quantize(_PLACES))
