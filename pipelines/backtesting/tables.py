"""The tables of a backtest: what its runs hold, as Parquet for other tools."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.backtest import BacktestResult, RunSummary
from contracts.model import Contract
from pipelines.backtesting.files import Folder

_NAMES = ("equity", "fills", "orders", "round_trips")


def summary_of(result: BacktestResult) -> RunSummary:
    """The run in a line."""
    return RunSummary(
        run=result.run,
        desk=result.desk,
        parameter_set=result.parameter_set,
        parameters=result.parameters,
        final_equity=result.final_equity,
        net=result.profit.net,
        fees=result.profit.fees,
        traded_value=result.profit.traded_value,
        orders=len(result.orders),
        fills=len(result.fills),
        round_trips=len(result.round_trips),
    )


def write_tables(folder: Folder, results: Iterable[BacktestResult]) -> list[RunSummary]:
    """Write each table with the rows of all runs, gone through once; the runs' summaries."""
    folder.make("tables")
    summaries: list[RunSummary] = []
    rows: dict[str, list[pa.Table]] = {name: [] for name in _NAMES}
    for result in results:
        summaries.append(summary_of(result))
        for name, table in _tables(result):
            rows[name].append(table)
    for name, tables in rows.items():
        whole = [table for table in tables if table.num_rows] or tables[:1]
        _write(folder, name, pa.concat_tables(whole, promote_options="permissive"))
    _write(folder, "runs", _of_models("", summaries, drop=("parameters",)))
    return summaries


def _tables(result: BacktestResult) -> Iterator[tuple[str, pa.Table]]:
    curve = result.equity
    yield (
        "equity",
        pa.table(
            {
                "run": [result.run] * len(curve.micros),
                "time": pa.array(curve.micros, pa.timestamp("us", tz="UTC")),
                "equity": pa.array(curve.equity, pa.float64()),
                "gross_exposure": pa.array(curve.gross_exposure, pa.float64()),
                "net_exposure": pa.array(curve.net_exposure, pa.float64()),
                "state": [str(state) for state in curve.states],
            }
        ),
    )
    for name in _NAMES[1:]:
        yield name, _of_models(result.run, getattr(result, name))


def _of_models(run: str, models: Sequence[Contract], drop: tuple[str, ...] = ()) -> pa.Table:
    """A row for each; amounts as decimals of eight places, moments as timestamps."""
    if not models:
        return pa.table({"run": pa.array([], pa.string())})
    columns: dict[str, Any] = {"run": [run] * len(models)} if run else {}
    for name in type(models[0]).model_fields:
        if name in drop:
            continue
        values = [getattr(model, name) for model in models]
        columns[name.replace("_micros", "_time") if name.endswith("micros") else name] = _column(name, values)
    return pa.table(columns)


def _column(name: str, values: list[Any]) -> pa.Array:
    if name.endswith("micros"):
        return pa.array(values, pa.timestamp("us", tz="UTC"))
    if any(isinstance(value, Decimal) for value in values):
        return pa.array([None if v is None else round(v, 8) for v in values], pa.decimal128(38, 8))
    if any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values)


def _write(folder: Folder, name: str, table: pa.Table) -> None:
    content = BytesIO()
    pq.write_table(table, content, compression="zstd")
    folder.write(content.getvalue(), "tables", f"{name}.parquet")
