"""The standing of a desk: all that its checks look at, so that the desk and whoever asks first judge by the same code."""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, Self

from contracts.instruments import INSTRUMENTS, Instrument
from contracts.payloads import DeskState, Mark
from contracts.risk.allotments import Allotments
from contracts.risk.book import Book, Marked
from contracts.risk.checks import Case, Verdict, refusals
from contracts.risk.consensus import Voices
from contracts.risk.exposure import Exposure
from contracts.risk.limits import Limits
from contracts.risk.limits_in_force import LimitsInForce
from contracts.risk.money import EXACT, ZERO, exact
from contracts.risk.order_memory import OrderMemory
from contracts.risk.pace import OrderPace
from contracts.risk.reconciliation import Reconciliation
from contracts.risk.risk_state import RiskState
from contracts.risk.sizing import per_trade_cap, quantity_of, scale_of, smallest_quantity, wanted_notional
from contracts.risk.volatility import Volatility
from contracts.risk.wish import Wish
from contracts.roster import Roster


class RiskStanding:
    """Book, orders in flight, capital, limits and what the desk still allows, at `clock` (event time, microseconds).

    The desk keeps one and changes it, entry by entry of its log; `of` makes one from the state that the desk told. Sizes
    go by the rules in `instruments`, the venue's unless told.
    """

    def __init__(
        self, roster: Roster, limits: Limits, instruments: Mapping[str, Instrument] = INSTRUMENTS
    ) -> None:
        self.roster = roster
        self.instruments = instruments
        self.limits = LimitsInForce(limits)
        self.book = Book(exact(roster.capital))
        self.orders = OrderMemory()
        self.allotments = Allotments()
        self.risk = RiskState()
        self.reconciliation = Reconciliation()
        self.pace = OrderPace()
        self.voices = Voices(limits.consensus_seconds)
        self.volatility = Volatility()
        self.clock = 0

    @classmethod
    def of(cls, roster: Roster, state: dict[str, Any]) -> Self:
        """The standing in a desk's state; raises KeyError, TypeError, ValueError or ArithmeticError for another."""
        standing = cls(roster, Limits.model_validate(state["limits"]["in_force"]))
        standing.load(state)
        return standing

    @property
    def state(self) -> DeskState:
        """What everyone is told; HALTED also while the kill switch is on or the ledger says something else than the book."""
        if self.risk.killed or self.reconciliation.holds:
            return DeskState.HALTED
        return self.risk.band

    @property
    def exposure(self) -> Exposure:
        """Of what is held and in flight."""
        return Exposure.of(self.book, self.orders)

    def mark(self, mark: Mark, micros: int) -> bool:
        """Value a symbol at a mark; False when a newer one is known already."""
        crossed = mark.bid is not None and mark.ask is not None and mark.bid > mark.ask
        tradable = mark.tradable and not crossed
        reason = "crossed" if crossed else mark.reason
        if not self.book.mark(mark.symbol, Marked(mark.price, micros, tradable, reason)):
            return False
        self.volatility.hear(mark)
        return True

    def change_limits(self, changes: dict[str, Decimal | None], micros: int) -> bool:
        """Put other limits in force; as `LimitsInForce.change`."""
        changed = self.limits.change(changes, micros)
        self.voices.remember(self.limits.now.consensus_seconds)
        return changed

    # --- judging ----------------------------------------------------------------------------------------------------

    def prospect(self, wish: Wish) -> tuple[Case, list[Verdict]]:
        """What the wish comes to, and every check that it would fail now, in their order; asking changes nothing."""
        with localcontext(EXACT):
            case = self.case(wish)
            return case, refusals(case)

    def case(self, wish: Wish) -> Case:
        """The wish with everything that the checks may look at."""
        limits, book = self.limits.now, self.book
        instrument, mark = self.instruments.get(wish.symbol), book.last_mark(wish.symbol)
        price = book.price(wish.symbol)
        allocation = self.allotments.of(wish.agent)
        cap = per_trade_cap(allocation, self.risk.band, limits)
        exposure = self.exposure
        closable = exposure.closable(wish.agent, wish.symbol, wish.side.sign)
        quantity = smallest = ZERO
        if instrument is not None and price > 0:
            volatility = self.volatility.of(wish.symbol).volatility
            scale = scale_of(wish, cap, allocation, volatility, limits)
            quantity = quantity_of(wish, instrument, price, cap, closable, scale)
            smallest = smallest_quantity(instrument, price) * price
        return Case(
            wish=wish,
            limits=limits,
            killed=self.risk.killed,
            band=self.risk.band,
            differences=len(self.reconciliation.differences),
            unanswered=bool(self.reconciliation.unanswered),
            profile=self.roster.by_agent.get(wish.agent),
            mark=mark,
            mark_age=_seconds(max(self.clock, wish.micros) - (mark.micros if mark else 0)),
            wish_age=_seconds(self.clock - wish.micros),
            agent_orders=self.pace.count(self.clock, wish.agent),
            desk_orders=self.pace.count(self.clock),
            quantity=quantity,
            smallest_notional=smallest,
            wanted_notional=wanted_notional(wish, cap),
            is_reducing=ZERO < quantity <= closable,
            trade_cap=cap,
            allocation=allocation,
            agent_equity=self.allotments.equity_of(wish.agent, book),
            equity=book.equity,
            exposure=exposure.after(wish.agent, wish.symbol, quantity * wish.side.sign),
            agreement=self.voices.agreement(wish.symbol, self.clock, self.allotments.of),
        )

    # --- state --------------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "book": self.book.dump(),
            "orders": self.orders.dump(),
            "allotments": self.allotments.dump(),
            "risk": self.risk.dump(),
            "reconciliation": self.reconciliation.dump(),
            "limits": self.limits.dump(),
            "pace": self.pace.dump(),
            "voices": self.voices.dump(),
            "volatility": self.volatility.dump(),
            "clock": self.clock,
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self.limits.load(dumped["limits"])
        self.book = Book.load(dumped["book"])
        self.orders = OrderMemory.load(dumped["orders"])
        self.allotments = Allotments.load(dumped["allotments"])
        self.risk.load(dumped["risk"])
        self.reconciliation = Reconciliation.load(dumped["reconciliation"])
        self.pace.load(dumped["pace"])
        self.voices.remember(self.limits.now.consensus_seconds)
        self.voices.load(dumped["voices"])
        self.volatility = Volatility.load(dumped["volatility"])
        self.clock = int(dumped["clock"])


def _seconds(micros: int) -> Decimal:
    return Decimal(max(0, micros)) / 1_000_000
