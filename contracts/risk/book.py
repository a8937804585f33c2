"""The book: what each agent holds, what it is worth, and what the desk has made of its capital."""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from contracts.risk.holding import Holding
from contracts.risk.money import EXACT, ZERO


class Marked(NamedTuple):
    """The last mark of a symbol: quote currency, its event time, and whether one may trade on it."""

    price: Decimal
    micros: int
    tradable: bool
    reason: str


_NOTHING = Holding()


class Book:
    """Positions by agent and symbol, valued at the last marks.

    equity = capital + realised - fees + funding + unrealised, and a sum over agents is the desk, to the last digit.
    """

    def __init__(self, capital: Decimal) -> None:
        self.capital = capital
        self.high_water_mark = capital
        self._holdings: dict[tuple[str, str], Holding] = {}
        self._marks: dict[str, Marked] = {}
        self._profits: dict[str | None, Decimal] = {}
        """Of who was asked for since the book last changed."""

    # --- what happens -------------------------------------------------------------------------------------------

    def mark(self, symbol: str, mark: Marked) -> bool:
        """Value the symbol at this mark; False when a newer one is known already."""
        known = self._marks.get(symbol)
        if known is not None and mark.micros < known.micros:
            return False
        if not (mark.price.is_finite() and mark.price > 0):
            mark = Marked(known.price if known else ZERO, mark.micros, False, "not_a_price")
        self._marks[symbol] = mark
        self._changed()
        return True

    def fill(self, agent: str, symbol: str, traded: Decimal, price: Decimal, fee: Decimal) -> Holding:
        """Book a fill of the signed quantity `traded`; the agent's holding after it."""
        holding = self.holding(agent, symbol).after(traded, price, fee)
        self._holdings[agent, symbol] = holding
        # A symbol that was never marked is valued at what was paid, and nothing may be opened on that.
        self._marks.setdefault(symbol, Marked(price, 0, False, "never_marked"))
        self._changed()
        return holding

    def fund(self, agent: str, symbol: str, amount: Decimal, price: Decimal) -> None:
        """Book funding at a price: what a position received, or paid when it is negative."""
        self._holdings[agent, symbol] = self.holding(agent, symbol).funded(amount)
        self._marks.setdefault(symbol, Marked(price, 0, False, "never_marked"))
        self._changed()

    def rebase(self) -> None:
        """Measure drawdown from here on: after a halt that somebody has released."""
        self.high_water_mark = self.equity

    def _changed(self) -> None:
        self._profits.clear()
        self.high_water_mark = max(self.high_water_mark, self.equity)

    # --- what is held -------------------------------------------------------------------------------------------

    def holding(self, agent: str, symbol: str) -> Holding:
        """What an agent holds of a symbol; nothing when it never traded it."""
        return self._holdings.get((agent, symbol), _NOTHING)

    def holdings(self) -> Iterator[tuple[str, str, Holding]]:
        """Every agent, symbol and holding that there ever was, by name."""
        for agent, symbol in sorted(self._holdings):
            yield agent, symbol, self._holdings[agent, symbol]

    def last_mark(self, symbol: str) -> Marked | None:
        """The symbol's last mark."""
        return self._marks.get(symbol)

    def price(self, symbol: str) -> Decimal:
        """The price that the symbol is valued at; zero when it was neither marked nor traded."""
        mark = self._marks.get(symbol)
        return mark.price if mark else ZERO

    def net(self, symbol: str) -> Decimal:
        """The desk's signed quantity of a symbol."""
        return sum((h.quantity for (_, held), h in self._holdings.items() if held == symbol), ZERO)

    def symbols(self) -> set[str]:
        """Every symbol that was ever held."""
        return {symbol for _, symbol in self._holdings}

    # --- what it is worth (quote currency) -------------------------------------------------------------------------

    def realised(self, agent: str | None = None) -> Decimal:
        """Profit taken, before fees: an agent's or the desk's."""
        return self._total(agent, lambda symbol, holding: holding.realised)

    def unrealised(self, agent: str | None = None) -> Decimal:
        """Profit not taken yet: an agent's or the desk's."""
        return self._total(agent, lambda symbol, holding: holding.unrealised(self.price(symbol)))

    def fees(self, agent: str | None = None) -> Decimal:
        """Fees paid: an agent's or the desk's."""
        return self._total(agent, lambda symbol, holding: holding.fees)

    def funding(self, agent: str | None = None) -> Decimal:
        """Funding received (negative: paid): an agent's or the desk's."""
        return self._total(agent, lambda symbol, holding: holding.funding)

    def profit(self, agent: str | None = None) -> Decimal:
        """Realised - fees + funding + unrealised: an agent's or the desk's."""
        if agent not in self._profits:
            self._profits[agent] = self._total(agent, self._profit_of)
        return self._profits[agent]

    def _profit_of(self, symbol: str, holding: Holding) -> Decimal:
        return holding.realised - holding.fees + holding.funding + holding.unrealised(self.price(symbol))

    @property
    def equity(self) -> Decimal:
        """Capital + realised - fees + funding + unrealised."""
        return EXACT.add(self.capital, self.profit())

    @property
    def drawdown(self) -> Decimal:
        """How far equity is below its high-water mark, as a share of it: 0 at a new high."""
        with localcontext(EXACT):
            return max(ZERO, (self.high_water_mark - self.equity) / self.high_water_mark)

    @property
    def gross_exposure(self) -> Decimal:
        """The sum of all positions' values, long or short: agents do not cancel out."""
        return self._total(None, lambda symbol, holding: abs(holding.quantity) * self.price(symbol))

    @property
    def net_exposure(self) -> Decimal:
        """Long values minus short values."""
        return self._total(None, lambda symbol, holding: holding.quantity * self.price(symbol))

    def _total(self, agent: str | None, amount: Any) -> Decimal:
        with localcontext(EXACT):
            return sum(
                (
                    amount(symbol, holding)
                    for (owner, symbol), holding in self._holdings.items()
                    if agent is None or owner == agent
                ),
                ZERO,
            )

    # --- state ----------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "capital": str(self.capital),
            "high_water_mark": str(self.high_water_mark),
            "holdings": [[agent, symbol, holding.dump()] for agent, symbol, holding in self.holdings()],
            "marks": {
                symbol: [str(mark.price), mark.micros, mark.tradable, mark.reason]
                for symbol, mark in self._marks.items()
            },
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Book":
        """What `dump` wrote."""
        book = cls(Decimal(dumped["capital"]))
        book.high_water_mark = Decimal(dumped["high_water_mark"])
        book._holdings = {
            (agent, symbol): Holding.load(holding) for agent, symbol, holding in dumped["holdings"]
        }
        book._marks = {
            symbol: Marked(Decimal(price), int(micros), bool(tradable), str(reason))
            for symbol, (price, micros, tradable, reason) in dumped["marks"].items()
        }
        return book
