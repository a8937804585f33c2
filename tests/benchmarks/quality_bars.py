"""The bars on which forecasts and decisions are judged: the packaged day, and the datasets that are there."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.market_data import MarketBatch, MarketKind
from contracts.message import Message
from contracts.time import to_micros
from execution.feed.datasets import DATASETS
from execution.feed.recordings import open_recording
from transforms.log import LogEntry
from transforms.market.symbol import SNAPSHOTS, Market

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bars:
    """Consecutive closed bars of one symbol, columns (n,), and the snapshot that the market job says at each."""

    name: str
    symbol: str
    seconds: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    snapshots: tuple[Message, ...] = ()

    def __len__(self) -> int:
        return len(self.close)


def packaged_day() -> list[Bars]:
    """2024-01-15, one-minute bars of two perpetual futures, with their snapshots."""
    return [_bars(symbol, batches, "1 m, 2024-01-15", True) for symbol, batches in _batches(None).items()]


def every_period() -> list[Bars]:
    """The packaged day, and the longer datasets where they were fetched (`sapphire datasets get`)."""
    found = [_bars(symbol, batches, "1 m, 2024-01-15") for symbol, batches in _batches(None).items()]
    for name, label in (("five-minute-march-2023", "5 m, March 2023"), ("hourly-btc", "1 h, 2017-2023")):
        dataset = DATASETS[name]
        if dataset.is_there():
            found += [_bars(symbol, batches, label) for symbol, batches in _batches(dataset.folder()).items()]
    return found


def _batches(path: Path | None) -> dict[str, list[MarketBatch]]:
    by_symbol: dict[str, list[MarketBatch]] = {}
    for timed in open_recording(path).batches():
        if timed.batch.kind is MarketKind.BAR:
            by_symbol.setdefault(timed.batch.symbol, []).append(timed.batch)
    return by_symbol


def _bars(symbol: str, batches: list[MarketBatch], label: str, with_snapshots: bool = False) -> Bars:
    columns = {
        name: np.concatenate([batch.rows.column(name).to_numpy() for batch in batches]).astype(float)
        for name in ("open", "high", "low", "close", "volume")
    }
    opened = np.concatenate([batch.rows.column("open_time").cast("int64").to_numpy() for batch in batches])
    seconds = int(np.median(np.diff(opened)) // 1_000_000)
    snapshots = _snapshots(symbol, batches) if with_snapshots else ()
    return Bars(f"{symbol}, {label}", symbol, seconds, **columns, snapshots=snapshots)


def _snapshots(symbol: str, batches: list[MarketBatch]) -> tuple[Message, ...]:
    """What the market job's core says, in order."""
    market = Market(symbol, "main")
    said = []
    for position, batch in enumerate(batches, 1):
        said += market.apply(LogEntry(symbol, position, False, to_micros(batch.event_time), batch))
    said += market.flush()
    return tuple(value for port, value in said if port == SNAPSHOTS)
