"""The bound: no sequence of proposals, fills, marks and controls leaves a limit exceeded by more than what is in doubt.

docs/risk.md states it. When an order that adds risk is accepted, every exposure that its checks look at is within its limit
with all orders in flight at their worst, this one included, at the marks and the equity of that moment. From there on, as
long as nothing else that adds risk is accepted, what is really held stays within that same amount at those same marks,
whatever fills, is cancelled, rejected, restarted or told twice: by nothing more than

    late      a trade of an order that was told to have ended, at most what had remained of it
    strange   a trade of an order that is not the desk's
    closing   for the net limits alone: what closes one agent's position is always let through, and may uncover another's

each of which is bounded by one order, and is counted by the next acceptance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.controls import Control, ControlAction
from contracts.message import Message, said_by
from contracts.orders import OrderRequest
from contracts.risk.limits import Limits
from contracts.rows.trading import RiskVerdict
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    ROSTER,
    Player,
    at,
    desk,
    mark,
    on,
    proposal,
    rows,
    signal,
    step,
)
from tests.transforms.portfolio.plain_book import Key, Open, PlainBook, gross, net
from transforms.core import Output
from transforms.portfolio.report import ORDERS

D = Decimal
PRICES = {BTC: D(40_000), ETH: D(2_000)}
AGENT_NAMES = ("alpha", "beta")
AGENTS = st.sampled_from([*AGENT_NAMES, "alpha"])
SYMBOLS = st.sampled_from([BTC, ETH])
SIDES = st.sampled_from(["BUY", "SELL"])
PERCENT = st.integers(-300, 300).map(lambda points: D(10_000 + points) / 10_000)
KINDS = st.sampled_from(["signal", "signal", "proposal", "proposal", "reduce", "leverage"])
SHARES = st.integers(1, 10).map(lambda tenths: D(tenths) / 10)
TIGHT = Limits(
    active_share="0.2", per_trade_share="0.5", symbol_gross="0.13", symbol_net="0.11", desk_gross="0.16", desk_net="0.12",
    orders_per_minute=6, agent_orders_per_minute=4, target_volatility="0.1",
)  # fmt: skip
"""So tight that a handful of orders meets each of them: alpha has 15,000 and beta 5,000, half of it for one order."""

Ranges = dict[Key, tuple[Decimal, Decimal]]


@dataclass
class Bound:
    """What an exposure may come to since it was checked last: `marks` and `limit` are those of that moment."""

    measure: Callable[[Ranges, dict[str, Decimal], str | None], Decimal]
    marks: dict[str, Decimal]
    limit: Decimal
    of: str | None = None
    in_doubt: Decimal = Decimal(0)


class DeskAgainstPlainBook(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.play = Player(desk(TIGHT))
        self.plain = PlainBook(D(str(ROSTER.capital)))
        self.bounds: dict[str, Bound] = {}
        self.now = 0.0
        self.names = 0
        self.last: Message | None = None
        self.accepted: list[tuple[float, str]] = []

    # --- what is said to the desk ---------------------------------------------------------------------------------

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def say(self, message: Message) -> list[Output]:
        self.last = message
        return self.play(message)

    @property
    def standing(self) -> Any:
        return self.play.core._standing

    @initialize()
    def open_the_desk(self) -> None:
        for symbol, price in PRICES.items():
            self.say(mark(0, symbol, str(price)))
            self.plain.marks[symbol] = price

    @rule(seconds=st.sampled_from([0.5, 5, 20, 61]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(symbol=SYMBOLS, move=PERCENT, sound=st.sampled_from([True, True, True, False]))
    def the_market_moves(self, symbol: str, move: Decimal, sound: bool) -> None:
        price = (self.plain.marks[symbol] * move).quantize(D("0.01"))
        crossed: dict[str, Any] = {} if sound else {"bid": price + 1, "ask": price - 1}
        self.say(mark(self.now, symbol, str(price), **crossed))
        self.plain.marks[symbol] = price

    @rule(wishes=st.lists(st.tuples(AGENTS, SYMBOLS, SIDES, SHARES, KINDS), min_size=1, max_size=6))
    def agents_wish(self, wishes: list[tuple[str, str, str, Decimal, str]]) -> None:
        """Proposals are sized as a share of the cap, signals say what they want, up to a little more than the cap."""
        for agent, symbol, side, share, kind in wishes:
            name = self.name()
            if kind == "signal":
                notional = str((self.standing.allotments.of(agent) * D("0.51") * share).quantize(D(1)))
                self.wish(signal(self.now, name, agent, symbol, side, notional), agent, symbol)
            else:
                only, leverage = kind == "reduce", 9 if kind == "leverage" else 1
                fields: dict[str, Any] = {"reduce_only": only, "leverage": leverage}
                self.wish(
                    proposal(self.now, name, agent, symbol, side, float(share), **fields), agent, symbol
                )

    def wish(self, message: Message, agent: str, symbol: str) -> None:
        before = self.plain.ranges()
        limits, equity = self.standing.limits.now, self.plain.equity
        outputs = self.say(message)
        (row,) = rows(RiskVerdict, outputs)
        requests = on(ORDERS, outputs)
        assert row.accepted is (len(requests) == 1)
        if not requests:
            return
        (request,) = requests
        self.take(request)
        self.accepted.append((self.standing.clock / 1e6, agent))
        low, high = before.get((agent, symbol), (D(0), D(0)))
        closable = max(D(0), low) if request.side == "SELL" else max(D(0), -high)
        if request.quantity <= closable:
            self.closes(symbol, request.quantity)
            return
        assert not self.standing.risk.killed
        assert request.reference_price == self.plain.marks[symbol]
        assert request.quantity * request.reference_price <= (
            self.standing.allotments.of(agent) * limits.per_trade_share
        )
        self.check_and_remember(agent, symbol, limits, equity)

    def take(self, request: OrderRequest) -> None:
        signed = request.quantity * request.side.sign
        self.plain.open[request.client_order_id] = Open(request.agent, request.symbol, signed, signed)

    def check_and_remember(self, agent: str, symbol: str, limits: Limits, equity: Decimal) -> None:
        """Every exposure that an accepted order adds to is within its limit, all in flight at its worst."""
        marks = dict(self.plain.marks)
        checked = {
            f"allocation of {agent}": Bound(gross, marks, self.standing.allotments.of(agent), agent),
            f"gross of {symbol}": Bound(gross, marks, limits.symbol_gross * equity, symbol),
            f"net of {symbol}": Bound(net, marks, limits.symbol_net * equity, symbol),
            "gross": Bound(gross, marks, limits.desk_gross * equity),
            "net": Bound(net, marks, limits.desk_net * equity),
        }
        worst = self.plain.ranges()
        for name, bound in checked.items():
            assert bound.measure(worst, marks, bound.of) <= bound.limit, name
        self.bounds |= checked

    # --- what the venue says ----------------------------------------------------------------------------------------

    def executed(
        self, name: str, order: Open, status: str, fill: tuple[Decimal, Decimal] | None = None
    ) -> None:
        order.sequence += 1
        done = abs(order.quantity - order.remaining)
        told, fee = None, D(0)
        if fill is not None:
            quantity, price = fill
            fee = (quantity * price * D("0.0004")).quantize(D("1e-8"))
            told = (str(quantity), str(price), str(fee))
            order.remaining -= quantity * order.sign
            self.plain.trade(order.agent, order.symbol, quantity * order.sign, price, fee)
        side = "BUY" if order.sign > 0 else "SELL"
        self.say(
            step(
                self.now, name, order.sequence, status, order.agent, order.symbol, side,
                str(abs(order.quantity)), told, str(done),
            )
        )  # fmt: skip

    @precondition(lambda self: self.plain.open)
    @rule(data=st.data(), share=SHARES, slippage=PERCENT)
    def an_order_fills(self, data: st.DataObject, share: Decimal, slippage: Decimal) -> None:
        name = data.draw(st.sampled_from(sorted(self.plain.open)))
        order = self.plain.open[name]
        quantity = (abs(order.remaining) * share).quantize(D("0.0001")) or abs(order.remaining)
        price = (self.plain.marks[order.symbol] * slippage).quantize(D("0.01"))
        whole = quantity >= abs(order.remaining)
        self.executed(name, order, "FILLED" if whole else "PARTIALLY_FILLED", (quantity, price))
        if whole:
            self.plain.ended[name] = self.plain.open.pop(name)

    @precondition(lambda self: self.plain.open)
    @rule(
        data=st.data(), status=st.sampled_from(["CANCELLED", "EXPIRED", "REJECTED", "UNKNOWN", "SUBMITTED"])
    )
    def an_order_is_told_of(self, data: st.DataObject, status: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.plain.open)))
        order = self.plain.open[name]
        self.executed(name, order, status)
        if status in ("CANCELLED", "EXPIRED", "REJECTED"):
            self.plain.ended[name] = self.plain.open.pop(name)

    @precondition(lambda self: any(order.remaining for order in self.plain.ended.values()))
    @rule(data=st.data())
    def an_ended_order_traded_after_all(self, data: st.DataObject) -> None:
        names = sorted(name for name, order in self.plain.ended.items() if order.remaining)
        order = self.plain.ended[name := data.draw(st.sampled_from(names))]
        quantity = abs(order.remaining)
        self.in_doubt(order.symbol, quantity)
        self.executed(name, order, "CANCELLED", (quantity, self.plain.marks[order.symbol]))

    @rule(agent=AGENTS, symbol=SYMBOLS, side=SIDES)
    def a_stranger_trades(self, agent: str, symbol: str, side: str) -> None:
        quantity = D("0.01")
        order = Open(agent, symbol, *[quantity if side == "BUY" else -quantity] * 2, sequence=0)
        self.in_doubt(symbol, quantity)
        self.executed(f"sph-{self.name()}", order, "FILLED", (quantity, self.plain.marks[symbol]))

    def closes(self, symbol: str, quantity: Decimal) -> None:
        """Closing one agent's position may uncover another's: the net of all, and nothing else, may grow by it."""
        self.in_doubt(symbol, quantity, "net")

    def in_doubt(self, symbol: str, quantity: Decimal, of: str = "") -> None:
        for name, bound in self.bounds.items():
            if name.startswith(of) and (bound.of is None or bound.of == symbol or bound.of in AGENT_NAMES):
                bound.in_doubt += quantity * bound.marks.get(symbol, D(0))

    # --- what people and machines do ----------------------------------------------------------------------------------

    @rule(action=st.sampled_from(["kill", "flatten", "release", "release", "release"]))
    def somebody_kills_or_releases(self, action: str) -> None:
        control = Control(
            action=ControlAction("kill" if action == "flatten" else action),
            issued_by="ada",
            flatten=action == "flatten",
        )
        for request in on(ORDERS, self.say(self.controlled(control))):
            self.take(request)
            self.closes(request.symbol, request.quantity)

    @rule(change=st.sampled_from([{"desk_gross": "0.1"}, {"desk_gross": "0.3"}, {"symbol_net": "0.05"}]))
    def somebody_changes_a_limit(self, change: dict) -> None:
        self.say(self.controlled(Control(action=ControlAction.LIMITS, issued_by="ada", limits=change)))

    def controlled(self, control: Control) -> Message:
        return said_by("console", control, desk="main", event_time=at(self.now), derived_from=(self.name(),))

    @precondition(lambda self: self.last is not None and self.last.type != "CONTROL")
    @rule()
    def the_last_message_comes_again(self) -> None:
        assert self.last is not None
        assert on(ORDERS, self.play(self.last)) == []

    @rule()
    def the_job_starts_anew(self) -> None:
        dumped = self.play.core.dump()
        self.play.core = desk(TIGHT)
        self.play.core.restore(dumped)

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_book_is_the_plain_book(self) -> None:
        book = self.standing.book
        assert {(a, s): h.quantity for a, s, h in book.holdings() if h.quantity} == {
            key: quantity for key, quantity in self.plain.held.items() if quantity
        }
        assert book.equity == self.plain.equity
        assert sorted(order.remaining for order in self.standing.orders.in_flight()) == sorted(
            order.remaining for order in self.plain.open.values()
        )

    @invariant()
    def no_limit_is_exceeded_by_more_than_what_is_in_doubt(self) -> None:
        for name, bound in self.bounds.items():
            held = bound.measure(self.plain.certain(), bound.marks, bound.of)
            assert held <= bound.limit + bound.in_doubt, name
            worst = bound.measure(self.plain.ranges(), bound.marks, bound.of)
            assert worst <= bound.limit + bound.in_doubt, name

    @invariant()
    def no_minute_has_more_orders_than_its_limit(self) -> None:
        for end, _ in self.accepted:
            minute = [agent for at_seconds, agent in self.accepted if end - 60 < at_seconds <= end]
            assert len(minute) <= TIGHT.orders_per_minute
            assert all(minute.count(agent) <= TIGHT.agent_orders_per_minute for agent in minute)


TestDeskAgainstPlainBook = DeskAgainstPlainBook.TestCase
TestDeskAgainstPlainBook.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
