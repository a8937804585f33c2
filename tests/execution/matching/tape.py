"""What the matching core's tests share: a tape of calls that is drawn at random, and playing it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from contracts.instruments import INSTRUMENTS
from contracts.orders import OrderType, TimeInForce
from execution.matching.core import MatchingCore
from execution.matching.events import Event
from execution.matching.order import Order
from execution.matching.terms import MarginTerms, Terms
from execution.matching.units import UNIT, units

ACCOUNTS = ("a", "b")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
TICK = {symbol: units(INSTRUMENTS[symbol].tick) for symbol in SYMBOLS}
LOT = units(INSTRUMENTS["BTCUSDT"].lot)
MIDDLE = {"BTCUSDT": 42_000 * UNIT, "ETHUSDT": 2_500 * UNIT}
HOUR = 3_600_000_000

TERMS = Terms(
    order_latency=timedelta(milliseconds=20),
    cancel_latency=timedelta(milliseconds=20),
    funding_rate=Decimal("0.0003"),
    margin=MarginTerms(leverage=10),
)

Call = tuple[str, tuple[Any, ...]]


def price(symbol: str, ticks: int) -> int:
    return MIDDLE[symbol] + ticks * TICK[symbol]


_SYMBOL = st.sampled_from(SYMBOLS)
_TICKS = st.integers(-12, 12)
_LOTS = st.integers(1, 40).map(lambda lots: lots * LOT)
_GAP = st.sampled_from([0, 1_000, 15_000, 30_000, 200_000, 9_000_000, 5 * HOUR])


@st.composite
def _quotes(draw: st.DrawFn) -> Call:
    symbol, bid, spread = draw(_SYMBOL), draw(_TICKS), draw(st.integers(0, 6))
    ask = price(symbol, bid + spread)
    return "on_quote", (symbol, price(symbol, bid), draw(_LOTS), ask, draw(_LOTS))


@st.composite
def _trades(draw: st.DrawFn) -> Call:
    symbol = draw(_SYMBOL)
    return "on_trade", (symbol, price(symbol, draw(_TICKS)), draw(_LOTS), draw(st.booleans()))


@st.composite
def _books(draw: st.DrawFn) -> Call:
    symbol, middle = draw(_SYMBOL), draw(_TICKS)
    bids = [(price(symbol, middle - 1 - n), draw(_LOTS)) for n in range(draw(st.integers(0, 4)))]
    asks = [(price(symbol, middle + 1 + n), draw(_LOTS)) for n in range(draw(st.integers(0, 4)))]
    return "on_book", (symbol, bids, asks)


@st.composite
def _depths(draw: st.DrawFn) -> Call:
    symbol = draw(_SYMBOL)
    quantity = st.one_of(st.just(0), _LOTS)
    rows = st.tuples(st.booleans(), _TICKS.map(lambda ticks: price(symbol, ticks)), quantity)
    return "on_depth", (symbol, draw(st.lists(rows, min_size=1, max_size=3)))


@st.composite
def _bars(draw: st.DrawFn) -> Call:
    symbol = draw(_SYMBOL)
    path = [price(symbol, draw(_TICKS)) for _ in range(4)]
    return "on_bar", (symbol, path[0], max(path), min(path), path[1], draw(_LOTS) * 100)


@st.composite
def _marks(draw: st.DrawFn) -> Call:
    symbol = draw(_SYMBOL)
    ticks = draw(st.one_of(_TICKS, st.integers(-60_000, 60_000)))
    mark = max(price(symbol, ticks), TICK[symbol])
    return "on_mark", (symbol, mark, draw(st.sampled_from([None, 30_000, -20_000])))


@st.composite
def _orders(draw: st.DrawFn) -> Call:
    symbol, kind = draw(_SYMBOL), draw(st.sampled_from(OrderType))
    at = price(symbol, draw(_TICKS))
    order = Order(
        client_order_id="numbered when it is played",
        symbol=symbol,
        sign=draw(st.sampled_from([1, -1])),
        quantity=draw(st.one_of(_LOTS, st.integers(1, 100).map(lambda n: n * UNIT))),
        type=kind,
        limit=at if kind is OrderType.LIMIT else 0,
        time_in_force=draw(st.sampled_from(TimeInForce)),
        stop=at if kind.is_conditional and draw(st.integers(0, 9)) else 0,
        callback=draw(st.sampled_from([UNIT // 20_000, UNIT // 5_000])),
        reduce_only=draw(st.integers(0, 3)) == 0,
    )
    return "submit", (draw(st.sampled_from(ACCOUNTS)), order)


_CANCELS = st.tuples(st.just("cancel"), st.tuples(st.sampled_from(ACCOUNTS), st.integers(0, 20)))
_ADVANCES = st.just(("advance", ()))

TAPES = st.lists(
    st.tuples(
        _GAP,
        st.one_of(
            _quotes(), _trades(), _trades(), _books(), _depths(), _bars(), _marks(), _orders(), _orders(), _orders(),
            _CANCELS, _ADVANCES,
        ),
    ),
    max_size=50,
)  # fmt: skip


def new_core(terms: Terms = TERMS, deposit: Decimal = Decimal(20_000)) -> MatchingCore:
    core = MatchingCore({symbol: INSTRUMENTS[symbol] for symbol in SYMBOLS}, terms)
    if terms.margin is not None:
        for account in ACCOUNTS:
            core.deposit(account, deposit)
    return core


def call(core: MatchingCore, micros: int, name: str, details: tuple[Any, ...]) -> list[Event]:
    """Make one call of a tape."""
    if name == "advance":
        return list(core.advance(micros))
    if name == "submit":
        return list(core.submit(*details, micros))
    if name == "cancel":
        account, place = details
        orders = core.open_orders(account)
        return list(core.cancel(account, orders[place % len(orders)].order.client_order_id, micros)) if orders else []
    symbol, *rest = details
    if name == "on_bar":
        return list(core.on_bar(symbol, micros - 60_000_000, micros, *rest))
    return list(getattr(core, name)(symbol, micros, *rest))


def timed(tape: Iterable[tuple[int, Call]]) -> list[tuple[int, Call]]:
    """The tape with times instead of gaps, from 1970-01-01 07:59 on, and a last call that lets everything arrive."""
    now, found = 8 * HOUR - 60_000_000, []
    for number, (gap, (name, details)) in enumerate(tape):
        now += gap
        if name == "submit":
            details = details[0], replace(details[1], client_order_id=f"o-{number}")
        found.append((now, (name, details)))
    return [*found, (now + HOUR, ("advance", ()))]
