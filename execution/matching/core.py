"""The matching core: one simulated venue with many accounts, driven by market data in event time.

    core = MatchingCore(INSTRUMENTS, Terms(order_latency=timedelta(milliseconds=50)))
    core.on_quote("BTCUSDT", t0, 4_200_000_000_000, 100_000_000, 4_200_010_000_000, 100_000_000)
    core.submit("main", Order("o-1", "BTCUSDT", +1, 50_000_000), t0)     nothing yet: it is on its way until t0 + 50 ms
    core.on_quote(...t1...)                                              [Accepted, Filled]: at the prices before t1

Times are whole microseconds of event time, prices, quantities and rates whole numbers of 1e-8 (units.py), so that the same
calls give the same events on any machine. Orders meet the market that is told, never one another: what they take of it is
gone for all of them until it is told anew. An event at the time of an order's arrival comes before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from typing import NamedTuple

from contracts.instruments import Instrument
from execution.matching.account import Account, Position
from execution.matching.arrival import Arrivals
from execution.matching.bar_path import BarPath
from execution.matching.book_side import Level
from execution.matching.clearing import Clearing
from execution.matching.errand import Errand
from execution.matching.events import Cancelled, Event, Rejected
from execution.matching.funding import Funding
from execution.matching.liquidation import Liquidation
from execution.matching.margin import Margin
from execution.matching.market import Quote
from execution.matching.meeting import Meeting
from execution.matching.order import Order
from execution.matching.pit import FAR_ABOVE, Pit
from execution.matching.state import dump, restore
from execution.matching.terms import Terms, micros_of
from execution.matching.units import money, money_of
from execution.matching.working import Place, Working

NOTHING: Sequence[Event] = ()


class Balance(NamedTuple):
    """An account in quote currency; `available` is what new orders may still need as initial margin."""

    wallet: Decimal
    unrealised: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    available: Decimal


class OpenOrder(NamedTuple):
    """An order that is travelling, resting or waiting; `ahead` is what trades before it, None when that is unknown."""

    order: Order
    place: str
    remaining: int
    trades: int
    ahead: int | None


class MatchingCore:
    """See the module. A symbol that is not among the instruments is a KeyError where its market is told."""

    def __init__(self, instruments: Mapping[str, Instrument], terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.pits = {symbol: Pit(symbol, rules, self.terms) for symbol, rules in instruments.items()}
        self.accounts: dict[str, Account] = {}
        self.errands: list[Errand] = []
        self.number = 0
        self.clearing = Clearing(self.terms)
        self.funding = Funding(self.terms, self.clearing)
        self._margin = Margin(self.terms.margin, self.pits) if self.terms.margin else None
        self._arrivals = Arrivals(self.clearing, self._margin)
        self._meeting = Meeting(self.clearing, self._arrivals)
        self._bars = BarPath(self.terms, self._meeting)
        self._liquidation = Liquidation(self.clearing, self._margin, self.pits) if self._margin else None
        self._latency = micros_of(self.terms.order_latency)
        self._cancel_latency = micros_of(self.terms.cancel_latency)
        self.due = FAR_ABOVE

    @property
    def now(self) -> int:
        """The latest time that was told, in microseconds; -1 before the first."""
        return self.clearing.now

    def deposit(self, account: str, amount: Decimal) -> None:
        """Put money (quote currency) into an account's wallet; accounts are opened by their first use."""
        holder = self._account(account)
        holder.wallet += money(amount)
        holder.deposited += money(amount)
        self.clearing.touched[account] = holder

    # --- the market ----------------------------------------------------------------------------------------------

    def on_book(
        self, symbol: str, micros: int, bids: Iterable[Level], asks: Iterable[Level]
    ) -> Sequence[Event]:
        """The whole book: levels of price and quantity, in any order."""
        pit = self._pit(symbol, micros)
        pit.market.take_book(micros, bids, asks)
        for sign in (1, -1):
            resting, levels = pit.resting(sign), pit.market.side(sign).levels
            for price in list(resting.levels):
                resting.shrink(micros, price, levels.get(price, 0))
        return self._after_book(pit, micros)

    def on_depth(self, symbol: str, micros: int, changes: Iterable[tuple[bool, int, int]]) -> Sequence[Event]:
        """Levels that changed: whether it is a bid, its price, its quantity now (0: none)."""
        pit = self._pit(symbol, micros)
        market = pit.market
        for is_bid, price, quantity in changes:
            (market.bids if is_bid else market.asks).change(price, quantity)
            resting = pit.bids if is_bid else pit.asks
            if price in resting.levels:
                resting.shrink(micros, price, quantity)
        market.touch_book(micros)
        return self._after_book(pit, micros)

    def drop_book(self, symbol: str) -> None:
        """The book can no longer be believed (a gap): quotes and last prices count until the next whole one."""
        self.pits[symbol].market.drop_book()

    def on_quote(
        self, symbol: str, micros: int, bid: int, bid_quantity: int, ask: int, ask_quantity: int
    ) -> Sequence[Event]:
        """The best prices and what is quoted at them; a crossed or empty one takes away the one before it."""
        pit = self._pit(symbol, micros)
        quote = Quote(bid, bid_quantity, ask, ask_quantity)
        if pit.market.take_quote(micros, quote) and (bid <= pit.low or ask >= pit.high):
            self._meeting.quote(pit, micros, quote)
            self._settle(pit)
        return self._told()

    def on_trade(
        self, symbol: str, micros: int, price: int, quantity: int, buyer_is_maker: bool
    ) -> Sequence[Event]:
        """A trade of the market."""
        pit = self._pit(symbol, micros)
        pit.market.take_trade(micros, price)
        if price <= pit.low or price >= pit.high:
            self._meeting.trade(pit, micros, price, quantity, buyer_is_maker)
            self._settle(pit)
        return self._told()

    def on_bar(
        self, symbol: str, opened: int, micros: int, open: int, high: int, low: int, close: int, volume: int
    ) -> Sequence[Event]:
        """A bar from `opened` to `micros`, told when it has closed.

        Where quotes, a book or trades have told of its time already, it only tells the last price.
        """
        pit = self._pit(symbol, micros)
        if pit.market.is_told_since(opened):
            pit.market.take_last(micros, close, volume)
            return self._told()
        if low <= pit.low or high >= pit.high:
            for _ in self._bars.stages(pit, opened, micros, open, high, low, close, volume):
                self._settle(pit)
        pit.market.take_last(micros, close, volume)
        return self._told()

    def on_mark(self, symbol: str, micros: int, mark: int, rate: int | None = None) -> Sequence[Event]:
        """The venue's mark price, and the funding rate that will be paid next."""
        pit = self._pit(symbol, micros)
        pit.market.take_mark(mark, rate)
        if mark <= pit.low or mark >= pit.high:
            self._settle(pit)
        return self._told()

    # --- orders --------------------------------------------------------------------------------------------------

    def submit(self, account: str, order: Order, micros: int) -> Sequence[Event]:
        """Send an order at `micros`; it arrives after the latency."""
        self._catch_up(micros)
        working = Working(self._account(account), order, self._next_number(), micros)
        denial = self._form(account, order)
        if denial is not None:
            self.clearing.events.append(Rejected(self.clearing.now, account, order.client_order_id, denial))
            return self._told()
        working.account.take(working)
        working.live_at = micros + self._latency
        errand = Errand(working.live_at, working.number, working, account, order.client_order_id)
        return self._send(errand, self._latency, micros)

    def resume(self, account: str, order: Order, micros: int, *, filled: int, trades: int) -> None:
        """Take up an order that rested or waited in an earlier process, `filled` in `trades` trades.

        It is not judged again: it rests behind everything at its price, or waits, and meets what comes.
        """
        working = Working(self._account(account), order, self._next_number(), micros)
        working.remaining -= filled
        working.trades = trades
        working.account.take(working)
        pit = self.pits[order.symbol]
        if order.type.is_conditional:
            pit.waiting.take_up(working)
            working.place = Place.WAITING
        else:
            pit.resting(order.sign).rest(working)
            working.place = Place.RESTING
        pit.watch()

    def resume_position(self, account: str, symbol: str, position: Position) -> None:
        """Take up a position of an earlier process; its profit and fees are in the wallet."""
        holder, pit = self._account(account), self.pits[symbol]
        holder.positions[symbol] = position
        holder.wallet += position.realised - position.fees + position.funding
        if position.quantity:
            pit.holders[account] = holder
        self.clearing.touched[account] = holder
        self._set_due()

    def cancel(self, account: str, client_order_id: str, micros: int) -> Sequence[Event]:
        """Send a cancellation; it arrives after its latency, and finds the order or does not."""
        self._catch_up(micros)
        errand = Errand(micros + self._cancel_latency, self._next_number(), None, account, client_order_id)
        return self._send(errand, self._cancel_latency, micros)

    def advance(self, micros: int) -> Sequence[Event]:
        """Let time pass without an event of the market: what was due up to and at `micros` happens."""
        self._catch_up(micros, including=True)
        return self._told()

    # --- what is so ----------------------------------------------------------------------------------------------

    def position(self, account: str, symbol: str) -> Position:
        """What the account holds; not to be changed."""
        holder = self.accounts.get(account)
        return (holder.positions.get(symbol) if holder else None) or Position()

    def open_orders(self, account: str) -> list[OpenOrder]:
        """The account's orders that have not ended, first come first."""
        holder = self.accounts.get(account)
        return [
            OpenOrder(
                working.order,
                str(working.place),
                working.remaining,
                working.trades,
                working.ahead if working.ahead < FAR_ABOVE // 2 else None,
            )
            for working in (holder.orders.values() if holder else ())
        ]

    def equity(self, account: str) -> int:
        """Wallet and unrealised profit at the marks in force, in units of money."""
        holder = self._account(account)
        held = holder.positions.items()
        return holder.wallet + sum(p.unrealised(self.pits[s].market.mark) for s, p in held if p.quantity)

    def balance(self, account: str) -> Balance:
        """The account's money."""
        holder, equity = self._account(account), self.equity(account)
        initial = self._margin.initial(holder) if self._margin else 0
        maintenance = self._margin.maintenance(holder) if self._margin else 0
        amounts = (holder.wallet, equity - holder.wallet, initial, maintenance, max(equity - initial, 0))
        return Balance(*map(money_of, amounts))

    def next_triggers(self, symbol: str) -> tuple[int, int]:
        """Prices between which, both excluded, nothing happens in a symbol.

        Neither trades, quotes, bars nor marks that lie there need to be told, but for the last of each before an order
        is sent, something is due, or a price reaches one of the two.
        """
        pit = self.pits[symbol]
        return pit.low, pit.high

    def next_moment(self) -> int | None:
        """When something happens by itself, an arrival or funding; None when nothing is due."""
        return None if self.due == FAR_ABOVE else self.due

    def dump(self) -> bytes:
        """The whole state as JSON; a core that goes on from it tells what this one would."""
        return dump(self)

    def restore(self, state: bytes) -> None:
        """Go on from what `dump` gave, on a new core of the same instruments and terms."""
        restore(self, state)

    # --- how it goes ---------------------------------------------------------------------------------------------

    def _pit(self, symbol: str, micros: int) -> Pit:
        """The symbol's pit, after all that was due before this moment."""
        if self.due < micros:
            self._catch_up(micros)
        if micros > self.clearing.now:
            self.clearing.now = micros
        return self.pits[symbol]

    def _after_book(self, pit: Pit, micros: int) -> Sequence[Event]:
        bid, ask = pit.market.bids.best, pit.market.asks.best
        if bid is None or ask is None or bid <= pit.low or ask >= pit.high:
            self._meeting.book(pit, micros)
            self._settle(pit)
        return self._told()

    def _settle(self, pit: Pit) -> None:
        """After what happened in a pit: margins are looked at, and what to watch for is found out anew."""
        touched = self.clearing.touched
        if self._liquidation is not None:
            self._liquidation.look(pit, touched)
            for account in touched.values():
                for symbol in account.positions:
                    if symbol != pit.symbol:
                        self.pits[symbol].watch()
        touched.clear()
        pit.watch()
        self._set_due()

    def _catch_up(self, micros: int, *, including: bool = False) -> None:
        """Let happen what is due before `micros`, or at it too."""
        limit = micros if including else micros - 1
        while self.due <= limit:
            self.clearing.now = max(self.clearing.now, self.due)
            if self.funding.at <= self.due:
                for pit in self.funding.pay(self.pits):
                    self._settle(pit)
            else:
                self._run(heappop(self.errands))
            self._set_due()
        if micros > self.clearing.now:
            self.clearing.now = micros

    def _send(self, errand: Errand, latency: int, micros: int) -> Sequence[Event]:
        if latency <= 0 or errand.due < self.clearing.now:
            self._run(errand)
        else:
            heappush(self.errands, errand)
        self._set_due()
        return self._told()

    def _run(self, errand: Errand) -> None:
        holder = self._account(errand.account)
        working = errand.working or holder.orders.get(errand.client_order_id)
        if working is None or working.place is Place.GONE:
            return
        pit = self.pits[working.order.symbol]
        if errand.working is None:
            self.clearing.end(pit, working, Cancelled, "cancelled on request")
        else:
            working.live_at = max(working.live_at, self.clearing.now)
            working.place = Place.TRADING
            self._arrivals.take(pit, working)
        self._settle(pit)

    def _form(self, account: str, order: Order) -> str | None:
        """Why an order cannot be one, whatever the market is."""
        pit = self.pits.get(order.symbol)
        if pit is None:
            return f"unknown symbol {order.symbol}; known are {', '.join(self.pits)}"
        if order.client_order_id in self.accounts[account].orders:
            return f"duplicate: an order {order.client_order_id} is open"
        return pit.broken_rule(order.quantity, order.limit, order.stop)

    def _account(self, name: str) -> Account:
        if name not in self.accounts:
            self.accounts[name] = Account(name)
        return self.accounts[name]

    def _next_number(self) -> int:
        self.number += 1
        return self.number

    def _set_due(self) -> None:
        first = self.errands[0].due if self.errands else FAR_ABOVE
        self.due = min(first, self.funding.next_at(self.clearing.now, self.pits))

    def _told(self) -> Sequence[Event]:
        events = self.clearing.events
        if not events:
            return NOTHING
        self.clearing.events = []
        return events
