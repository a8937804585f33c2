"""A venue outside of the process, as far as the service can tell: it keeps its own books, and its answers get lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus
from execution.order_life import Fill
from execution.venues.http_answers import Meaning, meaning_of
from execution.venues.venue import AlreadyThere, Told, Unclear, VenueAnswer

Reply = tuple[int, bytes] | Exception
"""What the caller sees instead of the venue's answer: an HTTP answer, or a cut connection."""

_Answer = TypeVar("_Answer")


@dataclass
class Book:
    """What the venue knows of one order."""

    request: OrderRequest
    quantity: Decimal
    fills: list[Fill] = field(default_factory=list)
    end: OrderStatus | None = None

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def answer(self) -> VenueAnswer:
        return VenueAnswer(
            f"v-{self.request.client_order_id}", tuple(self.fills), self.end, filled=self.filled
        )


class ScriptedVenue:
    """Takes orders that rest until a test fills or cancels them; `faults` are met call by call, None being no fault.

    A fault is (whether the request arrives, what the caller sees).
    """

    name = "scripted"
    is_live = False

    def __init__(self, settle_seconds: float = 0.0) -> None:
        self.settle_seconds = settle_seconds
        self.books: dict[str, Book] = {}
        self.faults: list[tuple[bool, Reply] | None] = []
        self.at_once = Decimal(0)
        self.placed: list[str] = []
        self.asked: list[str] = []

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        self.placed.append(request.client_order_id)

        def arrive() -> VenueAnswer:
            if request.client_order_id in self.books:
                raise AlreadyThere("400 -4115: Duplicate order id")
            self.books[request.client_order_id] = Book(request, quantity)
            if self.at_once:
                self.fill(request.client_order_id, min(self.at_once, quantity))
            return self.books[request.client_order_id].answer

        return self._call(arrive)

    def query_order(self, request: OrderRequest) -> VenueAnswer | None:
        self.asked.append(request.client_order_id)
        book = self.books.get(request.client_order_id)
        return self._call(lambda: None if book is None else book.answer)

    def cancel(self, request: OrderRequest, moment: datetime) -> VenueAnswer | None:
        def arrive() -> VenueAnswer | None:
            book = self.books.get(request.client_order_id)
            if book is None:
                return None
            book.end = book.end or OrderStatus.CANCELLED
            return book.answer

        return self._call(arrive)

    def price(self, symbol: str) -> Decimal | None:
        return Decimal(42_000)

    def listen(self, told: Told) -> None:
        self.tell = told

    def missing(self) -> str | None:
        return None

    def fill(self, client_order_id: str, quantity: Decimal, price: Decimal = Decimal(42_000)) -> None:
        """Trade in the venue's own book; nobody is told."""
        book = self.books[client_order_id]
        fee = quantity * price * Decimal("0.0001")
        book.fills.append(Fill(quantity, price, fee, f"t{len(book.fills) + 1}"))
        if book.filled == book.quantity:
            book.end = OrderStatus.FILLED

    def _call(self, arrive: Callable[[], _Answer]) -> _Answer:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return arrive()
        arrives, reply = fault
        if arrives:
            arrive()
        if isinstance(reply, Exception):
            raise reply
        meaning, said = meaning_of(*reply)
        if meaning is Meaning.NOT_FOUND:
            return None  # type: ignore[return-value]
        raise AlreadyThere(said) if meaning is Meaning.DUPLICATE else Unclear(said)
