"""What trades and ends do to accounts, and the telling of it."""

from collections.abc import Callable

from contracts.orders import TimeInForce
from execution.matching.account import Account
from execution.matching.events import Cancelled, Event, Expired, Filled, Rejected
from execution.matching.pit import Pit
from execution.matching.terms import Terms
from execution.matching.units import share, units
from execution.matching.working import Place, Working

Ended = Callable[[int, str, str, str], Rejected | Expired | Cancelled]


class Clearing:
    """Books fills and ends orders; `events` is what has happened since the core told last.

    `touched` are the accounts that traded since their margin was looked at.
    """

    def __init__(self, terms: Terms) -> None:
        self._maker, self._taker = units(terms.maker_fee), units(terms.taker_fee)
        self.now = -1
        self.events: list[Event] = []
        self.touched: dict[str, Account] = {}

    def take(self, pit: Pit, working: Working, limit: int = 0, rate: int | None = None) -> None:
        """Trade at once what the market offers, no worse than `limit` (0: at any price)."""
        sign, wanted = working.sign, self.tradable(working)
        for price, offered in pit.market.offers(sign):
            if wanted <= 0 or (limit and (price - limit) * sign > 0):
                break
            amount = min(wanted, offered)
            amount -= amount % pit.lot
            if amount:
                pit.market.take(sign, price, amount)
                self.fill(pit, working, price, amount, rate=rate)
                wanted -= amount

    def make(self, pit: Pit, working: Working, amount: int) -> int:
        """Trade up to `amount` of a resting order at its own price; what was traded, in whole lots."""
        amount = min(amount, self.tradable(working))
        amount -= amount % pit.lot
        if amount > 0:
            self.fill(pit, working, working.order.limit, amount, is_maker=True)
        return max(amount, 0)

    def tradable(self, working: Working) -> int:
        """What is left of an order, and for a reduce-only one no more than there is to reduce."""
        if not working.order.reduce_only:
            return working.remaining
        position = working.account.positions.get(working.order.symbol)
        against = -position.quantity * working.sign if position else 0
        return max(min(working.remaining, against), 0)

    def fill(
        self,
        pit: Pit,
        working: Working,
        price: int,
        amount: int,
        *,
        is_maker: bool = False,
        rate: int | None = None,
    ) -> None:
        """Book one trade; `rate` is the fee's, when it is not the usual."""
        account, sign = working.account, working.sign
        if rate is None:
            rate = self._maker if is_maker else self._taker
        fee = share(price * amount, rate)
        position = account.position(pit.symbol)
        account.wallet += position.trade(sign * amount, price) - fee
        position.fees += fee
        working.remaining -= amount
        working.trades += 1
        self.events.append(
            Filled(
                self.now, account.name, working.order.client_order_id, pit.symbol, sign, price, amount, fee,
                is_maker, working.trades, working.remaining,
            )
        )  # fmt: skip
        self.touched[account.name] = account
        if position.quantity:
            pit.holders[account.name] = account
        else:
            pit.holders.pop(account.name, None)
            account.bands.pop(pit.symbol, None)
        if not working.remaining:
            self.gone(pit, working)
        if account.reducing and 0 <= position.quantity * sign < amount:
            self._expire_idle(pit, account, position.quantity, working)

    def _expire_idle(self, pit: Pit, account: Account, held: int, trading: Working) -> None:
        """The position was closed or turned: reduce-only orders that find nothing to reduce end."""
        for working in list(account.reducing.values()):
            idle = working.order.symbol == pit.symbol and working.sign * held >= 0
            if idle and working is not trading and working.place in (Place.RESTING, Place.WAITING):
                self.end(pit, working, Expired, "reduce_only: nothing is left to reduce")

    def expire_rest(self, pit: Pit, working: Working) -> None:
        """What could not trade at once ends."""
        if working.place is Place.GONE:
            return
        order = working.order
        if order.reduce_only and not self.tradable(working):
            reason = "reduce_only: nothing is left to reduce"
        elif order.limit and order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            reason = f"nothing more to trade with within the limit ({order.time_in_force})"
        else:
            reason = "nothing more to trade with: the book that is known is used up"
        self.end(pit, working, Expired, reason)

    def end(self, pit: Pit, working: Working, how: Ended, reason: str) -> None:
        """The order ends and is told."""
        self.gone(pit, working)
        self.events.append(how(self.now, working.account.name, working.order.client_order_id, reason))

    def gone(self, pit: Pit, working: Working) -> None:
        """The order is no longer anywhere."""
        pit.leave(working)
        working.place = Place.GONE
        working.account.orders.pop(working.order.client_order_id, None)
        working.account.reducing.pop(working.order.client_order_id, None)
