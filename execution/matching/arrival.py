"""What becomes of an order when it arrives: refused, traded at once, come to rest, or left to wait for a price."""

from contracts.orders import OrderType, TimeInForce
from contracts.time import from_micros
from execution.matching.clearing import Clearing
from execution.matching.events import Accepted, Expired, Rejected
from execution.matching.margin import Margin
from execution.matching.pit import Pit
from execution.matching.units import amount_of, money_of
from execution.matching.working import Place, Working

_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class Arrivals:
    """Takes orders into their pit."""

    def __init__(self, clearing: Clearing, margin: Margin | None) -> None:
        self._clearing = clearing
        self._margin = margin

    def take(self, pit: Pit, working: Working) -> None:
        """The order is there: judge it, and do what it asks for."""
        conditional = working.order.type.is_conditional
        denial = self._unfireable(pit, working) if conditional else self._untradable(pit, working)
        if denial is not None:
            self._clearing.end(pit, working, Rejected, denial)
            return
        order, account = working.order, working.account
        self._clearing.events.append(Accepted(self._clearing.now, account.name, order.client_order_id))
        if conditional:
            price = pit.market.firing_price(working.sign)
            pit.waiting.add(working, price or 0)
            working.place = Place.WAITING
        elif order.type is OrderType.MARKET:
            self._clearing.take(pit, working)
            self._clearing.expire_rest(pit, working)
        else:
            self._limit(pit, working)

    def fire(self, pit: Pit, working: Working) -> None:
        """A conditional order is a market order from now on."""
        pit.leave(working)
        if not working.order.reduce_only and self._margin is not None:
            price = pit.market.best(working.sign) or pit.market.last
            denial = self._margin.denial(working.account, pit, working.sign, working.remaining, price)
            if denial is not None:
                self._clearing.end(pit, working, Expired, denial)
                return
        self._clearing.take(pit, working)
        self._clearing.expire_rest(pit, working)

    def _limit(self, pit: Pit, working: Working) -> None:
        order, market = working.order, pit.market
        best = market.best(working.sign)
        meets = best is not None and (best - order.limit) * working.sign <= 0
        if meets and order.time_in_force is TimeInForce.GTX:
            reason = f"post-only: it would trade at once at {amount_of(best or 0)}"
            self._clearing.end(pit, working, Expired, reason)
            return
        if order.time_in_force is TimeInForce.FOK and not self._is_there(pit, working):
            reason = "fill or kill: the whole of it is not to be had within the limit"
            self._clearing.end(pit, working, Expired, reason)
            return
        if meets:
            self._clearing.take(pit, working, order.limit)
        if working.place is Place.GONE:
            return
        if order.time_in_force in _AT_ONCE:
            self._clearing.expire_rest(pit, working)
            return
        working.ahead = market.in_front(working.sign, order.limit)
        pit.resting(working.sign).rest(working)
        working.place = Place.RESTING

    def _is_there(self, pit: Pit, working: Working) -> bool:
        """Whether all of an order can be traded at once within its limit."""
        order, missing = working.order, working.remaining
        if self._clearing.tradable(working) < missing:
            return False
        for price, offered in pit.market.offers(working.sign):
            if (price - order.limit) * working.sign > 0:
                return False
            missing -= offered - offered % pit.lot
            if missing <= 0:
                return True
        return False

    def _untradable(self, pit: Pit, working: Working) -> str | None:
        order = working.order
        price = order.limit or pit.market.best(working.sign)
        if price is None:
            return f"no price: nothing is known of {pit.symbol}'s market"
        if pit.market.is_outdated(self._clearing.now):
            return (
                f"price_age: no bar of {pit.symbol} since {from_micros(pit.market.last_at):%Y-%m-%d %H:%M:%S}"
            )
        if order.reduce_only:
            return None if self._clearing.tradable(working) else "reduce_only: there is nothing to reduce"
        value = price * working.remaining
        if value < pit.min_value and not working.trades:
            least = pit.instrument.min_notional
            return f"min_notional: the order is worth {money_of(value)}, the least is {least}"
        if self._margin is None:
            return None
        return self._margin.denial(working.account, pit, working.sign, working.remaining, price)

    def _unfireable(self, pit: Pit, working: Working) -> str | None:
        order = working.order
        price = pit.market.firing_price(working.sign)
        if price is None:
            return f"no price: nothing is known of {pit.symbol}'s market"
        if order.type is OrderType.TRAILING_STOP_MARKET:
            return None if order.callback > 0 else "callback_rate: a trailing stop needs one"
        if order.stop <= 0:
            return "stop_price: a conditional order needs one"
        # A stop to buy fires from below, a take-profit to buy from above.
        towards = working.sign if order.type is OrderType.STOP_MARKET else -working.sign
        if (price - order.stop) * towards >= 0:
            return f"stop_price: it would fire at once, the price is {amount_of(price)}"
        return None
