"""The rows that a desk's jobs would have written about a run: the trading, market, coordination and decisions jobs'."""

from collections.abc import Iterable
from decimal import Decimal

from contracts.backtest import BacktestResult
from contracts.controls import MessageClass
from contracts.message import MessageType
from contracts.orders import OrderType
from contracts.payloads import DeskState, OrderStatus, Side
from contracts.risk.book import Book, Marked
from contracts.rows.communication import DeliveryRow, MessageRow
from contracts.rows.decisions import DecisionRow, ModelCall
from contracts.rows.market import MarketBar
from contracts.rows.row import Row
from contracts.rows.trading import ExecutionRow, OrderRow, PortfolioRow, PositionRow, RiskVerdict
from contracts.time import from_micros

DESK = "main"
AGENT = "deepseek-v3"


def rows_of(result: BacktestResult) -> dict[str, list[Row]]:
    """By table; every seventh row is there twice, as after a retry."""
    rows: dict[str, list[Row]] = {}
    for row in (*_book(result), *_market(result), *_talk(result)):
        rows.setdefault(row.table, []).append(row)
    return {table: [*told, *told[::7]] for table, told in rows.items()}


def _of_desk(micros: int, position: int, kind: str) -> dict:
    return {
        "row_id": f"{kind}-{position}",
        "event_time": from_micros(micros),
        "desk": DESK,
        "position": position,
    }


def _book(result: BacktestResult) -> Iterable[Row]:
    """The book again, mark by mark and fill by fill."""
    book = Book(result.capital)
    fills = {
        micros: [f for f in result.fills if f.micros == micros] for micros in {f.micros for f in result.fills}
    }
    position = 0
    for place, micros in enumerate(result.equity.micros):
        for series in result.prices:
            book.mark(series.symbol, Marked(Decimal(str(series.closes[place])), micros, True, ""))
        for fill in fills.get(micros, []):
            position += 1
            book.fill(fill.agent, fill.symbol, fill.quantity * fill.side.sign, fill.price, fill.fee)
            yield OrderRow(
                **_of_desk(micros, position, "o"), client_order_id=fill.client_order_id, agent=fill.agent,
                symbol=fill.symbol, side=fill.side, type=OrderType.MARKET, quantity=fill.quantity,
                reference_price=fill.price - fill.side.sign, notional=fill.quantity * fill.price,
                reduce_only=False, correlation_id="c",
            )  # fmt: skip
            yield ExecutionRow(
                **_of_desk(micros, position, "e"), client_order_id=fill.client_order_id,
                execution_id=fill.trade_id, sequence=2, agent=fill.agent, symbol=fill.symbol, side=fill.side,
                status=OrderStatus.FILLED, last_quantity=fill.quantity, last_price=fill.price, fee=fill.fee,
                venue="paper", reason="",
            )  # fmt: skip
            holding = book.holding(fill.agent, fill.symbol)
            yield PositionRow(
                **_of_desk(micros, position, "p"), agent=fill.agent, symbol=fill.symbol, quantity=holding.quantity,
                entry_price=None, mark_price=fill.price, realised_pnl=Decimal(0), unrealised_pnl=Decimal(0),
                fees=holding.fees,
            )  # fmt: skip
        position += 1
        yield PortfolioRow(
            **_of_desk(micros, position, "b"),
            state=DeskState.REDUCED if book.drawdown > Decimal("0.05") else DeskState.ACTIVE,
            equity=_money(book.equity), high_water_mark=_money(book.high_water_mark), drawdown=float(book.drawdown),
            gross_exposure=_money(book.gross_exposure), net_exposure=_money(book.net_exposure),
            realised_pnl=_money(book.realised()), unrealised_pnl=_money(book.unrealised()), fees=_money(book.fees()),
        )  # fmt: skip


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-8"))


def _market(result: BacktestResult) -> Iterable[Row]:
    for series in result.prices:
        for micros, close in zip(series.micros, series.closes, strict=True):
            yield MarketBar(
                row_id=f"{series.symbol}-{micros}", event_time=from_micros(micros), symbol=series.symbol,
                bar_seconds=60, open_time=from_micros(micros - 60_000_000), open=close, high=close, low=close,
                close=close, volume=1.0, quote_volume=close, trades=1, taker_buy_volume=0.5,
            )  # fmt: skip


def _talk(result: BacktestResult) -> Iterable[Row]:
    """One agent's first minutes: ten signals, four of them throttled; five copies of ten heard; two calls, two wishes."""
    for place in range(10):
        moment = result.from_micros + place * 60_000_000
        yield MessageRow(
            **_of_desk(moment, place, "m"), message_id=f"m{place}", sender=AGENT, recipient=None,
            type=MessageType.PROPOSAL, message_class=MessageClass.SIGNAL, symbol="BTCUSDT", correlation_id=None,
            verdict="throttled" if place < 4 else "admitted", reason="", retry_after_seconds=None, late=False,
            activity_score=1.0, payload="{}",
        )  # fmt: skip
        yield DeliveryRow(
            **_of_desk(moment, place, "d"), message_id=f"m{place}", sender="qwen-7b", recipient=AGENT,
            type=MessageType.INSIGHT, message_class=MessageClass.CHATTER, delivered=place % 2 == 0, reason="",
            relevance=0.5, threshold=0.5,
        )  # fmt: skip
    for place in range(2):
        moment = result.from_micros + place
        yield DecisionRow(
            **_of_desk(moment, place, "c"), decision_id=f"c{place}", agent=AGENT, model="rule:momentum", prompt="p",
            snapshot_id="s", symbol="BTCUSDT", side=Side.BUY if place else Side.HOLD, confidence=0.5,
            size_fraction=0.5, price=Decimal(1), stop_loss=None, take_profit=None, horizon_seconds=60,
            outcome="answered", rationale="",
        )  # fmt: skip
        yield ModelCall(
            **_of_desk(moment, place, "k"), decision_id=f"c{place}", agent=AGENT, endpoint="e", model="m", prompt="p",
            latency_ms=1.0, tokens_in=1, tokens_out=1, cost_usd=Decimal("0.0125"), outcome="answered", error="",
        )  # fmt: skip
        yield RiskVerdict(
            **_of_desk(moment, place, "v"), message_id=f"w{place}", agent=AGENT, symbol="BTCUSDT", side=Side.BUY,
            accepted=bool(place), check="trade_cap", limit=None, observed=None, reason="", client_order_id=None,
        )  # fmt: skip
