"""Reconciliation: whether the desk's book is what the execution service's ledger says."""

from decimal import Decimal
from typing import Any, NamedTuple

from contracts.bookings import LedgerReport
from contracts.risk.book import Book
from contracts.risk.money import ZERO, told
from contracts.risk.order_memory import OrderMemory


class Difference(NamedTuple):
    """A symbol's net quantity in the book and in the ledger."""

    book: Decimal
    ledger: Decimal

    def __str__(self) -> str:
        return f"{told(self.book)} in the book, {told(self.ledger)} in the ledger"


class Reconciliation:
    """Compares positions by symbol, net of all agents, and holds new risk while they differ.

    What orders in flight can still explain is no difference. At the start of a job a difference counts at once. Later the
    ledger may be ahead of the log by what is on its way, so the same difference must be found twice in a row.

    at start   book BTC 0.3   ledger 0.3                             agreed
    later      book BTC 0.3   ledger 0.1, nothing in flight          suspected
    later      the same                                              differs: new risk is held
    later      book BTC 0.1   ledger 0.1                             agreed: it is let go by itself
    or         RELEASE                                               the difference is accepted from here on

    While no ledger was ever asked (a recorded log) there is nothing to hold.
    """

    def __init__(self) -> None:
        self.differences: dict[str, Difference] = {}
        self.unanswered = ""
        self._suspected: dict[str, Decimal] = {}
        self._accepted: dict[str, Decimal] = {}
        self._asked_micros: int | None = None

    @property
    def holds(self) -> bool:
        """Whether new risk is held."""
        return bool(self.differences or self.unanswered)

    @property
    def reason(self) -> str:
        """What differs, by symbol; empty when nothing does."""
        found = "; ".join(f"{symbol}: {difference}" for symbol, difference in self.differences.items())
        return found or self.unanswered

    def is_due(self, clock: int, seconds: int) -> bool:
        """Whether it is time to ask the ledger; never before a job that has one has asked it first."""
        return self._asked_micros is not None and clock >= self._asked_micros + seconds * 1_000_000

    def asked(self, clock: int) -> None:
        """The ledger is asked now."""
        self._asked_micros = clock

    def hear(self, report: LedgerReport, book: Book, orders: OrderMemory, clock: int) -> bool:
        """Take an answer of the ledger; whether that changed what is held or why."""
        before = self.reason
        if self._asked_micros is None or report.at_start:
            self._asked_micros = clock
        if report.positions is None:
            if report.at_start:
                self.unanswered = f"the ledger could not be asked: {report.reason}"[:1_000]
            return self.reason != before
        self.unanswered = ""
        found = self._compare(report.positions, book, orders)
        self.differences = {
            symbol: difference
            for symbol, difference in found.items()
            if report.at_start
            or symbol in self.differences
            or self._suspected.get(symbol) == difference.ledger - difference.book
        }
        self._suspected = {symbol: found[symbol].ledger - found[symbol].book for symbol in found}
        return self.reason != before

    def release(self) -> None:
        """Accept what differs: from here on it is expected."""
        for symbol, (book, ledger) in self.differences.items():
            self._accepted[symbol] = ledger - book
        self.differences, self._suspected, self.unanswered = {}, {}, ""

    def _compare(self, ledger: dict[str, Decimal], book: Book, orders: OrderMemory) -> dict[str, Difference]:
        found = {}
        for symbol in sorted({*ledger, *book.symbols(), *self._accepted}):
            held, there = book.net(symbol), ledger.get(symbol, ZERO)
            left = [order.remaining for order in orders.in_flight() if order.symbol == symbol]
            low = sum((quantity for quantity in left if quantity < 0), ZERO)
            high = sum((quantity for quantity in left if quantity > 0), ZERO)
            if low <= there - held <= high:
                self._accepted.pop(symbol, None)  # they agree: there is nothing to accept any more
            elif not low <= there - held - self._accepted.get(symbol, ZERO) <= high:
                found[symbol] = Difference(held, there)
        return found

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "differences": {
                symbol: [str(book), str(ledger)] for symbol, (book, ledger) in self.differences.items()
            },
            "unanswered": self.unanswered,
            "suspected": {symbol: str(quantity) for symbol, quantity in self._suspected.items()},
            "accepted": {symbol: str(quantity) for symbol, quantity in self._accepted.items()},
            "asked_micros": self._asked_micros,
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Reconciliation":
        """What `dump` wrote."""
        found = cls()
        found.differences = {
            symbol: Difference(Decimal(book), Decimal(ledger))
            for symbol, (book, ledger) in dumped["differences"].items()
        }
        found.unanswered = str(dumped["unanswered"])
        found._suspected = {symbol: Decimal(quantity) for symbol, quantity in dumped["suspected"].items()}
        found._accepted = {symbol: Decimal(quantity) for symbol, quantity in dumped["accepted"].items()}
        asked = dumped["asked_micros"]
        found._asked_micros = None if asked is None else int(asked)
        return found
