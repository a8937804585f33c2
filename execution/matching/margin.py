"""Margin: what an order needs to be taken, and when an account's positions have to be closed.

An account is looked at only when a mark leaves its band: the marks between which, in each of its symbols, the account cannot
come below its maintenance margin. Its slack (equity less maintenance margin) is shared evenly between its symbols, so that
while every mark is within its band, their losses together are within the slack.

    long  q at mark m     safe above m - part / (q x (1 - maintenance))
    short q at mark m     safe below m + part / (q x (1 + maintenance))
"""

from collections.abc import Mapping

from execution.matching.account import Account
from execution.matching.pit import FAR_ABOVE, Pit
from execution.matching.terms import MarginTerms
from execution.matching.units import UNIT, money_of, share, units
from execution.matching.working import Place


class Margin:
    """Judges accounts by their positions at the marks in force."""

    def __init__(self, terms: MarginTerms, pits: Mapping[str, Pit]) -> None:
        self._terms = terms
        self._rate = units(terms.maintenance)
        self._pits = pits
        self.fee = units(terms.liquidation_fee)

    def equity(self, account: Account) -> int:
        """Wallet and unrealised profit, in money."""
        return account.wallet + sum(
            position.unrealised(self._pits[symbol].market.mark)
            for symbol, position in account.positions.items()
            if position.quantity
        )

    def maintenance(self, account: Account) -> int:
        """What the equity must not fall below, in money."""
        return sum(
            share(abs(position.quantity) * self._pits[symbol].market.mark, self._rate)
            for symbol, position in account.positions.items()
            if position.quantity
        )

    def initial(self, account: Account) -> int:
        """What positions and resting orders need, in money."""
        needed = sum(self._exposures(account).values())
        return -(-needed // self._terms.leverage)

    def denial(self, account: Account, pit: Pit, sign: int, quantity: int, price: int) -> str | None:
        """Why an order of `quantity` at `price` cannot be taken; None when it can, or when it takes risk away."""
        before = self._exposures(account)
        after = self._exposures(account, (pit.symbol, sign, quantity, price))
        if after[pit.symbol] <= before.get(pit.symbol, 0):
            return None
        needed, equity = -(-sum(after.values()) // self._terms.leverage), self.equity(account)
        if needed <= equity:
            return None
        return (
            f"margin: {money_of(needed):.2f} USDT are needed at {self._terms.leverage}x, "
            f"the account's equity is {money_of(equity):.2f}"
        )

    def band(self, account: Account) -> bool:
        """Set the account's bands anew; whether it is above its maintenance margin."""
        account.bands.clear()
        held = {symbol: position for symbol, position in account.positions.items() if position.quantity}
        slack = self.equity(account) - self.maintenance(account)
        part = slack // max(len(held), 1)
        for symbol, position in held.items():
            mark = self._pits[symbol].market.mark
            if slack < 0:
                account.bands[symbol] = FAR_ABOVE, -1
            elif position.quantity > 0:
                room = part * UNIT // (position.quantity * (UNIT - self._rate))
                account.bands[symbol] = mark - room - 1, FAR_ABOVE
            else:
                room = part * UNIT // (-position.quantity * (UNIT + self._rate))
                account.bands[symbol] = -1, mark + room + 1
        return slack >= 0

    def _exposures(self, account: Account, more: tuple[str, int, int, int] | None = None) -> dict[str, int]:
        """The largest value that each symbol's position can grow to if all that rests to one side trades."""
        buys: dict[str, int] = {}
        sells: dict[str, int] = {}
        price_of: dict[str, int] = {}
        for working in account.orders.values():
            if working.place is Place.RESTING and not working.order.reduce_only:
                side = buys if working.sign > 0 else sells
                side[working.order.symbol] = side.get(working.order.symbol, 0) + working.remaining
        if more is not None:
            symbol, sign, quantity, price = more
            side = buys if sign > 0 else sells
            side[symbol] = side.get(symbol, 0) + quantity
            price_of[symbol] = price
        found = {}
        for symbol in {**account.positions, **buys, **sells}:
            position = account.positions.get(symbol)
            held = position.quantity if position else 0
            largest = max(abs(held + buys.get(symbol, 0)), abs(held - sells.get(symbol, 0)))
            found[symbol] = largest * (self._pits[symbol].market.mark or price_of.get(symbol, 0))
        return found
