"""NautilusTrader at the matching core's work: a quote and a market order, again and again, in a process of its own.

`python -m tests.benchmarks.nautilus_orders 1000` prints {seconds, fills, notional} of 1,000 orders. Its engine is handed
ticks that are made already, and only its run is timed, in CPU seconds. Netting, no latency, an account with money enough.
"""

import sys
import time
from collections.abc import Iterator
from decimal import Decimal

import orjson
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = TestInstrumentProvider.btcusdt_perp_binance()
CONFIG = BacktestEngineConfig(
    logging=LoggingConfig(bypass_logging=True),
    # Its own checks of orders would deny more than 100 a second.
    risk_engine=RiskEngineConfig(bypass=True),
)
START = 1_700_000_000_000_000_000
"""Nanoseconds; at times near 0 the engine aborts."""
LOT = Quantity(0.01, 3)


class _OrderEachQuote(Strategy):
    """Buys on one quote and sells on the next."""

    def on_start(self) -> None:
        self._buys = False
        self.subscribe_quote_ticks(INSTRUMENT.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        side = OrderSide.BUY if self._buys else OrderSide.SELL
        self._buys = not self._buys
        self.submit_order(self.order_factory.market(INSTRUMENT.id, side, LOT))


def _ticks(orders: int) -> Iterator[QuoteTick]:
    """The quotes of `tests.benchmarks.matching`."""
    one = Quantity(1, 3)
    for n in range(orders):
        bid, ask = Price(42_000 + n % 50 / 10, 1), Price(42_000.1 + n % 50 / 10, 1)
        moment = START + n * 1_000_000
        yield QuoteTick(INSTRUMENT.id, bid, ask, one, one, moment, moment)


def main(orders: int) -> bytes:
    """Run so many orders; what they cost and came to, as JSON."""
    engine = BacktestEngine(CONFIG)
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=None,
        starting_balances=[Money(10_000_000, USDT)],
    )
    engine.add_instrument(INSTRUMENT)
    engine.add_data(list(_ticks(orders)))
    engine.add_strategy(_OrderEachQuote())
    began = time.process_time()
    engine.run()
    seconds = time.process_time() - began
    filled = [order for order in engine.cache.orders() if order.filled_qty == order.quantity]
    notional = sum(
        (order.filled_qty.as_decimal() * Decimal(str(order.avg_px)) for order in filled), Decimal(0)
    )
    told = {"seconds": seconds, "fills": len(filled), "notional": float(notional)}
    engine.dispose()
    return orjson.dumps(told)


if __name__ == "__main__":
    sys.stdout.buffer.write(main(int(sys.argv[1])))
