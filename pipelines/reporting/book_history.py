"""A desk's book over a stretch of time, out of the rows of the trading and market jobs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from contracts.time import to_micros
from pipelines.reporting.desk_tables import DeskTables, Line
from transforms.reporting.account import StateChange
from transforms.reporting.fills import Fill
from transforms.reporting.series import Series

_FINE_DAYS = 3
_FINE_SECONDS, _COARSE_SECONDS = 60, 300
_LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Worth:
    """What the desk was worth: the last of each minute."""

    equity: Series
    gross: Series
    net: Series


def worth(tables: DeskTables) -> Worth:
    """By the portfolio's rows."""
    found = tables.ask(f"""
        SELECT event_time, equity, gross_exposure, net_exposure
        FROM {tables.rows("portfolio", "event_time, position, equity, gross_exposure, net_exposure")}
        WHERE TRUE QUALIFY ROW_NUMBER() OVER (
            PARTITION BY TIMESTAMP_TRUNC(event_time, MINUTE) ORDER BY event_time DESC, position DESC
        ) = 1
        ORDER BY event_time
    """)  # noqa: S608
    return Worth(*(_series(found, column) for column in ("equity", "gross_exposure", "net_exposure")))


def _series(found: list[Line], column: str) -> Series:
    moments = np.array([to_micros(line["event_time"]) for line in found], np.int64)
    return Series(moments, np.array([float(line[column]) for line in found], np.float64))


def equity_before(tables: DeskTables) -> float | None:
    """The desk's last equity before the stretch; None when it has no earlier row."""
    found = tables.ask(
        f"SELECT equity FROM {tables.rows('portfolio', 'event_time, position, equity', before=True)}"  # noqa: S608
        " ORDER BY event_time DESC, position DESC LIMIT 1"
    )
    return float(found[0]["equity"]) if found else None


def first_capital(tables: DeskTables) -> float:
    """What the desk began with, by its first row in the stretch: equity less all that was made until then."""
    columns = (
        "event_time, position, equity - realised_pnl - unrealised_pnl + fees - IFNULL(funding, 0) AS capital"
    )
    found = tables.ask(f"""
        SELECT capital FROM {tables.rows("portfolio", columns)} ORDER BY event_time, position LIMIT 1
    """)  # noqa: S608
    return float(found[0]["capital"])


def states(tables: DeskTables) -> tuple[StateChange, ...]:
    """The desk's state at first, and each change of it."""
    found = tables.ask(f"""
        SELECT event_time, state, drawdown
        FROM {tables.rows("portfolio", "event_time, position, state, drawdown")}
        WHERE TRUE QUALIFY IFNULL(LAG(state) OVER (ORDER BY event_time, position), '') != state
        ORDER BY event_time
    """)  # noqa: S608
    return tuple(
        StateChange(to_micros(line["event_time"]), line["state"], f"drawdown {line['drawdown']:.2%}")
        for line in found
    )


def carried(tables: DeskTables) -> list[Fill]:
    """What was held when the stretch began, as fills at the prices then."""
    found = tables.ask(f"""
        SELECT agent, symbol, quantity, mark_price
        FROM {tables.rows("positions", "event_time, position, agent, symbol, quantity, mark_price", before=True)}
        WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY agent, symbol ORDER BY event_time DESC, position DESC) = 1
        ORDER BY agent, symbol
    """)  # noqa: S608
    held = [line for line in found if line["quantity"]]
    known = prices(tables.between(tables.start - _LOOK_BACK, tables.start), {line["symbol"] for line in held})
    return [
        Fill(
            moment=to_micros(tables.start),
            agent=line["agent"],
            symbol=line["symbol"],
            sign=1 if line["quantity"] > 0 else -1,
            quantity=abs(float(line["quantity"])),
            price=_last(known.get(line["symbol"])) or float(line["mark_price"]),
            carried=True,
        )
        for line in held
    ]


def _last(series: Series | None) -> float | None:
    return float(series.values[-1]) if series is not None and len(series.values) else None


def fills(tables: DeskTables) -> tuple[list[Fill], float, tuple[str, ...]]:
    """The fills in order, what their prices cost against the marks that their orders were checked against, the venues."""
    columns = (
        "event_time, position, client_order_id, agent, symbol, side, last_quantity, last_price, fee, venue"
    )
    found = tables.ask(f"""
        SELECT e.*, o.reference_price
        FROM {tables.rows("executions", columns, "last_quantity IS NOT NULL AND last_price IS NOT NULL")} AS e
        LEFT JOIN (
            SELECT client_order_id, ANY_VALUE(reference_price) AS reference_price
            FROM `{tables.name("orders")}`
            WHERE desk = @desk AND event_time >= TIMESTAMP_SUB(@since, INTERVAL 7 DAY) AND event_time < @until
            GROUP BY client_order_id
        ) AS o ON o.client_order_id = e.client_order_id
        ORDER BY e.event_time, e.position
    """)  # noqa: S608
    shortfall = sum(
        _sign(line) * line["last_quantity"] * (line["last_price"] - line["reference_price"])
        for line in found
        if line["reference_price"] is not None
    )
    traded = [
        Fill(
            moment=to_micros(line["event_time"]),
            agent=line["agent"],
            symbol=line["symbol"],
            sign=_sign(line),
            quantity=float(line["last_quantity"]),
            price=float(line["last_price"]),
            fee=float(line["fee"]),
        )
        for line in found
    ]
    return traded, float(shortfall), tuple(sorted({line["venue"] for line in found}))


def _sign(line: Line) -> int:
    return 1 if line["side"] == "BUY" else -1


def funding(tables: DeskTables, by: Literal["agent", "symbol"]) -> dict[str, float]:
    """What each agent received for holding, or what was received in each symbol; paid is below zero."""
    found = tables.ask(
        f"SELECT {by}, SUM(amount) AS amount FROM {tables.rows('fundings', f'{by}, amount')} GROUP BY {by} ORDER BY {by}"  # noqa: S608
    )
    return {line[by]: float(line["amount"]) for line in found}


def orders(tables: DeskTables) -> dict[str, int]:
    """The orders that something happened to, by the last that is known of them."""
    found = tables.ask(f"""
        SELECT status, COUNT(*) AS orders FROM (
            SELECT status FROM {tables.rows("executions", "event_time, client_order_id, sequence, status")}
            WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY client_order_id ORDER BY sequence DESC, event_time DESC) = 1
        )
        GROUP BY status ORDER BY status
    """)  # noqa: S608
    return {line["status"]: int(line["orders"]) for line in found}


def prices(tables: DeskTables, symbols: set[str]) -> dict[str, Series]:
    """The closes of the symbols' bars: of each minute over up to three days, of every fifth over more."""
    if not symbols:
        return {}
    seconds = _FINE_SECONDS if _days(tables.start, tables.end) <= _FINE_DAYS else _COARSE_SECONDS
    found = tables.ask(f"""
        SELECT symbol, event_time, close FROM `{tables.name("market_bars")}`
        WHERE event_time >= @since AND event_time < @until
        QUALIFY ROW_NUMBER() OVER (
            PARTITION BY symbol, DIV(UNIX_SECONDS(event_time), {seconds}) ORDER BY event_time DESC, bar_seconds
        ) = 1
        ORDER BY symbol, event_time
    """)  # noqa: S608
    return {
        symbol: _series([line for line in found if line["symbol"] == symbol], "close")
        for symbol in sorted(symbols & {line["symbol"] for line in found})
    }


def _days(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(days=1)
