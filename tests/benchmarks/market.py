"""Market data: from a venue's raw streams to 1 s bars, features and snapshots, in events a second of one core.

On the shared recording (SAPPHIRE_RECORDING names another one) when there is one with trades, else on the packaged sample,
which holds bars only. Every figure is CPU time of the process, so that what else runs on the machine, and threads
of a peer, neither help nor hurt. The same work is checked to give the same bars before it is timed.

Whole columns are what a bounded run over a recording may hand over at once. A live feed's batches span 250 ms and hold some
twenty events, so that a batch's own cost, which the last figure tells, is most of it; the core also says rows, snapshots and
marks, and keeps the state of each symbol, which the peer does not.
"""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from contracts.market_data import MarketBatch, MarketKind
from contracts.time import to_micros
from execution.feed.recordings import Recording, open_recording
from tests.benchmarks.figure import Figure, Figures
from transforms.log import LogEntry
from transforms.market.bars import venue_bars
from transforms.market.candles import UNITS, Trades, candle_columns
from transforms.market.features import feature_columns
from transforms.market.history import history
from transforms.market.symbol import Market
from transforms.market.window import Depth, MarkPrice, Quote, Window

SHARED = Path(__file__).parents[3] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"
ROUNDS = 7
SECOND = 1_000_000


def measure() -> Figures:
    """Parse and compute apart, each beside what others reach at the same work."""
    path = Path(os.environ.get("SAPPHIRE_RECORDING", SHARED))
    if path.is_file() and not path.name.endswith((".csv", ".csv.gz")):
        return _of_streams(path)
    return _of_bars(open_recording(None))


def _rate(work: Callable[[], object], events: int) -> float:
    """Events a CPU second, the median of a few rounds after a first one that warms up."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return events / median(seconds)


# --- raw streams ----------------------------------------------------------------------------------------------------


def _of_streams(path: Path) -> Figures:
    trades, quotes = (_whole(path, kind) for kind in (MarketKind.TRADE, MarketKind.QUOTE))
    events = trades.num_rows + quotes.num_rows
    lines = _lines(path)
    batches = [timed.batch for timed in open_recording(path).batches()]
    without_book = [batch for batch in batches if batch.kind in (MarketKind.TRADE, MarketKind.QUOTE)]
    _check_equal(trades)
    bytewax = _bytewax(trades, quotes)
    return {
        "parse: raw lines to columns": Figure(
            _rate(lambda: [*open_recording(path).stretches()], len(lines)),
            "events/s",
            beside={
                "orjson alone, line by line": _rate(
                    lambda: [orjson.loads(line) for line in lines], len(lines)
                )
            },
        ),
        "1 s bars of trades, whole columns": Figure(
            _rate(lambda: _bars(trades), trades.num_rows),
            "events/s",
            beside={"polars group_by": _rate(lambda: _polars_bars(trades), trades.num_rows)},
        ),
        "1 s bars and latest quotes, whole columns": Figure(
            _rate(lambda: history(trades, quotes, 1), events),
            "events/s",
            beside={
                "polars group_by": _rate(lambda: (_polars_bars(trades), _polars_quotes(quotes)), events),
                **bytewax,
            },
        ),
        "1 s bars and every feature, whole columns": Figure(
            _rate(lambda: history(trades, quotes, 1).features(), events), "events/s", beside=bytewax
        ),
        "market core, trades and quotes in batches as fed": Figure(
            _rate(lambda: _through_core(without_book), events), "events/s", beside=bytewax
        ),
        "market core, a batch with the book's": Figure(
            1e6 / _rate(lambda: _through_core(batches), len(batches)), "us"
        ),
    }


def _whole(path: Path, kind: MarketKind) -> pa.RecordBatch:
    """All of a recording's rows of one kind (and its first symbol) as one batch."""
    stretches = (columns for stretch in open_recording(path).stretches() for columns in stretch)
    found = [columns for columns in stretches if columns.kind is kind]
    rows = [columns.rows for columns in found if columns.symbol == found[0].symbol]
    return pa.Table.from_batches(rows).combine_chunks().to_batches()[0]


def _lines(path: Path) -> list[bytes]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return [line.split(b" ", 1)[1] for line in file if b" " in line]


def _bars(trades: pa.RecordBatch) -> Any:
    return candle_columns(Trades.of(trades).sound().in_order(), SECOND)


def _polars_bars(trades: pa.RecordBatch) -> pl.DataFrame:
    """The same bars by polars, on the same columns."""
    buys = pl.col("quantity") * ~pl.col("buyer_is_maker")
    return (
        _frame(trades)
        .group_by(pl.col("event_time") // SECOND, maintain_order=True)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("quantity").sum().alias("volume"),
            (pl.col("price") * pl.col("quantity")).sum().alias("quote_volume"),
            buys.sum().alias("taker_buy_volume"),
            pl.len().alias("trades"),
        )
    )


def _polars_quotes(quotes: pa.RecordBatch) -> pl.DataFrame:
    names = ("bid", "bid_quantity", "ask", "ask_quantity")
    grouped = _frame(quotes).group_by(pl.col("event_time") // SECOND, maintain_order=True)
    return grouped.agg(pl.col(name).last() for name in names)


def _frame(rows: pa.RecordBatch) -> pl.DataFrame:
    """The columns as a frame, without a copy where polars allows it; times as whole numbers, as ours has them."""
    columns = [
        column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in rows.columns
    ]
    return pl.DataFrame(pa.RecordBatch.from_arrays(columns, names=rows.schema.names))


def _check_equal(trades: pa.RecordBatch) -> None:
    ours, theirs = _bars(trades), _polars_bars(trades).sort("event_time")
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "trades"):
        column = getattr(ours, name) / (UNITS if "volume" in name else 1)
        if not np.allclose(column, theirs[name].to_numpy(), rtol=1e-9, atol=1e-9):
            raise AssertionError(f"ours and polars' {name} differ: the candidates do different work")


def _through_core(batches: list[MarketBatch]) -> Market:
    """What the job's step does with each batch, rows, snapshots and marks included, Beam and Pub/Sub left out."""
    market = Market(batches[0].symbol, "bench")
    for position, batch in enumerate(batches, 1):
        market.apply(LogEntry(batch.symbol, position, False, to_micros(batch.event_time), batch))
    market.flush()
    return market


def _bytewax(trades: pa.RecordBatch, quotes: pa.RecordBatch) -> dict[str, float]:
    """Bars and latest quotes by bytewax, event by event; nothing where it cannot be installed."""
    try:
        import bytewax.operators as op
        from bytewax.dataflow import Dataflow
        from bytewax.testing import TestingSink, TestingSource, run_main
    except ModuleNotFoundError:
        return {}
    names = ("event_time", "price", "quantity", "buyer_is_maker")
    told = [column.to_pylist() for column in _frame(trades).select(names).to_arrow().columns]
    asked = [column.to_pylist() for column in _frame(quotes).to_arrow().columns]
    events = sorted([*zip(*told, strict=True), *zip(*asked, strict=True)], key=lambda event: event[0])
    keyed = [("BTCUSDT", event) for event in events]

    def run() -> list:
        closed: list = []
        flow = Dataflow("bars")
        stream = op.input("events", flow, TestingSource(keyed, batch_size=500))
        bars = op.stateful_flat_map("bars", stream, _event_by_event)
        op.output("closed", bars, TestingSink(closed))
        run_main(flow)
        return closed

    return {"bytewax, event by event, bars and quotes alone": _rate(run, len(keyed))}


def _event_by_event(state: list | None, event: tuple) -> tuple[list, Iterator]:
    """A bar as plain Python keeps it: [second, open, high, low, close, volume, quote volume, bought, trades, quote]."""
    if len(event) == 5:
        if state is not None:
            state[9] = event
        return state or [-1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, event], iter(())
    moment, price, quantity, buyer_is_maker = event
    second = moment // SECOND
    bought = 0.0 if buyer_is_maker else quantity
    if state is None or state[0] != second:
        closed = iter(()) if state is None or state[0] < 0 else iter([tuple(state)])
        quote = state[9] if state else None
        return [second, price, price, price, price, quantity, price * quantity, bought, 1, quote], closed
    state[2], state[3], state[4] = max(state[2], price), min(state[3], price), price
    state[5] += quantity
    state[6] += price * quantity
    state[7] += bought
    state[8] += 1
    return state, iter(())


# --- the packaged sample --------------------------------------------------------------------------------------------


def _of_bars(recording: Recording) -> Figures:
    """A day of one-minute bars: no trades, so no group-by; what a bar's way to its snapshot costs."""
    every = [timed.batch for timed in recording.batches()]
    batches = [batch for batch in every if batch.symbol == every[0].symbol]
    bars = [bar for batch in batches for bar in venue_bars(batch.rows)]
    window = Window._make([*np.array([bar[2:] for bar in bars], float).T, Quote(), MarkPrice(), Depth()])
    return {
        "market core, venue bars to snapshots": Figure(
            _rate(lambda: _through_core(batches), len(bars)), "bars/s"
        ),
        "every feature, whole columns": Figure(_rate(lambda: feature_columns(window), len(bars)), "bars/s"),
    }
