"""The matching core: one simulated venue with many accounts, driven by market data in event time.

    core = MatchingCore(INSTRUMENTS, Terms(order_latency=timedelta(milliseconds=50)))
    core.on_quote("BTCUSDT", t0, 4_200_000_000_000, 100_000_000, 4_200_010_000_000, 100_000_000)
    core.submit("main", Order("o-1", "BTCUSDT", +1, 50_000_000), t0)     nothing yet: it is on its way until t0 + 50 ms
    core.on_quote(...t1...)                                              [Accepted, Filled]: at the prices before t1

Times are whole microseconds of event time, prices, quantities and rates whole numbers of 1e-8 (units.py), so that the same
calls give the same events on any machine. Orders meet the market that is told, and never one another: what they take of it is
gone for all of them until it is told anew. An event at the time of an order's arrival comes before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from contracts.instruments import Instrument
from execution.matching.account import Position
from execution.matching.book_side import Level
from execution.matching.events import Event
from execution.matching.order import Order
from execution.matching.terms import Terms


class MatchingCore:
    """See the module. A symbol that is not among the instruments is a KeyError where the market is told."""

    def __init__(self, instruments: Mapping[str, Instrument], terms: Terms | None = None) -> None:
        raise NotImplementedError

    def deposit(self, account: str, amount: Decimal) -> None:
        """Put money (quote currency) into an account's wallet; accounts are opened by their first use."""

    # --- the market ----------------------------------------------------------------------------------------------

    def on_book(
        self, symbol: str, micros: int, bids: Iterable[Level], asks: Iterable[Level]
    ) -> Sequence[Event]:
        """The whole book: levels of price and quantity, in any order."""

    def on_depth(self, symbol: str, micros: int, changes: Iterable[tuple[bool, int, int]]) -> Sequence[Event]:
        """Levels that changed: whether it is a bid, its price, its quantity now (0: none)."""

    def drop_book(self, symbol: str) -> None:
        """The book can no longer be believed (a gap): quotes and last prices count until the next whole one."""

    def on_quote(
        self, symbol: str, micros: int, bid: int, bid_quantity: int, ask: int, ask_quantity: int
    ) -> Sequence[Event]:
        """The best prices and what is quoted at them."""

    def on_trade(
        self, symbol: str, micros: int, price: int, quantity: int, buyer_is_maker: bool
    ) -> Sequence[Event]:
        """A trade of the market."""

    def on_bar(
        self, symbol: str, opened: int, micros: int, open: int, high: int, low: int, close: int, volume: int
    ) -> Sequence[Event]:
        """A closed bar from `opened` to `micros`."""

    def on_mark(self, symbol: str, micros: int, mark: int, rate: int | None = None) -> Sequence[Event]:
        """The venue's mark price, and the funding rate that will be paid next."""

    # --- orders --------------------------------------------------------------------------------------------------

    def submit(self, account: str, order: Order, micros: int) -> Sequence[Event]:
        """Send an order at `micros`; it arrives after the latency."""

    def cancel(self, account: str, client_order_id: str, micros: int) -> Sequence[Event]:
        """Send a cancellation; it arrives after its latency, and finds the order or does not."""

    def advance(self, micros: int) -> Sequence[Event]:
        """Let time pass without an event of the market: what was due up to and at `micros` happens."""

    # --- what is so ----------------------------------------------------------------------------------------------

    def position(self, account: str, symbol: str) -> Position:
        """What the account holds; not to be changed."""

    def next_triggers(self, symbol: str) -> tuple[int, int]:
        """Prices between which, both excluded, nothing can happen in a symbol: neither trades, quotes nor marks there
        need to be told, but for the last one before something else happens."""

    def next_moment(self) -> int | None:
        """When something happens by itself, an arrival or funding; None when nothing is due."""

    def dump(self) -> bytes:
        """The whole state; equal states give equal bytes."""

    def restore(self, state: bytes) -> None:
        """Go on from what `dump` gave, under the same instruments and terms."""
