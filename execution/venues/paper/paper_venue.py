"""The paper venue: fills orders at once, at the market's prices, by rules that are stated here.

| assumption | effect on results |
| --- | --- |
| an order trades at once and whole, at the price in force | no latency, no partial fills: flattering |
| any quantity trades at the best price | no impact: flattering for orders larger than the quote |
| without quotes, the last trade or bar close -+ half_spread (1 bp) | wider than BTC and ETH mostly are |
| every fill takes liquidity: taker fee 0.00035 (maker would be 0.0001) | conservative for limit orders |
| a limit order trades at once within its limit, or expires | nothing rests in a book |
| no funding, no margin, no liquidation | flattering for positions held across funding times |

The fees are those of Aster's linear perpetuals as ccxt's market file has them (taker 0.00035, maker
0.0001). The venue's rules for tick, lot and smallest value hold; a reduce-only order may be worth less.
Nothing is random. The venue remembers its latest answers for as long as the process lives; an order of an earlier
process that the ledger does not hold as ended was never traded.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.ids import derived_id
from contracts.instruments import INSTRUMENTS, Instrument
from contracts.orders import OrderRequest, OrderType
from contracts.payloads import OrderStatus, Side
from execution.exact import EXACT, plain
from execution.order_life import Fill
from execution.venues.paper.prices import Prices
from execution.venues.venue import Told, VenueAnswer

_ANSWERS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """What the paper venue charges and trusts; rates are shares of the traded value.

    `max_price_age` is how far the price in force may lie from the moment of the decision: beyond it the
    order is rejected, because the desk and the venue do not see the same market.
    """

    taker_fee: Decimal = Decimal("0.00035")
    half_spread: Decimal = Decimal("0.0001")
    max_price_age: timedelta = timedelta(minutes=5)
    quote_life: timedelta = timedelta(seconds=10)


class PaperVenue:
    """Trades against `prices`; see the module for what it assumes."""

    name = "paper"
    is_live = False
    settle_seconds = 0.0

    def __init__(self, prices: Prices, options: PaperOptions) -> None:
        self._prices = prices
        self._options = options
        self._answers: OrderedDict[str, VenueAnswer] = OrderedDict()

    def place(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Trade at once or not at all; see the module."""
        answer = self._trade(request, quantity, moment)
        self._answers[request.client_order_id] = answer
        if len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    def query_order(self, request: OrderRequest) -> VenueAnswer | None:
        """What was answered before."""
        return self._answers.get(request.client_order_id)

    def cancel(self, request: OrderRequest, moment: datetime) -> VenueAnswer | None:
        """What was answered before: nothing rests here that could be cancelled."""
        return self._answers.get(request.client_order_id)

    def price(self, symbol: str) -> Decimal | None:
        """The middle of the prices in force."""
        touch = self._prices.touch(symbol)
        return None if touch is None else (touch.bid + touch.ask) / 2

    def listen(self, told: Told) -> None:
        """Nothing is told later: an order ends when it is placed."""

    def missing(self) -> str | None:
        """That no market data has arrived yet."""
        return None if self._prices.symbols else "no market data has arrived yet"

    def _trade(self, request: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        """Fill the order at the price in force, or say why not: REJECTED by a rule, EXPIRED by its limit."""
        identifier = derived_id(moment, self.name, request.desk, request.client_order_id)
        touch = self._prices.touch(request.symbol)
        instrument = INSTRUMENTS.get(request.symbol)
        if instrument is None:
            return _rejected(
                identifier, f"unknown symbol {request.symbol}; known are {', '.join(INSTRUMENTS)}"
            )
        if touch is None:
            return _rejected(
                identifier, f"no price: the paper venue has seen no market data of {request.symbol}"
            )
        if abs(request.decided_at - touch.event_time) > self._options.max_price_age:
            return _rejected(
                identifier,
                f"stale price: the last one of {request.symbol} is of {touch.event_time.isoformat()}, "
                f"the decision of {request.decided_at.isoformat()}",
            )
        price = touch.ask if request.side is Side.BUY else touch.bid
        broken = _broken_rule(request, instrument, quantity, price)
        if broken:
            return _rejected(identifier, broken)
        if _beyond_limit(request, price):
            reason = f"nothing to trade with: the price in force is {price}, the limit {request.limit_price}"
            return VenueAnswer(identifier, end=OrderStatus.EXPIRED, reason=reason)
        fee = EXACT.multiply(EXACT.multiply(quantity, price), self._options.taker_fee)
        return VenueAnswer(
            identifier, fills=(Fill(plain(quantity), plain(price), plain(fee), trade_id=f"{identifier}-1"),)
        )


def _rejected(identifier: str, reason: str) -> VenueAnswer:
    return VenueAnswer(identifier, end=OrderStatus.REJECTED, reason=reason)


def _broken_rule(
    request: OrderRequest, instrument: Instrument, quantity: Decimal, price: Decimal
) -> str | None:
    if quantity % instrument.lot:
        return f"lot: quantity {quantity} is no multiple of {instrument.lot}"
    if request.limit_price is not None and request.limit_price % instrument.tick:
        return f"tick: limit_price {request.limit_price} is no multiple of {instrument.tick}"
    value = quantity * price
    if value < instrument.min_notional and not request.reduce_only:
        return f"min_notional: the order is worth {plain(value)}, the least is {instrument.min_notional}"
    return None


def _beyond_limit(request: OrderRequest, price: Decimal) -> bool:
    if request.type is not OrderType.LIMIT or request.limit_price is None:
        return False
    return (price - request.limit_price) * request.side.sign > 0
