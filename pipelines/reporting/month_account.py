"""The account of a desk's month, out of its tables."""

from collections.abc import Mapping
from datetime import timedelta

from contracts.time import from_micros, to_micros
from pipelines.reporting import book_history
from pipelines.reporting.conduct import conduct
from pipelines.reporting.desk_tables import DeskTables
from pipelines.reporting.errors import ReportError
from pipelines.reporting.month import Month
from transforms.reporting.account import Account, Costs, Source
from transforms.reporting.round_trips import round_trips_of

_WHOLE = timedelta(hours=1)

_SHORTFALL = (
    "Slippage is told against the mark that each order was checked against: "
    "half the spread and what latency cost are in it."
)


def month_account(tables: DeskTables, month: Month, roles: Mapping[str, str], code_version: str) -> Account:
    """What the desk did in the month, as far as its rows reach; `roles` are the roster's agents and their roles.

    The period begins with the month when the desk has rows before it, else with its first row, and ends with its last
    row. What was held at the beginning is taken over at its worth then. Raises `ReportError` when there is nothing to tell.
    """
    tables = tables.between(month.start, month.end)
    worth = book_history.worth(tables)
    if not len(worth.equity.values):
        raise ReportError(_no_rows(tables, month))
    capital = book_history.equity_before(tables)
    is_older = capital is not None
    start = to_micros(month.start) if is_older else int(worth.equity.moments[0])
    end = max(int(worth.equity.moments[-1]), start + 1)
    traded, shortfall, venues = book_history.fills(tables)
    held = book_history.carried(tables) if is_older else []
    fills = (*held, *traded)
    funding = book_history.funding(tables, "agent")
    # With the hour before, so that there is a price at the beginning.
    around = tables.between(from_micros(start) - _WHOLE, from_micros(end + 1))
    prices = book_history.prices(around, {fill.symbol for fill in fills} or _marked(around))
    return Account(
        name=f"{tables.desk}.{month.name}",
        desk=tables.desk,
        kind=", ".join(venues) or "no venue",
        start=start,
        end=end,
        capital=book_history.first_capital(tables) if capital is None else capital,
        final_equity=float(worth.equity.values[-1]),
        equity=worth.equity,
        gross=worth.gross,
        net=worth.net,
        prices=prices,
        fills=fills,
        round_trips=tuple(round_trips_of(fills)),
        orders=book_history.orders(tables),
        conduct=conduct(tables, roles, funding),
        costs=Costs(fees=sum(fill.fee for fill in fills), slippage=shortfall, funding=-sum(funding.values())),
        funding_by_symbol=book_history.funding(tables, "symbol"),
        states=book_history.states(tables),
        sources=(
            Source(
                name=tables.name("portfolio"),
                kind="BigQuery",
                identity=f"desk {tables.desk}, {month.name}",
                rows=len(worth.equity.values),
            ),
        ),
        parameters={"month": month.name, "desk": tables.desk},
        code_version=code_version,
        notes=(*_coverage(month, start, end), _SHORTFALL),
    )


def _marked(tables: DeskTables) -> set[str]:
    """A desk that did not trade is held against every symbol that it could see."""
    found = tables.ask(f"""
        SELECT DISTINCT symbol FROM `{tables.name("market_bars")}`
        WHERE event_time >= @since AND event_time < @until
    """)  # noqa: S608
    return {line["symbol"] for line in found}


def _coverage(month: Month, start: int, end: int) -> tuple[str, ...]:
    begins, ends = from_micros(start), from_micros(end)
    if begins - month.start <= _WHOLE and month.end - ends <= _WHOLE:
        return ()
    return (
        f"The desk's rows cover {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} (UTC), not the whole of {month.name}.",
    )


def _no_rows(tables: DeskTables, month: Month) -> str:
    """Why there is nothing to tell, and what there would be."""
    found = tables.ask(f"""
        SELECT desk, MIN(event_time) AS first, MAX(event_time) AS last
        FROM `{tables.name("portfolio")}` GROUP BY desk ORDER BY desk
    """)  # noqa: S608
    known = {line["desk"]: (line["first"], line["last"]) for line in found}
    if tables.desk in known:
        first, last = known[tables.desk]
        return (
            f"desk {tables.desk} has no rows in {month.name}: "
            f"it has them from {first:%Y-%m-%d} to {last:%Y-%m-%d} (--month {last:%Y-%m})"
        )
    if known:
        return f"there is no desk {tables.desk} in {tables.name('portfolio')}: there is {', '.join(known)} (--desk)"
    return f"{tables.name('portfolio')} is empty: no desk has run yet (`make run` starts one on this machine)"
