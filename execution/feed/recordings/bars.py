"""Bars in CSV, CSV.gz or Parquet, as Binance publishes them: one file a symbol, or several files merged by time.

The columns are open_time, open, high, low, close, volume, close_time, quote_volume, count, taker_buy_volume,
...; with or without a header; times in milliseconds, microseconds as in the files since 2025, or UTC text
(2023-03-20 00:04:59); lines that begin with # are left alone. The file name tells the symbol:
`BTCUSDT-1m.csv.gz`, `binance_futures_um_BTCUSDT-1m_2024-01-15.csv`.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from contracts.market_data import SCHEMAS, MarketKind
from contracts.time import from_micros, read_micros
from execution.feed.recordings.parquet_bars import read_parquet
from execution.feed.recordings.recording import Recording, RecordingError, Stretch, TimedColumns

FIELDS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume",
)  # fmt: skip
"""The columns that we read, in the order in which they stand; further ones are left alone."""

_SYMBOL = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{3,20})-\d+(?:mo|[smhdwM])(?![A-Za-z0-9])")
_INTEGERS = ("open_time", "close_time", "count")
_TIMES = ("open_time", "close_time")
_MILLISECONDS_BELOW = 100_000_000_000_000
_UNITS = (
    "milliseconds or microseconds since 1970, UTC text like 2023-03-20 00:04:59, or timestamps in Parquet"
)
_EARLIEST, _LATEST = read_micros("2009-01-01T00:00:00Z"), read_micros("2100-01-01T00:00:00Z")
"""Between them times are believed: seconds read as milliseconds are in 1970, nanoseconds far beyond."""


def symbol_of(path: Path) -> str | None:
    """The symbol in a file's name, e.g. BTCUSDT in `BTCUSDT-1m-2024-01.csv`."""
    found = _SYMBOL.search(path.name)
    return found[1] if found else None


class BarRecording(Recording):
    """Bars of one or several symbols. A bar is received at the moment it closed, which is when it was known.

    A recording of bars holds bars only: no quotes, trades or books are made up from them.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        super().__init__(name)
        self._paths = sorted(paths)

    def stretches(self) -> Iterator[Stretch]:
        frames: dict[str, list[pl.DataFrame]] = {}
        position = 0
        for path in self._paths:
            symbol = symbol_of(path)
            if symbol is None:
                raise RecordingError(f"{path} does not name its symbol: call it like BTCUSDT-1m.csv.")
            frame = self._frame(path).with_columns(position=pl.int_range(pl.len(), dtype=pl.Int64) + position)
            position += frame.height
            frames.setdefault(symbol, []).append(frame)
        stretch = tuple(
            columns
            for symbol, parts in frames.items()
            if (columns := self._columns(symbol, pl.concat(parts)))
        )
        if stretch:
            yield stretch

    def _frame(self, path: Path) -> pl.DataFrame:
        """The file's sound rows, in microseconds; counts the others."""
        rows = read_parquet(path, FIELDS) if path.suffix == ".parquet" else _read_csv(path)
        text = _times_as_micros(rows)
        types = {name: pl.Int64 if name in _INTEGERS else pl.Float64 for name in FIELDS}
        parsed = text.select(
            pl.col(name).str.strip_chars().cast(types[name], strict=False) for name in FIELDS
        )
        times = pl.col("open_time", "close_time")
        parsed = parsed.with_columns(
            pl.when(times < _MILLISECONDS_BELOW).then(times * 1_000).otherwise(times)
        ).with_columns(
            # The last instant of the bar, to the next: 59.999 s and 59.999999 s are both a minute.
            close_time=(pl.col("close_time") // 1_000 + 1) * 1_000
        )
        believed = _holds(parsed, pl.all_horizontal(times.is_between(_EARLIEST, _LATEST)))
        if rows.height and not believed.any():
            raise RecordingError(
                f"{path} has times that cannot be, the first {rows['open_time'][0]}: write them as {_UNITS}, "
                "from 2009 to 2099."
            )
        sound = believed & _holds(
            parsed,
            pl.all_horizontal(
                pl.all().is_not_null(),
                pl.col(pl.Float64).is_finite(),
                pl.col("close_time") > pl.col("open_time"),
            ),
        )
        if not sound.all():
            place = sound.to_list().index(False)
            opened = f", which opens at {_moment(parsed['open_time'][place])}" if believed[place] else ""
            first = f"row {place + 1} of {path.name}{opened}"
            self.counts.refuse("bar with a wrong value", int((~sound).sum()), first)
        return parsed.filter(sound)

    def _columns(self, symbol: str, frame: pl.DataFrame) -> TimedColumns | None:
        ordered = frame.sort("close_time", "position")
        distinct = ordered.unique(("open_time", "close_time"), keep="first", maintain_order=True)
        if repeated := ordered.height - distinct.height:
            again = ordered.filter(~pl.struct("open_time", "close_time").is_first_distinct())
            first = f"that of {symbol} which opens at {_moment(again['open_time'][0])}"
            self.counts.refuse("bar that was there already", repeated, first)
        if distinct.is_empty():
            return None
        arrays = {
            "event_time": distinct["close_time"],
            "trades": distinct["count"],
            **{name: distinct[name] for name in FIELDS if name not in ("close_time", "count")},
        }
        schema = SCHEMAS[MarketKind.BAR]
        rows = pa.record_batch([pa.array(arrays[f.name].to_numpy(), f.type) for f in schema], schema)
        received: NDArray[np.int64] = distinct["close_time"].to_numpy() * 1_000
        return TimedColumns(
            symbol,
            MarketKind.BAR,
            received,
            distinct["position"].to_numpy(),
            np.arange(1, len(received) + 1),
            rows,
        )


def _read_csv(path: Path) -> pl.DataFrame:
    """The file's rows as text in our columns."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        frame = pl.read_csv(
            content, has_header=False, infer_schema=False, truncate_ragged_lines=True, comment_prefix="#"
        )
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{path} cannot be read: {error}.") from None
    if frame.width < len(FIELDS):
        raise RecordingError(f"{path} has {frame.width} columns; bars have at least {', '.join(FIELDS)}.")
    frame = frame.select(pl.nth(range(len(FIELDS)))).rename(dict(zip(frame.columns, FIELDS, strict=False)))
    return frame.slice(1) if frame["open_time"][0] in ("open_time", "date") else frame


def _times_as_micros(text: pl.DataFrame) -> pl.DataFrame:
    """The same rows with times in text as microseconds; a bar's last second is told by its last millisecond."""
    last = {"open_time": 0, "close_time": 999_000}
    written = [
        pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
        + last[name]
        for name in _TIMES
    ]
    return text.with_columns(
        pl.coalesce(micros.cast(pl.String), pl.col(name))
        for name, micros in zip(_TIMES, written, strict=True)
    )


def _holds(frame: pl.DataFrame, condition: pl.Expr) -> pl.Series:
    """Whether each row fulfils the condition; one that cannot be judged does not."""
    return frame.select(condition.fill_null(False)).to_series()


def _moment(micros: int) -> str:
    return f"{from_micros(micros):%Y-%m-%dT%H:%M:%SZ}"
