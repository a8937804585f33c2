"""NautilusTrader at the same work: quotes, trades and bars of our tape, one crossing of averages, market orders.

Its engine is handed ticks that are made already, as ours is handed columns; only its run is timed. The venue is netting,
with no latency and our taker fee, so that its fills can be held against ours one by one. The library is a peer for the
benchmarks alone: nothing of the project needs it.
"""

import time
from decimal import Decimal
from typing import Any, NamedTuple

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarSpecification, BarType, QuoteTick, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BarAggregation,
    OmsType,
    OrderSide,
    PriceType,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from contracts.market_data import MarketKind
from pipelines.backtesting.moving_averages import CrossFollower, MovingAverageCross
from pipelines.backtesting.tape import Tape

VENUE = Venue("SIM")
INSTRUMENT = InstrumentId(Symbol("BTCUSDT"), VENUE)


class PeerFill(NamedTuple):
    """A fill as the peer made it."""

    micros: int
    sign: int
    price: Decimal
    quantity: Decimal


class PeerRun(NamedTuple):
    """What the peer did, and the CPU seconds that its run took."""

    fills: list[PeerFill]
    orders: int
    seconds: float


class _Cross(Strategy):
    """The same crossing, in the peer's own way: on each quote (or bar) the averages, at each change one market order."""

    def __init__(self, cross: MovingAverageCross, quantity: Decimal, bar_type: Any) -> None:
        super().__init__()
        self._follower = CrossFollower(cross)
        self._size = quantity
        self._bar_type = bar_type
        self._held = Decimal(0)

    def on_start(self) -> None:
        if self._bar_type is None:
            self.subscribe_quote_ticks(INSTRUMENT)
            self.subscribe_trade_ticks(INSTRUMENT)
        else:
            self.subscribe_bars(self._bar_type)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self._take((tick.bid_price.raw + tick.ask_price.raw) // 2)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Trades are listened to and not traded on."""

    def on_bar(self, bar: Bar) -> None:
        self._take(bar.close.raw)

    def _take(self, price: int) -> None:
        side = self._follower.take(price)
        if not side:
            return
        wanted = side * self._size
        order = self.order_factory.market(
            INSTRUMENT,
            OrderSide.BUY if side > 0 else OrderSide.SELL,
            Quantity(abs(wanted - self._held), 3),
        )
        self._held = wanted
        self.submit_order(order)


def run_peer(tape: Tape, cross: MovingAverageCross, quantity: Decimal) -> PeerRun:
    """Run the crossing over the tape of one symbol, BTCUSDT: its quotes and trades, or its bars."""
    data, bar_type = _data(tape)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(100_000, USDT)],
    )
    engine.add_instrument(_instrument())
    engine.add_data(data)
    engine.add_strategy(_Cross(cross, quantity, bar_type))
    began = time.process_time()
    engine.run()
    seconds = time.process_time() - began
    fills = [
        PeerFill(
            event.ts_event // 1_000,
            1 if event.is_buy else -1,
            event.last_px.as_decimal(),
            event.last_qty.as_decimal(),
        )
        for order in engine.cache.orders()
        for event in order.events
        if type(event).__name__ == "OrderFilled"
    ]
    orders = len(engine.cache.orders())
    engine.dispose()
    return PeerRun(sorted(fills), orders, seconds)


def _instrument() -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=INSTRUMENT,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=1,
        size_precision=3,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.001"),
        margin_init=Decimal("0.01"),
        margin_maint=Decimal("0.005"),
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.00035"),
        ts_event=0,
        ts_init=0,
    )


def _data(tape: Tape) -> tuple[list[Any], Any]:
    """The tape's events as the peer's objects, in order; and the type of its bars, if it has some."""
    seconds = 60
    for track in tape.tracks:
        if track.kind is MarketKind.BAR:
            seconds = int(tape.micros[track.places[0]] - track.columns["open_time"][0]) // 1_000_000
    bar_type = BarType(INSTRUMENT, BarSpecification(seconds // 60, BarAggregation.MINUTE, PriceType.LAST))
    data: list[Any] = [None] * len(tape.micros)
    has_bars = False
    for track in tape.tracks:
        column = {name: values.tolist() for name, values in track.columns.items()}
        for row, place in enumerate(track.places.tolist()):
            moment = int(tape.micros[place]) * 1_000
            if track.kind is MarketKind.QUOTE:
                data[place] = QuoteTick(
                    INSTRUMENT, Price(column["bid"][row], 1), Price(column["ask"][row], 1),
                    Quantity(column["bid_quantity"][row], 3), Quantity(column["ask_quantity"][row], 3), moment, moment,
                )  # fmt: skip
            elif track.kind is MarketKind.TRADE:
                aggressor = AggressorSide.SELLER if column["buyer_is_maker"][row] else AggressorSide.BUYER
                data[place] = TradeTick(
                    INSTRUMENT, Price(column["price"][row], 1), Quantity(column["quantity"][row], 3), aggressor,
                    TradeId(str(column["trade_id"][row])), moment, moment,
                )  # fmt: skip
            else:
                has_bars = True
                prices = (Price(column[name][row], 1) for name in ("open", "high", "low", "close"))
                data[place] = Bar(bar_type, *prices, Quantity(column["volume"][row], 3), moment, moment)
    return data, bar_type if has_bars else None
