"""Everything of one symbol: its rules, its market, the orders that rest or wait, and who holds a position."""

from contracts.instruments import Instrument
from execution.matching.account import Account
from execution.matching.market import Market
from execution.matching.resting import RestingSide
from execution.matching.terms import Terms
from execution.matching.units import amount_of, money, units
from execution.matching.waiting import FAR_ABOVE, Waiting
from execution.matching.working import Place, Working

__all__ = ["FAR_ABOVE", "Pit"]


class Pit:
    """One symbol. Between `low` and `high`, both excluded, no price of any kind makes anything happen."""

    __slots__ = (
        "asks", "bids", "high", "holders", "instrument", "lot", "low", "market", "min_value", "symbol", "tick", "waiting",
    )  # fmt: skip

    def __init__(self, symbol: str, instrument: Instrument, terms: Terms) -> None:
        self.symbol, self.instrument = symbol, instrument
        self.tick, self.lot = units(instrument.tick), units(instrument.lot)
        self.min_value = money(instrument.min_notional)
        self.market = Market(instrument, terms)
        self.bids, self.asks = RestingSide(1), RestingSide(-1)
        self.waiting = Waiting()
        self.holders: dict[str, Account] = {}
        self.low, self.high = -1, FAR_ABOVE

    def resting(self, sign: int) -> RestingSide:
        """Where buys (+1) or sells (-1) rest."""
        return self.bids if sign > 0 else self.asks

    def leave(self, working: Working) -> None:
        """The order neither rests nor waits any longer."""
        if working.place is Place.RESTING:
            self.resting(working.sign).remove(working)
        elif working.place is Place.WAITING:
            self.waiting.remove(working)
        working.place = Place.TRADING

    def watch(self) -> None:
        """Find out anew which prices matter."""
        low, high = self.waiting.bounds()
        lows, highs = [-1, low, self.bids.best], [FAR_ABOVE, high, self.asks.best]
        for account in self.holders.values():
            band = account.bands.get(self.symbol)
            if band is not None:
                lows.append(band[0])
                highs.append(band[1])
        self.low = max(price for price in lows if price is not None)
        self.high = min(price for price in highs if price is not None)

    def broken_rule(self, quantity: int, limit: int, stop: int) -> str | None:
        """The venue's rule that an order's form breaks, in one sentence; None when it breaks none."""
        if quantity <= 0 or quantity % self.lot:
            return f"lot: quantity {amount_of(quantity)} is no multiple of {self.instrument.lot}"
        for name, price in (("limit_price", limit), ("stop_price", stop)):
            if price < 0 or price % self.tick:
                return f"tick: {name} {amount_of(price)} is no multiple of {self.instrument.tick}"
        return None
