"""What the matching core's tests share: a tape of calls that is drawn at random, and playing it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
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
DEPOSIT = Decimal(6_000)

TERMS = Terms(
    order_latency=timedelta(milliseconds=20),
    cancel_latency=timedelta(milliseconds=20),
    funding_rate=Decimal("0.0003"),
    margin=MarginTerms(leverage=10),
)

Call = tuple[str, tuple[Any, ...]]
Tape = list[tuple[int, Call]]
"""Times in microseconds, and what is called then."""


def price(symbol: str, ticks: int) -> int:
    return MIDDLE[symbol] + ticks * TICK[symbol]


@dataclass
class Draw:
    """Draws one call after another."""

    dice: Random

    def ticks(self) -> int:
        return self.dice.randint(-12, 12)

    def lots(self) -> int:
        return self.dice.randint(1, 40) * LOT

    def quote(self, symbol: str) -> Call:
        bid = self.ticks()
        ask = price(symbol, bid + self.dice.randint(0, 6))
        return "on_quote", (symbol, price(symbol, bid), self.lots(), ask, self.lots())

    def trade(self, symbol: str) -> Call:
        return "on_trade", (symbol, price(symbol, self.ticks()), self.lots(), self.dice.random() < 0.5)

    def book(self, symbol: str) -> Call:
        middle, levels = self.ticks(), range(1, self.dice.randint(1, 6))
        sides = [[(price(symbol, middle + n * sign), self.lots()) for n in levels] for sign in (-1, 1)]
        return "on_book", (symbol, *sides)

    def depth(self, symbol: str) -> Call:
        rows = [
            (
                self.dice.random() < 0.5,
                price(symbol, self.ticks()),
                self.lots() if self.dice.random() < 0.6 else 0,
            )
            for _ in range(self.dice.randint(1, 3))
        ]
        return "on_depth", (symbol, rows)

    def bar(self, symbol: str) -> Call:
        path = [price(symbol, self.ticks()) for _ in range(4)]
        return "on_bar", (symbol, path[0], max(path), min(path), path[1], self.lots() * 100)

    def mark(self, symbol: str) -> Call:
        wide = 0.2 if self.dice.random() < 0.3 else 0.0002
        mark = round(MIDDLE[symbol] * (1 + self.dice.uniform(-wide, wide)))
        return "on_mark", (symbol, mark, self.dice.choice([None, 30_000, -20_000]))

    def order(self, symbol: str) -> Call:
        kind = self.dice.choice([OrderType.MARKET, OrderType.LIMIT, *OrderType])
        at = price(symbol, self.ticks())
        order = Order(
            client_order_id=f"o-{self.dice.getrandbits(40):x}",
            symbol=symbol,
            sign=self.dice.choice([1, -1]),
            quantity=self.dice.choice([self.lots(), self.lots(), self.dice.randint(1, 3) * UNIT]),
            type=kind,
            limit=at if kind is OrderType.LIMIT else 0,
            time_in_force=self.dice.choice([TimeInForce.GTC, *TimeInForce]),
            stop=at if kind.is_conditional and self.dice.random() < 0.7 else 0,
            callback=self.dice.choice([UNIT // 20_000, UNIT // 5_000]),
            reduce_only=self.dice.random() < 0.3,
        )
        return "submit", (self.dice.choice(ACCOUNTS), order)

    def cancel(self, _: str) -> Call:
        return "cancel", (self.dice.choice(ACCOUNTS), self.dice.randint(0, 20))

    def advance(self, _: str) -> Call:
        return "advance", ()


def draw_tape(seed: int, length: int, kinds: tuple[str, ...], trades: bool) -> Tape:
    """The same seed's tape, longer or shorter; it begins a minute before funding, with quotes."""
    draw, now = Draw(Random(seed)), 8 * HOUR - 60_000_000
    calls = (
        {"order": 6, "cancel": 1, "advance": 1, "mark": 2} | dict.fromkeys(kinds, 3) | {"trade": 4 * trades}
    )
    tape = [(now, draw.quote(symbol)) for symbol in SYMBOLS]
    for _ in range(length):
        now += draw.dice.choice([0, 1_000, 15_000, 30_000, 30_000, 200_000, 900_000, 70_000_000])
        name = draw.dice.choices(list(calls), list(calls.values()))[0]
        tape.append((now, getattr(draw, name)(draw.dice.choice(SYMBOLS))))
    return [*tape, (now + HOUR, ("advance", ()))]


TAPES = st.builds(
    draw_tape,
    seed=st.integers(0, 2**48),
    length=st.integers(10, 150),
    kinds=st.sampled_from([("quote",), ("book", "depth"), ("bar",), ("quote", "book", "depth", "bar")]),
    trades=st.booleans(),
)
"""A tape that fails is shortened to the call that it fails at."""


def new_core(terms: Terms = TERMS) -> MatchingCore:
    core = MatchingCore({symbol: INSTRUMENTS[symbol] for symbol in SYMBOLS}, terms)
    for account in ACCOUNTS:
        core.deposit(account, DEPOSIT)
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
        if not orders:
            return []
        return list(core.cancel(account, orders[place % len(orders)].order.client_order_id, micros))
    symbol, *rest = details
    if name == "on_bar":
        return list(core.on_bar(symbol, micros - 60_000_000, micros, *rest))
    return list(getattr(core, name)(symbol, micros, *rest))


def play(core: MatchingCore, tape: Iterable[tuple[int, Call]]) -> list[tuple[Call, list[Event]]]:
    """Every call with what it told."""
    return [(step, call(core, micros, *step)) for micros, step in tape]
