"""How orders that rest or wait meet what the market does.

trades are told      resting orders trade by them alone (resting.py), conditional ones fire by their prices
only quotes, a book  a resting order trades when the other side comes to its price, with what is offered there;
                     conditional orders to sell look at the bid, those to buy at the ask
"""

from execution.matching.arrival import Arrivals
from execution.matching.clearing import Clearing
from execution.matching.events import Triggered
from execution.matching.market import NEVER, Quote
from execution.matching.pit import Pit
from execution.matching.waiting import follow, has_turned
from execution.matching.working import Place, Working


class Meeting:
    """Lets a pit's orders meet one event of its market."""

    def __init__(self, clearing: Clearing, arrivals: Arrivals) -> None:
        self._clearing = clearing
        self._arrivals = arrivals

    def trade(self, pit: Pit, micros: int, price: int, quantity: int, buyer_is_maker: bool) -> None:
        """A trade of the market: all fills by it together are no more than its quantity."""
        for side in (pit.bids, pit.asks):
            left = quantity
            for working in side.reached(price):
                if left <= 0:
                    break
                if working.place is not Place.RESTING or micros < working.live_at:
                    continue
                if working.order.limit != price:
                    working.ahead = 0
                    left -= self._clearing.make(pit, working, left)
                elif (side.sign > 0) == buyer_is_maker and micros > working.learned_at:
                    beyond = left - working.ahead
                    working.ahead = max(-beyond, 0)
                    if beyond > 0:
                        left -= self._clearing.make(pit, working, beyond)
        self.fire(pit, micros, price, price)

    def quote(self, pit: Pit, micros: int, quote: Quote) -> None:
        """A quote."""
        pit.bids.learn(micros, quote.bid, quote.bid_quantity)
        pit.asks.learn(micros, quote.ask, quote.ask_quantity)
        self._cross(pit, micros)

    def book(self, pit: Pit, micros: int) -> None:
        """A book that changed, its levels being told to the queues already."""
        for side, resting in ((pit.market.bids, pit.bids), (pit.market.asks, pit.asks)):
            if side.best is not None:
                resting.learn(micros, side.best, side.levels[side.best])
        self._cross(pit, micros)

    def fire(self, pit: Pit, micros: int, to_sell: int, to_buy: int) -> None:
        """Conditional orders look at a price: those to sell at the first, those to buy at the second."""
        waiting = pit.waiting
        for sign, price in ((-1, to_sell), (1, to_buy)):
            due = waiting.falling.due(price) + waiting.rising.due(price)
            due += [working for working in waiting.trailing.values() if has_turned(working, price)]
            for working in due:
                if working.sign == sign and working.live_at <= micros:
                    self.fire_one(pit, working, price)
            for working in waiting.trailing.values():
                if working.sign == sign and working.live_at <= micros:
                    follow(working, price)

    def fire_one(self, pit: Pit, working: Working, price: int) -> None:
        """One order fires, if it still waits."""
        if working.place is Place.WAITING:
            name, identifier = working.account.name, working.order.client_order_id
            self._clearing.events.append(Triggered(self._clearing.now, name, identifier, price))
            self._arrivals.fire(pit, working)

    def pass_through(self, pit: Pit, opened: int, low: int, high: int, most: int) -> None:
        """A bar went from `low` to `high`: orders that rested before it trade where it went beyond their price."""
        for side, extreme in ((pit.bids, low), (pit.asks, high)):
            left = most
            for working in side.reached(extreme):
                beyond = working.order.limit != extreme and working.sent_at <= opened
                if beyond and working.place is Place.RESTING and left > 0:
                    left -= self._clearing.make(pit, working, left)

    def _cross(self, pit: Pit, micros: int) -> None:
        """Without trades the other side's prices tell what would have traded."""
        market = pit.market
        if market.trade_at != NEVER:
            return
        for sign in (1, -1):
            best = market.best(sign)
            if best is None:
                continue
            for working in pit.resting(sign).reached(best):
                if working.live_at > micros:
                    continue
                for price, offered in market.offers(sign):
                    if working.place is not Place.RESTING or (price - working.order.limit) * sign > 0:
                        break
                    market.take(sign, price, self._clearing.make(pit, working, offered))
        to_sell, to_buy = market.firing_price(-1), market.firing_price(1)
        if to_sell is not None and to_buy is not None:
            self.fire(pit, micros, to_sell, to_buy)
