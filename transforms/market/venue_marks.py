"""The venue's marks of one symbol: mark price, index price and funding rate."""

from typing import Any

import pyarrow as pa

from transforms.market.as_of import AsOf
from transforms.market.columns import Micros, values
from transforms.market.quotes import put_sound
from transforms.market.tally import Tally
from transforms.market.window import MarkPrice

_NAMES = ("mark_price", "index_price", "funding_rate")


class VenueMarks:
    """Follows the venue's mark; one older than a minute is none, for the venue tells it every few seconds."""

    MOST_AGE_MICROS = 60_000_000

    def __init__(self, bar_seconds: int) -> None:
        self._series = AsOf(bar_seconds)

    def put(self, times: Micros, rows: pa.RecordBatch) -> Tally:
        """Take a batch of marks of these times in."""
        columns = tuple(values(rows, name) for name in _NAMES)
        return put_sound(self._series, times, columns, positive=2)

    def latest(self, now: int) -> MarkPrice:
        """The latest mark, NaN when there is none."""
        return self._usable(self._series.latest, now)

    def before(self, now: int) -> MarkPrice:
        """The last mark before `now`, the end of a bar; NaN when there is none."""
        return self._usable(self._series.before(now), now)

    def _usable(self, found: tuple[int, tuple[float, ...]] | None, now: int) -> MarkPrice:
        if found is None or now - found[0] > self.MOST_AGE_MICROS:
            return MarkPrice()
        return MarkPrice(*found[1])

    def state(self) -> list[Any]:
        """All of it as plain lists: what `take_up` reads."""
        return self._series.state()

    def take_up(self, state: list[Any]) -> None:
        """Go on from what `state` gave."""
        self._series.take_up(state)
