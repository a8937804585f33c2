"""A month's summary row, and its place in the table."""

from datetime import datetime
from decimal import Decimal

from contracts.ids import derived_id
from contracts.rows.reports import DeskMonth
from contracts.tables import TABLES
from pipelines.reporting.desk_tables import DeskTables, Parameter
from pipelines.reporting.month import Month
from transforms.reporting.figures import ReportFigures

_PARAMETER_TYPES = {"FLOAT": "FLOAT64", "INTEGER": "INT64"}
_CENT = Decimal("1e-8")


def desk_month(figures: ReportFigures, month: Month, made_at: datetime) -> DeskMonth:
    """The row of a report's figures; its id follows from desk and month."""
    performance, trading = figures.performance, figures.trading
    return DeskMonth(
        row_id=derived_id(month.start, DeskMonth.table, figures.desk),
        event_time=month.start,
        desk=figures.desk,
        month=month.name,
        made_at=made_at,
        first_time=figures.start,
        last_time=figures.end,
        venue=figures.kind,
        capital=_money(figures.capital),
        final_equity=_money(figures.final_equity),
        total_return=performance.total.value or 0.0,
        return_low=performance.total.low,
        return_high=performance.total.high,
        buy_and_hold_return=figures.market.performance.total.value if figures.market else None,
        random_entry_percentile=figures.random_entry.percentile if figures.random_entry else None,
        volatility=performance.volatility,
        sharpe=performance.sharpe.value,
        sortino=performance.sortino,
        deepest_drawdown=performance.deepest_drawdown,
        turnover=figures.exposure.turnover,
        fees=_money(figures.costs.fees),
        fills=trading.fills,
        round_trips=trading.round_trips,
        hit_rate=trading.hit_rate,
        profit_factor=trading.profit_factor,
        signals=sum(one.signals for one in figures.conduct),
        signals_throttled=sum(one.signals_throttled for one in figures.conduct),
        copies_delivered=sum(one.heard for one in figures.conduct),
        copies_suppressed=sum(one.not_heard for one in figures.conduct),
        model_usd=_money(sum(one.calls_usd or 0.0 for one in figures.conduct)),
        verdict=figures.verdict,
        code_version=figures.provenance.code_version,
    )


def _money(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(_CENT)


def write_summary(tables: DeskTables, row: DeskMonth) -> None:
    """Put the row where the desk's row of that month was, or where there was none, in one step.

    By a query and not by the streaming insert of every other row: what was streamed cannot be replaced for an hour.
    Raises `ReportError` when the table is missing; it is never created here.
    """
    columns = TABLES[row.table].schema
    names = [column["name"] for column in columns]
    source = ", ".join(f"@its_{name} AS {name}" for name in names)
    changed = ", ".join(f"{name} = told.{name}" for name in names if name != "row_id")
    values = row.model_dump()
    tables.ask(
        f"""
        MERGE `{tables.name(row.table)}` AS kept USING (SELECT {source}) AS told ON kept.row_id = told.row_id
        WHEN MATCHED THEN UPDATE SET {changed}
        WHEN NOT MATCHED THEN INSERT ({", ".join(names)}) VALUES ({", ".join(f"told.{name}" for name in names)})
        """,  # noqa: S608
        *(
            Parameter(
                f"its_{column['name']}",
                _PARAMETER_TYPES.get(column["type"], column["type"]),
                values[column["name"]],
            )
            for column in columns
        ),
    )
