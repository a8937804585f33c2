"""Funding: at each full interval longs pay shorts, or shorts longs when the rate is negative."""

from collections.abc import Iterator, Mapping

from execution.matching.clearing import Clearing
from execution.matching.events import Funded
from execution.matching.pit import FAR_ABOVE, Pit
from execution.matching.terms import Terms, micros_of
from execution.matching.units import share


class Funding:
    """Pays at the marks and rates in force; `at` is when it is due next, while anything is held."""

    def __init__(self, terms: Terms, clearing: Clearing) -> None:
        self._interval = micros_of(terms.funding_interval)
        self._clearing = clearing
        self.at = FAR_ABOVE

    def next_at(self, now: int, pits: Mapping[str, Pit]) -> int:
        """When funding is due next: never while nobody holds anything."""
        if not any(pit.holders for pit in pits.values()):
            self.at = FAR_ABOVE
        elif self.at == FAR_ABOVE:
            self.at = (now // self._interval + 1) * self._interval
        return self.at

    def pay(self, pits: Mapping[str, Pit]) -> Iterator[Pit]:
        """Pay everybody; gives each pit in which something was paid."""
        self.at += self._interval
        for symbol, pit in pits.items():
            mark, rate = pit.market.mark, pit.market.rate
            if not pit.holders or not rate:
                continue
            for account in pit.holders.values():
                position = account.positions[symbol]
                amount = -share(position.quantity * mark, rate)
                account.wallet += amount
                position.funding += amount
                self._clearing.touched[account.name] = account
                event = Funded(
                    self._clearing.now, account.name, symbol, amount, position.quantity, mark, rate
                )
                self._clearing.events.append(event)
            yield pit
