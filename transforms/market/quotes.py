"""The quotes of one symbol: the latest, the one as of a bar's end, and whether it can be traded on."""

from typing import Any

import numpy as np
import pyarrow as pa

from transforms.market.as_of import AsOf
from transforms.market.columns import micros, values
from transforms.market.tally import Tally
from transforms.market.window import Quote

CROSSED = "the quote is crossed"
STALE = "the quote is stale"

_NAMES = ("bid", "bid_quantity", "ask", "ask_quantity")


class Quotes:
    """Follows the best bid and ask; a quote older than `stale_micros` or with bid >= ask is not one to trade on."""

    def __init__(self, bar_seconds: int, stale_micros: int) -> None:
        self._stale_micros = stale_micros
        self._series = AsOf(bar_seconds)

    def put(self, rows: pa.RecordBatch) -> Tally:
        """Take a batch of quotes in."""
        times = micros(rows)
        columns = tuple(values(rows, name) for name in _NAMES)
        with np.errstate(invalid="ignore"):
            bid, bid_quantity, ask, ask_quantity = (column < np.inf for column in columns)
            finite = bid & bid_quantity & ask & ask_quantity
            bid, bid_quantity, ask, ask_quantity = columns
            sound = finite & (bid > 0) & (ask > 0) & (bid_quantity > 0) & (ask_quantity > 0)
        return put_sound(self._series, times, columns, sound)

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
        if bid >= ask or now - time > self._stale_micros:
            return Quote()
        return Quote(bid, bid_quantity, ask, ask_quantity, (now - time) / 1e6)

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return self._series.state()

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self._series.take_up(state)


def put_sound(series: AsOf, times: np.ndarray, columns: tuple[np.ndarray, ...], sound: np.ndarray) -> Tally:
    """Put the sound ones of some values into a series."""
    events = len(times)
    if not sound.all():
        times, columns = times[sound], tuple(column[sound] for column in columns)
    late = series.put(times, columns) if len(times) else 0
    return Tally(used=len(times) - late, late=late, unsound=events - len(times))
