"""What was made by trading: by the desk, by each agent, in each symbol."""

from collections.abc import Sequence

import numpy as np

from transforms.reporting.account import Account
from transforms.reporting.figures import TradingFigures
from transforms.reporting.fills import Fill, profit_over_time
from transforms.reporting.performance import sharpe
from transforms.reporting.round_trips import RoundTrip, outcomes
from transforms.reporting.series import Floats, Steps


def of_desk(account: Account, steps: Steps) -> TradingFigures:
    """Everything together."""
    funding = sum(one.funding for one in account.conduct)
    return _figures("desk", account, steps, account.fills, account.round_trips, funding)


def by_agent(account: Account, steps: Steps) -> tuple[TradingFigures, ...]:
    """Of everyone who traded or is known, by name."""
    funding = {one.agent: one.funding for one in account.conduct}
    names = sorted({fill.agent for fill in account.fills} | funding.keys())
    return tuple(
        _figures(
            name,
            account,
            steps,
            [fill for fill in account.fills if fill.agent == name],
            [trip for trip in account.round_trips if trip.agent == name],
            funding.get(name, 0.0),
        )
        for name in names
    )


def by_symbol(account: Account, steps: Steps) -> tuple[TradingFigures, ...]:
    """Of every symbol that was traded, by name."""
    funding = account.funding_by_symbol
    return tuple(
        _figures(
            name,
            account,
            steps,
            [fill for fill in account.fills if fill.symbol == name],
            [trip for trip in account.round_trips if trip.symbol == name],
            None if funding is None else funding.get(name, 0.0),
        )
        for name in sorted({fill.symbol for fill in account.fills})
    )


def _figures(
    name: str,
    account: Account,
    steps: Steps,
    fills: Sequence[Fill],
    trips: Sequence[RoundTrip],
    funding: float | None,
) -> TradingFigures:
    made = profit_over_time(fills, account.prices, steps.edges)
    shares = made / account.capital if account.capital > 0 else np.zeros(len(made))
    ended = outcomes(trips)
    own = [fill for fill in fills if not fill.carried]
    net = float(made[-1]) + (funding or 0.0)
    return TradingFigures(
        name=name,
        net=net,
        share_of_capital=net / account.capital if account.capital > 0 else 0.0,
        fees=sum(fill.fee for fill in own),
        funding=funding,
        fills=len(own),
        traded_value=sum(fill.notional for fill in own),
        round_trips=ended.round_trips,
        hit_rate=ended.hit_rate,
        profit_factor=ended.profit_factor,
        mean_profit=ended.mean_profit,
        best=ended.best,
        worst=ended.worst,
        mean_hours=None if ended.mean_seconds is None else ended.mean_seconds / 3_600,
        sharpe=sharpe(np.diff(shares), steps.per_year),
        deepest_fall=_deepest_fall(shares),
    )


def _deepest_fall(shares: Floats) -> float:
    """The farthest below its highest point so far, which is 0 at least."""
    return float(np.max(np.maximum.accumulate(np.maximum(shares, 0.0)) - shares))
