"""Liquidation: an account below its maintenance margin loses its orders, its positions, and the fee."""

from collections.abc import Mapping

from execution.matching.account import Account
from execution.matching.clearing import Clearing
from execution.matching.events import Cancelled, Covered, Expired, Liquidated
from execution.matching.margin import Margin
from execution.matching.order import Order
from execution.matching.pit import Pit
from execution.matching.working import Place, Working


class Liquidation:
    """Looks at accounts whose marks left their bands, or that traded."""

    def __init__(self, clearing: Clearing, margin: Margin, pits: Mapping[str, Pit]) -> None:
        self._clearing = clearing
        self._margin = margin
        self._pits = pits

    def look(self, pit: Pit, touched: dict[str, Account]) -> None:
        """Liquidate who has to be; whose positions changed by it is added to `touched`."""
        mark = pit.market.mark
        outside = []
        for account in pit.holders.values():
            low, high = account.bands.get(pit.symbol, (-1, -1))
            if not low < mark < high:
                outside.append(account)
        for account in [*touched.values(), *(a for a in outside if a.name not in touched)]:
            touched[account.name] = account
            if not self._margin.band(account):
                self._close(account)
                self._margin.band(account)

    def _close(self, account: Account) -> None:
        """Cancel everything, then trade every position away as far as the market goes; it is tried again later."""
        clearing = self._clearing
        held = [symbol for symbol, position in account.positions.items() if position.quantity]
        closable = [symbol for symbol in held if self._is_closable(account, symbol)]
        if not closable:
            return
        equity, maintenance = self._margin.equity(account), self._margin.maintenance(account)
        clearing.events.append(Liquidated(clearing.now, account.name, equity, maintenance))
        for working in list(account.orders.values()):
            clearing.end(self._pits[working.order.symbol], working, Cancelled, "the account is liquidated")
        for symbol in closable:
            pit, quantity = self._pits[symbol], account.positions[symbol].quantity
            number = account.liquidations = account.liquidations + 1
            identifier = f"liq-{clearing.now:x}.{number:x}-{symbol}"
            order = Order(identifier, symbol, -1 if quantity > 0 else 1, abs(quantity), reduce_only=True)
            working = Working(account, order, 0, clearing.now)
            working.place = Place.TRADING
            clearing.take(pit, working, rate=self._margin.fee)
            if working.place is not Place.GONE:
                clearing.end(pit, working, Expired, "nothing more to trade with: tried again later")
        if account.wallet < 0 and not any(position.quantity for position in account.positions.values()):
            clearing.events.append(Covered(clearing.now, account.name, -account.wallet))
            account.covered -= account.wallet
            account.wallet = 0

    def _is_closable(self, account: Account, symbol: str) -> bool:
        sign = -1 if account.positions[symbol].quantity > 0 else 1
        return next(iter(self._pits[symbol].market.offers(sign)), None) is not None
