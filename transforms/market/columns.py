"""The columns of a batch as NumPy arrays, without a copy where Arrow allows it."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Micros = NDArray[np.int64]
"""Moments: microseconds since 1970 (UTC)."""

Floats = NDArray[np.float64]

_INT64 = pa.int64()


def moments(rows: pa.RecordBatch, name: str = "event_time") -> Micros:
    """A column of times, (n,)."""
    return rows.column(name).view(_INT64).to_numpy()


def values(rows: pa.RecordBatch, name: str) -> NDArray[Any]:
    """A column of numbers, (n,)."""
    return rows.column(name).to_numpy()


def flags(rows: pa.RecordBatch, name: str) -> NDArray[np.bool_]:
    """A column of truth values, (n,); Arrow packs them into bits, so this one is a copy."""
    return rows.column(name).to_numpy(zero_copy_only=False)
