"""A recorded day at the desk: the packaged market, wishes of everyone on the roster, and a venue that fills in parts.

The marks are what the market core makes of the recording. Every agent wishes for something every few minutes, by rules that
need no luck. The venue answers each order a second later: most in two fills at slightly worse prices, some in one, some not
at all; every eight hours positions pay funding. What comes out is the log that a trading job had, message by message.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from heapq import heapify, heappop, heappush
from typing import Any

from contracts.bookings import Funding
from contracts.message import Message, said_by
from contracts.orders import OrderRequest
from contracts.payloads import HftSignal, Mark, OrderExecution, OrderStatus, Proposal, Side
from contracts.risk.limits import Limits
from contracts.roster import Roster, read_roster
from contracts.settings import Settings
from contracts.time import to_micros
from execution.feed.recordings import SAMPLE, open_recording
from transforms.log import LogEntry
from transforms.market.symbol import MARKS, Market, MarketSettings
from transforms.portfolio.desk import Desk
from transforms.portfolio.report import ORDERS

D = Decimal
FUNDING_RATE = D("0.0001")
FEE_RATE = D("0.00035")
EIGHT_HOURS = 8 * 3_600
EVERY_MINUTES = 13
_NOTHING = Decimal(0)


@cache
def roster() -> Roster:
    return read_roster(Settings.model_fields["roster"].default)


def new_desk(limits: Limits | None = None) -> Desk:
    return Desk("main", roster(), limits or Limits())


def marks() -> Iterator[Message]:
    """What the market core says of the recording, for the trading job."""
    cores: dict[str, Market] = {}
    positions: dict[str, int] = {}
    for timed in open_recording(SAMPLE).batches():
        batch = timed.batch
        core = cores.setdefault(batch.symbol, Market(batch.symbol, "main", MarketSettings()))
        position = positions[batch.symbol] = positions.get(batch.symbol, 0) + 1
        micros = to_micros(batch.event_time)
        entry = LogEntry(batch.symbol, position, False, micros, batch)
        yield from (output.value for output in core.apply(entry) if output.port == MARKS)


def wishes(moment: datetime, minute: int, prices: dict[str, Decimal]) -> Iterator[Message]:
    """What the agents wish for at a minute of the day: in turns, now this way and now that, now and then too much."""
    for turn, profile in enumerate(roster().agents):
        if (minute + 2 * turn) % EVERY_MINUTES:
            continue
        round_ = (minute + 2 * turn) // EVERY_MINUTES
        symbols = [symbol for symbol in sorted(prices) if profile.trades(symbol)] or ["BTCUSDT"]
        symbol = symbols[round_ % len(symbols)]
        side = Side.BUY if (round_ // 3 + turn) % 2 else Side.SELL
        name = f"{profile.agent}-{minute}"
        said: Any
        if profile.is_model_backed:
            said = Proposal(
                decision_id=name,
                symbol=symbol,
                side=side,
                confidence=0.9,
                size_fraction=round_ % 5 / 4,
                price=prices[symbol],
                horizon_seconds=600,
                reduce_only=round_ % 11 == 0,
            )
        else:
            notional = D(50 + 10 * (round_ % 4))
            said = HftSignal(symbol=symbol, side=side, confidence=0.8, notional=notional, strategy="turns")
        yield said_by(profile.agent, said, desk="main", event_time=moment, derived_from=(name,))


class Venue:
    """Fills what it is sent, in an order and at prices that follow from how many orders came before."""

    def __init__(self) -> None:
        self._orders = 0
        self.held: dict[tuple[str, str], Decimal] = {}

    def answer(self, request: OrderRequest, moment: datetime) -> Iterator[Message]:
        """The steps of an order's life."""
        self._orders += 1
        kind = self._orders % 10
        worse = 1 + request.side.sign * D(self._orders % 4) / 10_000
        price = (request.reference_price * worse).quantize(D("0.01"))
        yield self._step(request, moment, 1, OrderStatus.SUBMITTED)
        if kind == 7:
            yield self._step(request, moment, 2, OrderStatus.CANCELLED, reason="nothing to trade with")
            return
        half = (request.quantity / 2).quantize(D("0.001"))
        parts = [half, request.quantity - half] if kind < 7 and half else [request.quantity]
        done = D(0)
        for sequence, part in enumerate(parts, 2):
            done += part
            status = OrderStatus.FILLED if done == request.quantity else OrderStatus.PARTIALLY_FILLED
            yield self._step(request, moment, sequence, status, part, price + sequence, done)
            key = request.agent, request.symbol
            self.held[key] = self.held.get(key, D(0)) + part * request.side.sign

    def fund(self, moment: datetime, prices: dict[str, Decimal]) -> Iterator[Message]:
        """What every position pays."""
        for (agent, symbol), quantity in sorted(self.held.items()):
            if not quantity:
                continue
            funding = Funding(
                funding_id=f"{symbol}-{agent}-{moment:%H}",
                agent=agent,
                symbol=symbol,
                quantity=quantity,
                mark_price=prices[symbol],
                rate=FUNDING_RATE,
                amount=-quantity * prices[symbol] * FUNDING_RATE,
                funded_at=moment,
                venue="paper",
            )
            yield said_by(
                "execution", funding, desk="main", event_time=moment, derived_from=(funding.funding_id,)
            )

    @staticmethod
    def _step(
        request: OrderRequest,
        moment: datetime,
        sequence: int,
        status: OrderStatus,
        part: Decimal | None = None,
        price: Decimal | None = None,
        done: Decimal = _NOTHING,
        reason: str = "",
    ) -> Message:
        fee = (
            (part * price * FEE_RATE).quantize(D("1e-8")) if part is not None and price is not None else D(0)
        )
        step = OrderExecution(
            client_order_id=request.client_order_id,
            execution_id=f"{request.client_order_id}-{sequence}",
            sequence=sequence,
            agent=request.agent,
            symbol=request.symbol,
            side=request.side,
            status=status,
            quantity=request.quantity,
            filled_quantity=done,
            last_quantity=part,
            last_price=price,
            fee=fee,
            venue="paper",
            reason=reason,
        )
        later = moment + timedelta(seconds=1, microseconds=sequence)
        return said_by("execution", step, desk="main", event_time=later, derived_from=(step.execution_id,))


@cache
def recorded_log() -> tuple[Message, ...]:
    """The whole day's log, in the order in which a bounded run takes it."""
    desk, venue = new_desk(), Venue()
    prices: dict[str, Decimal] = {}
    waiting = [_dated(message) for message in marks()]
    heapify(waiting)
    log: list[Message] = []
    minute = -1
    while waiting:
        micros, _, message = heappop(waiting)
        log.append(message)
        for output in desk.apply(LogEntry("main", len(log), False, micros, message)):
            if output.port == ORDERS:
                for step in venue.answer(output.value, message.event_time):
                    heappush(waiting, _dated(step))
        said = message.payload
        if isinstance(said, Mark):
            prices[said.symbol] = said.price
            now = message.event_time.hour * 60 + message.event_time.minute
            if now != minute and len(prices) == 2:
                minute, moment = now, message.event_time + timedelta(seconds=10)
                for wish in wishes(moment, minute, prices):
                    heappush(waiting, _dated(wish))
                if minute * 60 % EIGHT_HOURS == 0:
                    for funding in venue.fund(moment, prices):
                        heappush(waiting, _dated(funding))
    return tuple(log)


def _dated(message: Message) -> tuple[int, str, Message]:
    return to_micros(message.event_time), message.message_id, message
