"""Book against ledger: when a difference holds new risk, and when it is let go."""

from decimal import Decimal

from contracts.bookings import LedgerReport
from contracts.risk.book import Book
from contracts.risk.order_memory import OrderMemory
from contracts.risk.reconciliation import Reconciliation
from tests.transforms.portfolio.desk_log import BTC, ETH, request

D = Decimal
MINUTE = 60_000_000


class Compared:
    """A book that is long 0.3 BTC, and a ledger that answers."""

    def __init__(self) -> None:
        self.book, self.orders = Book(D(1_000)), OrderMemory()
        self.book.fill("alpha", BTC, D("0.5"), D(100), D(0))
        self.book.fill("beta", BTC, D("-0.2"), D(100), D(0))
        self.found = Reconciliation()
        self.clock = 0

    def hear(self, at_start: bool = False, **positions: str) -> str:
        self.clock += MINUTE
        held = {symbol: D(quantity) for symbol, quantity in positions.items()}
        report = LedgerReport(positions=held, at_start=at_start)
        self.found.hear(report, self.book, self.orders, self.clock)
        assert Reconciliation.load(self.found.dump()).dump() == self.found.dump()
        return self.found.reason


def test_at_the_start_a_difference_counts_at_once() -> None:
    agreed = Compared()
    assert agreed.hear(at_start=True, BTCUSDT="0.3") == ""
    assert not agreed.found.holds
    assert Compared().hear(at_start=True) == "BTCUSDT: 0.3 in the book, 0 in the ledger"
    other = Compared().hear(at_start=True, BTCUSDT="0.3", ETHUSDT="-1")
    assert other == "ETHUSDT: 0 in the book, -1 in the ledger"


def test_later_it_must_be_found_twice_in_a_row() -> None:
    """The timeline of the docstring."""
    compared = Compared()
    assert compared.hear(at_start=True, BTCUSDT="0.3") == ""
    assert compared.hear(BTCUSDT="0.1") == ""
    assert compared.hear(BTCUSDT="0.1") == "BTCUSDT: 0.3 in the book, 0.1 in the ledger"
    compared.book.fill("alpha", BTC, D("-0.2"), D(100), D(0))
    assert compared.hear(BTCUSDT="0.1") == ""


def test_what_is_on_its_way_is_no_difference() -> None:
    compared = Compared()
    compared.hear(at_start=True, BTCUSDT="0.3")
    assert compared.hear(BTCUSDT="0.1") == ""
    assert compared.hear(BTCUSDT="0.2") == ""
    assert compared.hear(BTCUSDT="0.3") == ""


def test_an_order_in_flight_explains_what_it_may_still_trade() -> None:
    compared = Compared()
    compared.orders.open(request("o", "alpha", BTC, "BUY", "0.1"), 0)
    assert compared.hear(at_start=True, BTCUSDT="0.4") == ""
    assert compared.hear(at_start=True, BTCUSDT="0.41") == "BTCUSDT: 0.3 in the book, 0.41 in the ledger"
    assert compared.hear(at_start=True, BTCUSDT="0.29") == "BTCUSDT: 0.3 in the book, 0.29 in the ledger"


def test_a_release_accepts_the_difference_and_no_other() -> None:
    compared = Compared()
    compared.hear(at_start=True, BTCUSDT="0.1")
    compared.found.release()
    assert not compared.found.holds
    assert compared.hear(at_start=True, BTCUSDT="0.1") == ""
    compared.book.fill("alpha", BTC, D("0.5"), D(100), D(0))
    assert compared.hear(at_start=True, BTCUSDT="0.6") == ""
    assert compared.hear(at_start=True, BTCUSDT="0.7") == "BTCUSDT: 0.8 in the book, 0.7 in the ledger"


def test_what_was_accepted_is_forgotten_once_they_agree() -> None:
    compared = Compared()
    compared.hear(at_start=True, BTCUSDT="0.1")
    compared.found.release()
    assert compared.hear(at_start=True, BTCUSDT="0.3") == ""
    assert compared.hear(at_start=True, BTCUSDT="0.1") == "BTCUSDT: 0.3 in the book, 0.1 in the ledger"


def test_no_answer_holds_at_the_start_and_changes_nothing_later() -> None:
    compared = Compared()
    silent = LedgerReport(positions=None, reason="refused", at_start=True)
    assert compared.found.hear(silent, compared.book, compared.orders, 0)
    assert compared.found.reason == "the ledger could not be asked: refused"
    assert compared.hear(BTCUSDT="0.3") == ""
    later = silent.model_copy(update={"at_start": False})
    assert not compared.found.hear(later, compared.book, compared.orders, MINUTE)
    assert not compared.found.holds


def test_nobody_is_asked_where_there_never_was_a_ledger() -> None:
    compared = Compared()
    assert not compared.found.is_due(10**15, 60)
    compared.hear(at_start=True, BTCUSDT="0.3")
    assert [compared.found.is_due(clock, 60) for clock in (MINUTE, 2 * MINUTE - 1, 2 * MINUTE)] == [
        False,
        False,
        True,
    ]
    compared.found.asked(2 * MINUTE)
    assert not compared.found.is_due(2 * MINUTE + 1, 60)
    assert ETH not in compared.found.differences
