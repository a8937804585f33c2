"""Bars in Parquet: the columns of the CSV files by name, times as integers, timestamps or text."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from execution.feed.recordings.recording import RecordingError

MAGIC = b"PAR1"
"""What a Parquet file begins with."""

_ALSO_CALLED = {
    "date": "open_time",
    "quote_asset_volume": "quote_volume",
    "number_of_trades": "count",
    "trades": "count",
    "taker_buy_base_asset_volume": "taker_buy_volume",
    "taker_buy_base_volume": "taker_buy_volume",
}


def read_parquet(path: Path, fields: Sequence[str]) -> pl.DataFrame:
    """The file's rows as text in the columns `fields`; further columns are left alone. Raises `RecordingError`."""
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{path} cannot be read: {error}.") from None
    names = {name: _ALSO_CALLED[name] for name in frame.columns if name in _ALSO_CALLED}
    frame = frame.rename({old: new for old, new in names.items() if new not in frame.columns})
    missing = [name for name in fields if name not in frame.columns]
    if missing:
        raise RecordingError(
            f"{path} has no column {', '.join(missing)}; bars have {', '.join(fields)}, "
            f"and it has {', '.join(frame.columns)}."
        )
    return frame.select(_as_text(name, frame.schema[name]) for name in fields)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as the CSV files would have it; timestamps as microseconds, which a bar's times may be told in."""
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        column = column.dt.timestamp("us")
    return column.cast(pl.String)
