"""The core against an exchange's own book, order by order: what it fills is what was truly there.

The recording tells every order, so it is known which orders stood before ours, and which trades would have been ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.instruments import Instrument
from contracts.market_data import MarketKind
from contracts.orders import OrderType
from contracts.time import to_micros
from execution.feed.datasets import DATASETS
from execution.feed.recordings import open_recording
from execution.feed.recordings.orders_book import OrdersBook
from execution.matching.batch_feed import BatchFeed
from execution.matching.core import MatchingCore
from execution.matching.events import Filled
from execution.matching.order import Order
from execution.matching.terms import Terms
from execution.matching.units import units
from tests.execution.feed.test_order_by_order import EXCERPT, read

WHOLE = DATASETS["coinbase-l3"]
FOLDERS = [
    EXCERPT,
    pytest.param(
        WHOLE.folder(),
        marks=pytest.mark.skipif(
            not WHOLE.is_there(), reason="not fetched: sapphire datasets get coinbase-l3"
        ),
    ),
]
SYMBOL = "BTC-USD"
SIZE = Decimal("0.05")
RULES = Instrument(
    symbol=SYMBOL,
    base="BTC",
    quote="USD",
    tick=Decimal("0.01"),
    lot=Decimal("1e-8"),
    min_notional=Decimal("1e-8"),
)


def new_core(*, remembers: bool) -> MatchingCore:
    return MatchingCore({SYMBOL: RULES}, Terms(remembers_taken=remembers))


def walked(book: OrdersBook, sign: int, quantity: Decimal) -> list[tuple[int, int]]:
    """What a market order trades in the true book, level by level: price and quantity."""
    levels = sorted(
        ((price, size) for (is_bid, price), size in book.levels.items() if is_bid == (sign < 0) and size),
        reverse=sign < 0,
    )
    found = []
    for price, size in levels:
        traded = min(size, quantity)
        if not traded:
            break
        found.append((units(price), units(traded)))
        quantity -= traded
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_market_order_walks_the_true_book(folder: Path) -> None:
    truth = OrdersBook.of(read(folder, "beginning_level_3"))
    messages = iter(read(folder, "messages"))
    core = new_core(remembers=False)
    feed = BatchFeed(core)
    probes = levels = 0
    every = 1 if folder is EXCERPT else 40
    message: dict[str, Any] | None = next(messages)
    for timed in open_recording(folder).batches():
        feed.take(timed.batch)
        if timed.batch.kind is not MarketKind.BOOK_UPDATE or timed.batch.sequence % every:
            continue
        told = timed.batch.rows.column("last_id")[-1].as_py()
        while message is not None and message["sequence"] <= told:
            truth.apply(message)
            message = next(messages, None)
        for sign, quantity in ((1, Decimal("0.5")), (-1, Decimal("3")), (1, Decimal("40.12345678"))):
            probes += 1
            order = Order(f"o-{probes}", SYMBOL, sign, units(quantity))
            events = core.submit("probe", order, to_micros(timed.batch.event_time))
            trades = [(event.price, event.quantity) for event in events if isinstance(event, Filled)]
            assert trades == walked(truth, sign, quantity)
            levels += len(trades)
    assert probes > 100 and levels > 5 * probes


@dataclass
class Shadow:
    """An order that we would have placed behind those that rested at its price, and what the true trades left it."""

    is_bid: bool
    price: Decimal
    in_front: set[str]
    quantity: Decimal
    true_fill: Decimal = Decimal(0)
    ours: Decimal = Decimal(0)

    def see(self, message: dict[str, Any]) -> None:
        """A trade at our price of an order that came after us would have been ours, and any trade beyond it all."""
        if message["type"] != "match":
            return
        price, maker_bids = Decimal(message["price"]), message["side"] == "buy"
        beyond = price < self.price if self.is_bid else price > self.price
        if beyond:
            self.true_fill = self.quantity
        elif (
            price == self.price
            and maker_bids == self.is_bid
            and message["maker_order_id"] not in self.in_front
        ):
            self.true_fill = min(self.quantity, self.true_fill + Decimal(message["size"]))


@dataclass
class Replay:
    """Follows the messages one by one, the core and the truth side by side, and rests an order now and then."""

    folder: Path
    truth: OrdersBook = field(init=False)
    core: MatchingCore = field(init=False)
    shadows: dict[str, Shadow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.truth = OrdersBook.of(read(self.folder, "beginning_level_3"))
        self.core = new_core(remembers=True)

    def run(self) -> Iterator[None]:
        """Yields after each trade."""
        messages = read(self.folder, "messages")
        self.pace = len(messages) // 50
        sides: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for (is_bid, price), size in self.truth.levels.items():
            sides[is_bid].append((units(price), units(size)))
        self.core.on_book(SYMBOL, micros_of(messages[0]), sides[True], sides[False])
        for number, message in enumerate(messages):
            micros = micros_of(message)
            if message["type"] == "match":
                trade = units(Decimal(message["price"])), units(Decimal(message["size"]))
                for shadow in self.shadows.values():
                    shadow.see(message)
                for event in self.core.on_trade(SYMBOL, micros, *trade, message["side"] == "buy"):
                    if isinstance(event, Filled):
                        assert event.is_maker
                        self.shadows[event.client_order_id].ours += Decimal(event.quantity).scaleb(-8)
            level = self.truth.apply(message)
            if level is not None:
                is_bid, price = level
                size = units(self.truth.levels[level])
                assert not self.core.on_depth(SYMBOL, micros, [(is_bid, units(price), size)])
            if message["type"] == "match":
                yield
            if number % self.pace == 0:
                name, side, back = f"o-{number}", number // self.pace % 2 == 0, number // self.pace // 2 % 3
                self.shadows[name] = placed(self.core, self.truth, name, side, back, micros)


def placed(
    core: MatchingCore, truth: OrdersBook, name: str, is_bid: bool, steps_back: int, micros: int
) -> Shadow:
    """Rest an order so many levels behind the best one."""
    prices = sorted({p for (bids, p), size in truth.levels.items() if bids is is_bid and size})
    price = prices[-1 - steps_back] if is_bid else prices[steps_back]
    before = {
        identifier for identifier, (bids, at, _) in truth.orders.items() if bids is is_bid and at == price
    }
    order = Order(name, SYMBOL, 1 if is_bid else -1, units(SIZE), OrderType.LIMIT, units(price))
    assert len(core.submit("maker", order, micros)) == 1
    return Shadow(is_bid, price, before, SIZE)


def micros_of(message: dict[str, Any]) -> int:
    return to_micros(datetime.fromisoformat(message["time"]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_resting_order_never_trades_more_or_earlier_than_it_truly_would_have(folder: Path) -> None:
    replay = Replay(folder)
    for _ in replay.run():
        for shadow in replay.shadows.values():
            assert shadow.ours <= shadow.true_fill
    shadows = replay.shadows.values()
    true = sum(shadow.true_fill for shadow in shadows)
    ours = sum(shadow.ours for shadow in shadows)
    # The queue is judged carefully, and not so carefully that nothing would be left of the truth.
    assert true > 0 and ours >= true * Decimal("0.5")


def test_levels_and_trades_told_in_batches_beside_one_another_give_no_more_than_the_truth() -> None:
    """Within a batch's quarter of a second levels and trades come in no true order: no trade may count twice."""
    messages = read(EXCERPT, "messages")
    truth, core = OrdersBook.of(read(EXCERPT, "beginning_level_3")), new_core(remembers=True)
    feed, place, shadows = BatchFeed(core), 0, dict[str, Shadow]()
    for timed in open_recording(EXCERPT).batches():
        for event in feed.take(timed.batch):
            if isinstance(event, Filled):
                shadows[event.client_order_id].ours += Decimal(event.quantity).scaleb(-8)
        if timed.batch.kind is not MarketKind.BOOK_UPDATE:
            continue
        told = timed.batch.rows.column("last_id")[-1].as_py()
        while place < len(messages) and messages[place]["sequence"] <= told:
            for shadow in shadows.values():
                shadow.see(messages[place])
            truth.apply(messages[place])
            place += 1
        for is_bid in (True, False):
            name = f"{told}-{is_bid}"
            shadows[name] = placed(core, truth, name, is_bid, 0, to_micros(timed.batch.event_time))
    assert all(shadow.ours <= shadow.true_fill for shadow in shadows.values())
    assert sum(shadow.ours for shadow in shadows.values()) > 0
