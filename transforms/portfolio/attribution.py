"""Attribution: whose profit it was, in what, on which day, and at what cost."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, localcontext
from typing import Any, NamedTuple, Self, TypeVar

from contracts.risk.book import Book
from contracts.risk.money import EXACT, ZERO, told
from contracts.time import from_micros

_HOUR = 3_600_000_000

Key = TypeVar("Key")


class Made(NamedTuple):
    """What was made, in quote currency: profit = realised + unrealised - fees + funding."""

    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def profit(self) -> Decimal:
        """All of it, after costs."""
        with localcontext(EXACT):
            return self.realised + self.unrealised - self.fees + self.funding

    def since(self, before: Self) -> "Made":
        """What was made between `before` and now."""
        return Made(*(EXACT.subtract(now, then) for now, then in zip(self, before, strict=True)))

    def and_also(self, other: Self) -> "Made":
        """Both together."""
        return Made(*(EXACT.add(one, another) for one, another in zip(self, other, strict=True)))

    def told(self) -> "Made":
        """To 9 places, so that the profit is the told profit to the last digit: what rounding moved is in unrealised."""
        realised, fees, funding = told(self.realised), told(self.fees), told(self.funding)
        with localcontext(EXACT):
            return Made(realised, told(self.profit) - realised + fees - funding, fees, funding)


class Part(NamedTuple):
    """What one agent made in one symbol on one day (UTC)."""

    day: date
    agent: str
    symbol: str
    made: Made


def made_by(book: Book) -> dict[tuple[str, str], Made]:
    """What each agent has made in each symbol so far; all of it together is equity - capital, to the last digit."""
    return {
        (agent, symbol): Made(
            holding.realised, holding.unrealised(book.price(symbol)), holding.fees, holding.funding
        )
        for agent, symbol, holding in book.holdings()
    }


def summed(parts: Iterable[Part], by: Callable[[Part], Key]) -> dict[Key, Made]:
    """The parts added up by agent, symbol, day or any of these together: `summed(parts, by=lambda part: part.agent)`."""
    sums: dict[Key, Made] = {}
    for part in parts:
        sums[by(part)] = sums.get(by(part), Made()).and_also(part.made)
    return sums


class Attribution:
    """The parts of the day so far, told with every new hour of the desk's clock; a new day begins from what there was.

    clock      23:10                 00:00:07                          01:00:03
    told       the day until 23:10   the day that ended, all of it     the new day until 01:00:03
    """

    def __init__(self) -> None:
        self._opening: dict[tuple[str, str], Made] = {}
        self._hour: int | None = None
        self._told_equity: Decimal | None = None

    def is_due(self, clock: int) -> bool:
        """Whether a new hour has begun."""
        return clock > 0 and clock // _HOUR != self._hour

    def is_told(self, book: Book) -> bool:
        """Whether the parts were told since the book is worth what it is."""
        return book.equity == self._told_equity

    def parts(self, book: Book) -> list[Part]:
        """What was made on the day of the last hour that began, to be told now."""
        self._told_equity = book.equity
        if self._hour is None:
            return []
        day = _day(self._hour)
        return [
            Part(day, agent, symbol, made.since(self._opening.get((agent, symbol), Made())))
            for (agent, symbol), made in made_by(book).items()
        ]

    def begin_hour(self, clock: int, book: Book) -> None:
        """From here on it is the hour of `clock`, and its day."""
        hour = clock // _HOUR
        if self._hour is None or _day(hour) != _day(self._hour):
            self._opening = made_by(book)
        self._hour = hour

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        opening = [
            [agent, symbol, *map(str, made)] for (agent, symbol), made in sorted(self._opening.items())
        ]
        equity = None if self._told_equity is None else str(self._told_equity)
        return {"opening": opening, "hour": self._hour, "told_equity": equity}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self._opening = {
            (agent, symbol): Made(*map(Decimal, made)) for agent, symbol, *made in dumped["opening"]
        }
        self._hour = None if dumped["hour"] is None else int(dumped["hour"])
        equity = dumped["told_equity"]
        self._told_equity = None if equity is None else Decimal(equity)


def _day(hour: int) -> date:
    return from_micros(hour * _HOUR).date()
