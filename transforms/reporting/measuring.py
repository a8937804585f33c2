"""From a desk's account to the figures of its report."""

from collections.abc import Mapping

import numpy as np

from contracts.time import from_micros
from transforms.reporting import figures, trading
from transforms.reporting.account import Account, Conduct
from transforms.reporting.buy_and_hold import buy_and_hold
from transforms.reporting.drawdown import drawdowns, stretches
from transforms.reporting.exposure import exposure
from transforms.reporting.fills import profit_over_time
from transforms.reporting.lots import lots_of
from transforms.reporting.months import by_month
from transforms.reporting.performance import measure
from transforms.reporting.random_entry import random_entry
from transforms.reporting.resampling import DRAWS, excesses, interval, sharpes, totals
from transforms.reporting.series import DAY, Floats, Series, Steps, returns_of
from transforms.reporting.sharpe_certainty import probabilistic_sharpe
from transforms.reporting.verdict import verdict

FEWEST_DAYS_FOR_A_YEAR = 28
"""A shorter period is not blown up to a year's growth or turnover, and what else is told by the year gets a warning."""


def report_figures(
    account: Account, title: str, grid: figures.GridFigures | None = None
) -> figures.ReportFigures:
    """Everything that is to be said about the account; equal accounts give equal figures.

    Raises ValueError for an account whose period has no length.
    """
    steps = Steps.over(account.start, account.end)
    levels = desk_levels(account, steps)
    returns = returns_of(levels)
    held = buy_and_hold(account.prices, steps.edges)
    lots = lots_of(account.fills, last_prices(account), account.end)
    drawn = random_entry(lots, account.prices, account.start, account.end, account.capital, account.seed)
    told = figures.ReportFigures(
        title=title,
        verdict="",
        name=account.name,
        desk=account.desk,
        kind=account.kind,
        start=from_micros(account.start),
        end=from_micros(account.end),
        days=(account.end - account.start) / DAY,
        step=steps.name,
        returns=len(returns),
        capital=account.capital,
        final_equity=account.final_equity,
        performance=performance_figures(returns, steps, account.seed),
        market=None if held is None else _market(account, returns, returns_of(held), steps),
        random_entry=None
        if drawn is None
        else figures.RandomEntryFigures(
            draws=drawn.draws,
            low=drawn.low,
            median=drawn.median,
            high=drawn.high,
            own=drawn.own,
            percentile=drawn.percentile,
        ),
        months=tuple(
            figures.YearRow(year=row.year, months={str(m): r for m, r in row.months.items()}, whole=row.whole)
            for row in by_month(account.equity, account.capital, account.start, account.end)
        ),
        exposure=_exposure(account),
        trading=trading.of_desk(account, steps),
        agents=trading.by_agent(account, steps),
        symbols=trading.by_symbol(account, steps),
        conduct=tuple(_conduct(one) for one in account.conduct),
        orders=dict(sorted(account.orders.items())),
        costs=_costs(account),
        grid=grid,
        states=tuple(
            figures.StateFigures(moment=from_micros(change.moment), state=change.state, told=change.told)
            for change in account.states
        ),
        notes=(*account.notes, *_shortness(account)),
        curve=_curve(account, steps, levels, held),
        provenance=_provenance(account),
    )
    return told.model_copy(update={"verdict": verdict(told)})


def _shortness(account: Account) -> tuple[str, ...]:
    """A note where figures by the year rest on too little of one."""
    days = (account.end - account.start) / DAY
    if days >= FEWEST_DAYS_FOR_A_YEAR:
        return ()
    return (
        f"The period is {days:.2g} days long: what is told by the year (Sharpe and Sortino ratio, volatility) means little "
        f"for less than {FEWEST_DAYS_FOR_A_YEAR} days.",
    )


def desk_levels(account: Account, steps: Steps) -> Floats:
    """The desk's equity at every edge, from the capital to the final equity."""
    levels = account.equity.at(steps.edges, before=account.capital)
    levels[0], levels[-1] = account.capital, account.final_equity
    return levels


def last_prices(account: Account) -> dict[str, float]:
    """Each symbol's price at the period's end."""
    end = np.array([account.end], np.int64)
    return {
        symbol: float(series.at(end)[0]) for symbol, series in account.prices.items() if len(series.values)
    }


def performance_figures(returns: Floats, steps: Steps, seed: int) -> figures.PerformanceFigures:
    """The figures of a series of returns, with their intervals."""
    found = measure(returns, steps.per_year)
    is_long = steps.edges[-1] - steps.edges[0] >= FEWEST_DAYS_FOR_A_YEAR * DAY
    below = stretches(returns, steps)
    deepest = max(below, key=lambda stretch: stretch.depth, default=None)
    end = int(steps.edges[-1])
    longest = max(below, key=lambda stretch: stretch.lasted(end), default=None)
    return figures.PerformanceFigures(
        total=_between(found.total, interval(totals, returns, seed=seed)),
        cagr=found.cagr if is_long else None,
        volatility=found.volatility,
        sharpe=_between(found.sharpe, interval(sharpes, returns, seed=seed), np.sqrt(steps.per_year)),
        sortino=found.sortino,
        calmar=found.calmar if is_long else None,
        probability_sharpe_above_zero=probabilistic_sharpe(returns),
        deepest_drawdown=found.deepest_drawdown,
        deepest_from=deepest and from_micros(deepest.peak),
        deepest_until=from_micros(deepest.recovered) if deepest and deepest.recovered is not None else None,
        longest_drawdown_days=longest.lasted(end) / DAY if longest else None,
        longest_is_over=longest.recovered is not None if longest else None,
    )


def _between(value: float | None, bounds: tuple[float, float] | None, scale: float = 1.0) -> figures.Between:
    if value is None or bounds is None:
        return figures.Between(value=value)
    return figures.Between(value=value, low=bounds[0] * scale, high=bounds[1] * scale)


def _market(account: Account, returns: Floats, held: Floats, steps: Steps) -> figures.MarketFigures:
    own = measure(returns, steps.per_year).total
    other = measure(held, steps.per_year).total
    moves = bool(np.ptp(returns) > 0 and np.ptp(held) > 0) if len(returns) > 1 else False
    spread = np.cov(returns, held) if moves else None
    return figures.MarketFigures(
        symbols=tuple(sorted(symbol for symbol, series in account.prices.items() if len(series.values))),
        performance=performance_figures(held, steps, account.seed),
        excess=_between(own - other, interval(excesses, returns, held, seed=account.seed)),
        beta=None if spread is None else float(spread[0, 1] / spread[1, 1]),
        correlation=None if spread is None else float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])),
    )


def _exposure(account: Account) -> figures.ExposureFigures:
    found = exposure(account.fills, account.equity, account.gross, account.net, account.start, account.end)
    is_long = account.end - account.start >= FEWEST_DAYS_FOR_A_YEAR * DAY
    return figures.ExposureFigures(
        turnover=found.turnover,
        turnover_per_year=found.turnover_per_year if is_long else None,
        gross=found.gross,
        net=found.net,
        largest_gross=found.largest_gross,
        time_in_market=found.time_in_market,
    )


def _conduct(one: Conduct) -> figures.ConductFigures:
    copies = one.heard + one.not_heard
    return figures.ConductFigures(
        agent=one.agent,
        role=one.role,
        decisions=_ordered(one.decisions),
        wishes=one.wishes,
        refused=_ordered(one.refused),
        said=one.said,
        throttled=one.throttled,
        share_throttled=one.throttled / one.said if one.said else None,
        signals=one.signals,
        signals_throttled=one.signals_throttled,
        heard=one.heard,
        not_heard=one.not_heard,
        share_spared=one.not_heard / copies if copies else None,
        calls=one.calls,
        calls_usd=one.calls_usd,
    )


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _costs(account: Account) -> figures.CostFigures:
    costs = account.costs
    known = (costs.fees, costs.spread, costs.slippage, costs.funding)
    made = float(profit_over_time(account.fills, account.prices, np.array([account.end], np.int64))[0])
    change = account.final_equity - account.capital
    return figures.CostFigures(
        fees=costs.fees,
        spread=costs.spread,
        slippage=costs.slippage,
        funding=costs.funding,
        liquidation=costs.liquidation,
        before_costs=change + sum(cost for cost in known if cost is not None),
        unexplained=change - made + (costs.funding or 0.0),
        cases=tuple(
            figures.CaseFigures(
                off=case.off,
                total=case.final_equity / account.capital - 1.0 if account.capital else 0.0,
                difference=case.difference,
                fills=case.fills,
            )
            for case in account.cost_cases
        ),
    )


def _curve(account: Account, steps: Steps, levels: Floats, held: Floats | None) -> figures.Curve:
    agents = sorted({fill.agent for fill in account.fills})
    return figures.Curve(
        micros=tuple(steps.edges.tolist()),
        equity=tuple(levels.tolist()),
        drawdown=tuple(drawdowns(returns_of(levels)).tolist()),
        buy_and_hold=() if held is None else tuple((held * account.capital).tolist()),
        gross_exposure=_at(account.gross, steps),
        net_exposure=_at(account.net, steps),
        profit_by_agent={name: _profit(account, name, steps) for name in agents},
    )


def _at(series: Series, steps: Steps) -> tuple[float, ...]:
    return tuple(series.at(steps.edges, before=0.0).tolist())


def _profit(account: Account, agent: str, steps: Steps) -> tuple[float, ...]:
    own = [fill for fill in account.fills if fill.agent == agent]
    return tuple(profit_over_time(own, account.prices, steps.edges).tolist())


def _provenance(account: Account) -> figures.Provenance:
    return figures.Provenance(
        code_version=account.code_version,
        seed=account.seed,
        bootstrap_draws=DRAWS,
        sources=tuple(
            figures.SourceFigures(
                name=source.name,
                kind=source.kind,
                identity=source.identity,
                rows=source.rows,
                refused=source.refused,
            )
            for source in account.sources
        ),
        parameters=dict(sorted(account.parameters.items())),
        settings=dict(sorted(account.settings.items())),
        roster=account.roster,
    )
