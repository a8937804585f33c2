"""The quotes of one symbol: the latest, the one as of a bar's end, and whether it can be traded on."""

from typing import Any

import numpy as np
import pyarrow as pa

from transforms.market.as_of import AsOf
from transforms.market.columns import Floats, Micros, values
from transforms.market.tally import Tally
from transforms.market.window import Quote, Values

CROSSED = "the quote is crossed"
STALE = "the quote is stale"

MOST = 1e12
"""No price and no quantity is as large as this."""

QUOTE_COLUMNS = ("bid", "bid_quantity", "ask", "ask_quantity")


class Quotes:
    """Follows the best bid and ask; a quote older than `stale_micros` or with bid >= ask is not one to trade on."""

    def __init__(self, bar_seconds: int, stale_micros: int) -> None:
        self._stale_micros = stale_micros
        self._series = AsOf(bar_seconds)

    def put(self, times: Micros, rows: pa.RecordBatch) -> Tally:
        """Take a batch of quotes of these times in."""
        columns = tuple(values(rows, name) for name in QUOTE_COLUMNS)
        return put_sound(self._series, times, columns)

    def trouble(self, now: int) -> str:
        """Why the latest quote cannot be traded on at `now`; empty when it can, or when the feed has no quotes."""
        latest = self._series.latest
        if latest is None:
            return ""
        time, (bid, _, ask, _) = latest
        if bid >= ask:
            return CROSSED
        return STALE if now - time > self._stale_micros else ""

    def latest(self, now: int) -> Quote:
        """The latest quote, NaN when there is none to trade on."""
        return self._usable(self._series.latest, now)

    def before(self, now: int) -> Quote:
        """The last quote before `now`, the end of a bar; NaN when there is none to trade on."""
        return self._usable(self._series.before(now), now)

    def _usable(self, found: tuple[int, tuple[float, ...]] | None, now: int) -> Quote:
        if found is None:
            return Quote()
        time, (bid, bid_quantity, ask, ask_quantity) = found
        if not are_usable(bid, ask, now - time, self._stale_micros):
            return Quote()
        return Quote(bid, bid_quantity, ask, ask_quantity, (now - time) / 1e6)

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return self._series.state()

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self._series.take_up(state)


def are_usable(bid: Values, ask: Values, age: Values, stale_micros: int) -> Values:
    """Whether quotes can be traded on: neither crossed nor older than that; one, or (m,) of them."""
    return (bid < ask) & (age <= stale_micros)


def put_sound(series: AsOf, times: Micros, columns: tuple[Floats, ...], positive: int = 4) -> Tally:
    """Put values into a series, but not those from MOST on, nor those not above 0 in the first `positive` columns."""
    events = len(times)
    if not _are_sound(columns, positive):
        sound = np.logical_and.reduce(
            [np.abs(column) < MOST for column in columns] + [column > 0 for column in columns[:positive]]
        )
        times, columns = times[sound], tuple(column[sound] for column in columns)
    late = series.put(times, columns) if len(times) else 0
    return Tally(used=len(times) - late, late=late, unsound=events - len(times))


def _are_sound(columns: tuple[Floats, ...], positive: int) -> bool:
    """The ordinary case, told in two sweeps; what is not a number fails both."""
    everything = np.concatenate(columns)
    lowest = np.minimum.reduce(everything[: positive * len(columns[0])])
    return bool(lowest > 0 and np.maximum.reduce(np.abs(everything)) < MOST)
