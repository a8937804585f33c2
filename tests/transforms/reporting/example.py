"""A run to report on: three agents that follow simple rules on made-up prices, booked in exact arithmetic."""

from decimal import Decimal

import numpy as np

from contracts.backtest import (
    AgentOutcome,
    BacktestFill,
    BacktestOrder,
    BacktestResult,
    Communication,
    CostCase,
    Costs,
    DataIdentity,
    EquityCurve,
    PriceSeries,
    Profit,
    RoundTrip,
    StateChange,
    SymbolOutcome,
)
from contracts.payloads import DeskState, OrderStatus, Side
from contracts.risk.book import Book, Marked
from contracts.time import to_micros
from tests.contracts.examples import T0
from transforms.reporting.series import HOUR

START = to_micros(T0.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
CAPITAL = Decimal(10_000)
FEE = Decimal("0.0004")
AGENTS = {"deepseek-v3": ("BTCUSDT", 24), "qwen-7b": ("BTCUSDT", 90), "freqtrade-hft": ("ETHUSDT", 7)}


def run(
    hours: int = 24 * 100, seed: int = 7, name: str = "main.base", trials: int = 1, lag: int = 0
) -> BacktestResult:
    """A run of so many hours; `lag` shifts every rule, as a parameter would."""
    chance = np.random.default_rng(seed)
    moments = [START + place * HOUR for place in range(hours + 1)]
    prices = {
        symbol: [round(float(p), 2) for p in first * np.exp(np.cumsum(chance.normal(0, 0.006, hours + 1)))]
        for symbol, first in (("BTCUSDT", 42_000.0), ("ETHUSDT", 2_300.0))
    }
    book = Book(CAPITAL)
    fills: list[BacktestFill] = []
    trips: list[RoundTrip] = []
    opened: dict[str, BacktestFill] = {}
    equity, gross, net = [], [], []
    for place, micros in enumerate(moments):
        for symbol, series in prices.items():
            book.mark(symbol, Marked(Decimal(str(series[place])), micros, True, ""))
        for agent, (symbol, length) in AGENTS.items():
            length += lag
            wanted = prices[symbol][place] > np.mean(prices[symbol][max(0, place - length) : place + 1])
            held = book.holding(agent, symbol).quantity
            if place < length or place >= hours or wanted == bool(held):
                continue
            fill = _fill(
                agent, symbol, Side.BUY if wanted else Side.SELL, held, prices[symbol][place], micros
            )
            fills.append(fill)
            book.fill(agent, symbol, fill.quantity * fill.side.sign, fill.price, fill.fee)
            if wanted:
                opened[agent] = fill
            else:
                trips.append(_trip(opened.pop(agent), fill))
        equity.append(float(book.equity))
        gross.append(float(book.gross_exposure))
        net.append(float(book.net_exposure))
    return BacktestResult(
        run=name,
        desk="main",
        parameter_set=name.rpartition(".")[2],
        parameters={"lag": str(lag)} if lag else {},
        settings={"limits.per_trade_share": "0.05", "timing.latency_ms": "50"},
        roster='{"desk": "main"}',
        trials=trials,
        seed=3,
        code_version="0.1.0+test",
        data=(
            DataIdentity(
                name="made-up.csv", kind="bars", sha256="0" * 64, rows=2 * (hours + 1), refused=0,
                symbols=tuple(prices), first_micros=moments[0], last_micros=moments[-1],
            ),
        ),
        from_micros=moments[0],
        to_micros=moments[-1],
        capital=CAPITAL,
        final_equity=book.equity,
        profit=_profit(book, fills, trips, None, None),
        equity=EquityCurve(
            micros=tuple(moments), equity=tuple(equity), gross_exposure=tuple(gross), net_exposure=tuple(net)
        ),
        prices=tuple(
            PriceSeries(symbol=symbol, micros=tuple(moments), closes=tuple(series))
            for symbol, series in prices.items()
        ),
        fills=tuple(fills),
        round_trips=tuple(trips),
        orders=tuple(_order(fill) for fill in fills),
        agents=tuple(
            AgentOutcome(
                agent=agent, role="momentum", profit=_profit(book, fills, trips, agent, None), asked=hours,
                decisions={"BUY": 40, "SELL": 38, "HOLD": 12}, calls={"answered": 88, "over_budget": 2}, wishes=60,
                refused={"trade_cap": 3, "order_rate": 1},
                said={"signal/admitted": 60, "signal/throttled": 12, "chatter/admitted": 20, "chatter/throttled": 8},
                heard=90, not_heard=210,
            )
            for agent in AGENTS
        ),
        symbols=tuple(
            SymbolOutcome(symbol=symbol, profit=_profit(book, fills, trips, None, symbol)) for symbol in prices
        ),
        communication=Communication(
            messages=300, duplicates=0, refused=0, signals=216, signals_throttled=36, chatter=84,
            chatter_throttled=24, critical=10, critical_throttled=0, possible_deliveries=900, delivered=270,
        ),
        costs=Costs(
            fees=book.fees(), spread=Decimal("12.5"), slippage=Decimal("3.25"), funding=Decimal(0),
            liquidation=Decimal(0),
        ),
        cost_cases=(
            CostCase(off="fees", final_equity=book.equity + book.fees(), fills=len(fills), difference=book.fees()),
        ),
        states=(StateChange(micros=moments[0], state=DeskState.ACTIVE, told="the desk opens"),),
        events=2 * (hours + 1),
        notes=("The prices are made up.",),
    )  # fmt: skip


def _fill(agent: str, symbol: str, side: Side, held: Decimal, price: float, micros: int) -> BacktestFill:
    exact = Decimal(str(price))
    quantity = held or (Decimal(3_000) / exact).quantize(Decimal("0.001"))
    return BacktestFill(
        micros=micros, agent=agent, symbol=symbol, side=side, quantity=quantity, price=exact,
        fee=(quantity * exact * FEE).quantize(Decimal("1e-8")), is_maker=False,
        client_order_id=f"{agent}-{micros}", trade_id=f"t-{agent}-{micros}", reference_price=exact,
        decided_micros=micros, arrived_micros=micros,
    )  # fmt: skip


def _trip(entry: BacktestFill, closing: BacktestFill) -> RoundTrip:
    return RoundTrip(
        agent=entry.agent, symbol=entry.symbol, side=entry.side, opened_micros=entry.micros,
        closed_micros=closing.micros, quantity=entry.quantity, entry_price=entry.price, exit_price=closing.price,
        profit=entry.quantity * (closing.price - entry.price), fees=entry.fee + closing.fee,
    )  # fmt: skip


def _order(fill: BacktestFill) -> BacktestOrder:
    return BacktestOrder(
        decided_micros=fill.micros, ended_micros=fill.micros, agent=fill.agent, symbol=fill.symbol, side=fill.side,
        type="MARKET", quantity=fill.quantity, filled_quantity=fill.quantity, average_price=fill.price,
        reference_price=fill.price, reduce_only=False, status=OrderStatus.FILLED, reason="",
        client_order_id=fill.client_order_id,
    )  # fmt: skip


def _profit(
    book: Book, fills: list[BacktestFill], trips: list[RoundTrip], agent: str | None, symbol: str | None
) -> Profit:
    def concerns(one: BacktestFill | RoundTrip) -> bool:
        return agent in (None, one.agent) and symbol in (None, one.symbol)

    held = [(s, h) for a, s, h in book.holdings() if agent in (None, a) and symbol in (None, s)]
    realised = sum((h.realised for _, h in held), Decimal(0))
    unrealised = sum((h.unrealised(book.price(s)) for s, h in held), Decimal(0))
    fees = sum((h.fees for _, h in held), Decimal(0))
    ended = [trip for trip in trips if concerns(trip)]
    return Profit(
        realised=realised, unrealised=unrealised, fees=fees, funding=Decimal(0), net=realised + unrealised - fees,
        traded_value=sum((f.quantity * f.price for f in fills if concerns(f)), Decimal(0)),
        fills=sum(concerns(f) for f in fills), round_trips=len(ended), wins=sum(t.profit > t.fees for t in ended),
    )  # fmt: skip
