"""The market core as a job runs it: made for a symbol, its counts told to Beam."""

from transforms.core import Output
from transforms.counting import counter
from transforms.log import LogEntry
from transforms.market.symbol import Market, MarketSettings


class MarketOf:
    """Makes the core of a symbol for a desk."""

    def __init__(self, desk: str, settings: MarketSettings) -> None:
        self._desk = desk
        self._settings = settings

    def __call__(self, symbol: str) -> "CountedMarket":
        return CountedMarket(Market(symbol, self._desk, self._settings))


class CountedMarket:
    """A market whose counts become Beam counters of the same names."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def apply(self, entry: LogEntry) -> list[Output]:
        """Take the next entry; what follows from it, in order."""
        return self._told(self._market.apply(entry))

    def flush(self) -> list[Output]:
        """What is still open, when the log is idle or ends."""
        return self._told(self._market.flush())

    def dump(self) -> bytes:
        """The whole state; equal states give equal bytes."""
        return self._market.dump()

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        self._market.restore(state)

    def _told(self, outputs: list[Output]) -> list[Output]:
        for name, count in self._market.counts.items():
            counter(name).inc(count)
        self._market.counts.clear()
        return outputs
