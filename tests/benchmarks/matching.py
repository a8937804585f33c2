"""The matching core: what an order costs as fills pile up, and what an event costs while nothing rests.

CPU time of one core. NautilusTrader does the same orders in a process of its own; it needs another pandas than the rest, so
`make bench` keeps it in a folder of its own (peers.lock), and without that folder it is left out.

Its cost grows with its fills: at 100,000 it would run for hours, so it is asked for up to 10,000.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

import orjson

from contracts.instruments import INSTRUMENTS
from contracts.orders import OrderType
from execution.matching.core import MatchingCore
from execution.matching.events import Filled
from execution.matching.order import Order
from execution.matching.units import MONEY, UNIT
from tests.benchmarks.figure import Figure, Figures

FILLS = (1_000, 10_000, 100_000)
MOST_OF_THE_PEER = 10_000
EVENTS = 300_000
SYMBOL = "BTCUSDT"
TICK = UNIT // 10


def measure() -> Figures:
    """Orders a second at each number of fills, beside the peer; events a second, with and without a resting order."""
    figures: Figures = {}
    _market_orders(1_000)
    for fills in FILLS:
        rounds = [_market_orders(fills) for _ in range(max(1, min(9, 30_000 // fills)))]
        seconds = [sum(tenths) for tenths, _ in rounds]
        beside = {}
        if fills <= MOST_OF_THE_PEER and find_spec("nautilus_trader") is not None:
            beside["NautilusTrader, netting, market orders"] = fills / _peer_seconds(fills, rounds[0][1])
        figures[f"matching core, {fills:,} fills"] = Figure(fills / median(seconds), "orders/s", beside)
        tenths = rounds[0][0]
    figures["the last tenth of them alone"] = Figure(
        FILLS[-1] / 10 / tenths[-1], "orders/s", {"the first tenth": FILLS[-1] / 10 / tenths[0]}
    )
    for name, work in (("nothing rests", _idle), ("an order rests, far", _watched)):
        figures[f"matching core, trades told, {name}"] = Figure(EVENTS / _seconds(work), "events/s")
    return figures


def _market_orders(fills: int) -> tuple[list[float], float]:
    """CPU seconds of each tenth of so many quotes with a market order each, and what was traded (quote currency)."""
    core, notional, tenths = MatchingCore(INSTRUMENTS), 0, []
    began = time.process_time()
    for n in range(fills):
        bid = 42_000 * UNIT + n % 50 * TICK
        core.on_quote(SYMBOL, n * 1_000, bid, UNIT, bid + TICK, UNIT)
        order = Order(f"o-{n}", SYMBOL, 1 if n % 2 else -1, UNIT // 100)
        for event in core.submit("bench", order, n * 1_000):
            if isinstance(event, Filled):
                notional += event.price * event.quantity
        if (n + 1) % (fills // 10) == 0:
            now = time.process_time()
            tenths.append(now - began)
            began = now
    return tenths, notional / MONEY


def _peer_seconds(fills: int, notional: float) -> float:
    """The peer's CPU seconds; raises AssertionError when it did other work."""
    command = [sys.executable, "-m", "tests.benchmarks.nautilus_orders", str(fills)]
    said = subprocess.run(command, check=True, capture_output=True, timeout=1_800).stdout
    told = orjson.loads(said)
    if told["fills"] != fills or abs(told["notional"] - notional) > 1e-9 * notional:
        raise AssertionError(f"the peer traded {told}, we {fills} fills of {notional}: other work")
    seconds: float = told["seconds"]
    return seconds


def _idle() -> None:
    _trades(MatchingCore(INSTRUMENTS))


def _watched() -> None:
    core = MatchingCore(INSTRUMENTS)
    order = Order("far", SYMBOL, 1, UNIT, OrderType.LIMIT, 41_000 * UNIT)
    core.submit("bench", order, 0)
    _trades(core)


def _trades(core: MatchingCore) -> None:
    for n in range(EVENTS):
        core.on_trade(SYMBOL, n, 42_000 * UNIT, UNIT, True)


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
