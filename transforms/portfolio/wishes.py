"""Wishes to trade: each gets its verdict, and when every check passes an order."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from contracts.ids import derived_id
from contracts.orders import OrderRequest, client_order_id
from contracts.payloads import Side
from contracts.risk.brackets import brackets_of
from contracts.risk.checks import Case, Verdict, judge
from contracts.risk.consensus import Voice
from contracts.risk.money import ZERO
from contracts.risk.standing import RiskStanding
from contracts.risk.wish import Wish
from transforms.portfolio.heard_messages import HeardMessages
from transforms.portfolio.report import Report

_HOLD = Verdict("side", False, "hold")
_HEARD_BEFORE = Verdict("duplicate", False, "heard_before")
_ORDER_EXISTS = Verdict("duplicate", False, "order_exists")


class Wishes:
    """Judges wishes by the desk's standing, and asks for orders."""

    def __init__(self, desk: str, standing: RiskStanding, heard: HeardMessages) -> None:
        self._desk = desk
        self._standing = standing
        self._heard = heard

    def take(self, report: Report, wish: Wish, decided_at: datetime) -> None:
        """A verdict, and an order when nothing refuses."""
        standing = self._standing
        if not self._heard.hear(wish.message_id, wish.micros, standing.clock):
            report.verdict(wish, _HEARD_BEFORE)
            return
        self._voice(wish)
        order_id = client_order_id(self._desk, wish.correlation_id)
        if standing.orders.knows(order_id):
            report.verdict(wish, _ORDER_EXISTS)
        elif wish.side is Side.HOLD:
            report.verdict(wish, _HOLD)
        else:
            case = standing.case(wish)
            verdict = judge(case)
            report.verdict(wish, verdict, order_id if verdict.passed else None)
            if verdict.passed:
                standing.pace.accept(standing.clock, wish.agent)
                self._order(report, self._bracketed(case), order_id, case.quantity, case.price, decided_at)

    def flatten(self, report: Report) -> None:
        """Ask for an order that closes each position, apart from what is being closed already."""
        standing = self._standing
        exposure = standing.exposure
        for agent, symbol, holding in standing.book.holdings():
            side = Side.SELL if holding.quantity > 0 else Side.BUY
            quantity = exposure.closable(agent, symbol, side.sign)
            instrument = standing.instruments.get(symbol)
            tradable = instrument.round_quantity(quantity) if instrument else ZERO
            if not tradable:
                continue
            cause = derived_id(report.moment, report.cause, agent, symbol)
            wish = Wish(cause, cause, agent, symbol, side, standing.clock, Decimal(1), True, None, None)
            order_id = client_order_id(self._desk, cause)
            if not standing.orders.knows(order_id):
                price = standing.book.price(symbol)
                self._order(report, wish, order_id, tradable, price, report.moment)

    def _voice(self, wish: Wish) -> None:
        """Closing is no word about the market, and a stranger has no capital to weigh it by."""
        standing = self._standing
        if not wish.reduce_only and wish.agent in standing.roster.by_agent:
            voice = Voice(wish.micros, wish.side.sign, wish.confidence)
            standing.voices.hear(wish.symbol, wish.agent, voice, standing.clock)

    def _bracketed(self, case: Case) -> Wish:
        """The wish with the stop and the target that its order gets; what only reduces a position needs none."""
        wish = case.wish
        if case.is_reducing:
            return wish
        atr, instrument = (
            self._standing.volatility.of(wish.symbol).atr,
            self._standing.instruments[wish.symbol],
        )
        stop, target = brackets_of(wish, instrument, case.price, atr, case.limits)
        return replace(wish, stop_loss=stop, take_profit=target)

    def _order(
        self,
        report: Report,
        wish: Wish,
        order_id: str,
        quantity: Decimal,
        price: Decimal,
        decided_at: datetime,
    ) -> None:
        request = OrderRequest(
            client_order_id=order_id,
            desk=self._desk,
            agent=wish.agent,
            symbol=wish.symbol,
            side=wish.side,
            quantity=quantity,
            reference_price=price,
            reduce_only=wish.reduce_only,
            stop_loss=wish.stop_loss,
            take_profit=wish.take_profit,
            correlation_id=wish.correlation_id,
            decided_at=decided_at,
        )
        self._standing.orders.open(request, self._standing.clock)
        report.order(request)
