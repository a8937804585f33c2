"""Many runs: what each came to, which one the report is about, and what being chosen among many takes off it."""

from collections.abc import Iterable
from dataclasses import dataclass

from transforms.reporting.account import Account
from transforms.reporting.exposure import exposure
from transforms.reporting.figures import GridFigures, TrialFigures
from transforms.reporting.measuring import desk_levels
from transforms.reporting.performance import measure
from transforms.reporting.series import Floats, Steps, returns_of
from transforms.reporting.sharpe_certainty import deflated_sharpe, probabilistic_sharpe, sharpe_by_step


@dataclass(frozen=True, slots=True)
class _Run:
    account: Account | None
    """Kept for the best so far alone: a grid's accounts together would not fit."""
    name: str
    parameters: dict[str, str]
    returns: Floats
    steps: Steps
    turnover: float
    fees: float
    round_trips: int

    @property
    def rank(self) -> tuple[bool, float, float]:
        """By Sharpe ratio, then by return; what has no Sharpe ratio comes last."""
        sharpe = sharpe_by_step(self.returns)
        return (sharpe is not None, sharpe or 0.0, measure(self.returns, self.steps.per_year).total)


def choose(accounts: Iterable[Account]) -> tuple[Account, GridFigures | None]:
    """The account with the best Sharpe ratio, the first of equals, and the grid when there is more than one.

    The accounts are gone through once and one is kept. Trials are the parameter sets: those that are handed in, or as many
    as an account says (`trials`) where that is more; desks alike are no trials. Raises ValueError when there is none.
    """
    runs: list[_Run] = []
    best: _Run | None = None
    trials = 1
    for account in accounts:
        run = _run(account)
        trials = max(trials, account.trials)
        if best is None or run.rank > best.rank:
            best = run
        runs.append(_without_account(run))
    if best is None or best.account is None:
        raise ValueError("there is no run to report on")
    trials = max(trials, len({tuple(sorted(run.parameters.items())) for run in runs}))
    if len(runs) == 1 and trials == 1:
        return best.account, None
    sharpes = [sharpe for run in runs if (sharpe := sharpe_by_step(run.returns)) is not None]
    grid = GridFigures(
        trials=trials,
        chosen=best.name,
        deflated_sharpe=deflated_sharpe(best.returns, sharpes, trials),
        runs=tuple(_trial(run, sharpes, trials) for run in runs),
    )
    return best.account, grid


def _run(account: Account) -> _Run:
    steps = Steps.over(account.start, account.end)
    worked = exposure(account.fills, account.equity, account.gross, account.net, account.start, account.end)
    return _Run(
        account=account,
        name=account.name,
        parameters=dict(account.parameters),
        returns=returns_of(desk_levels(account, steps)),
        steps=steps,
        turnover=worked.turnover,
        fees=account.costs.fees,
        round_trips=len(account.round_trips),
    )


def _without_account(run: _Run) -> _Run:
    return _Run(
        None, run.name, run.parameters, run.returns, run.steps, run.turnover, run.fees, run.round_trips
    )


def _trial(run: _Run, sharpes: list[float], trials: int) -> TrialFigures:
    found = measure(run.returns, run.steps.per_year)
    return TrialFigures(
        name=run.name,
        parameters=run.parameters,
        total=found.total,
        sharpe=found.sharpe,
        probability_sharpe_above_zero=probabilistic_sharpe(run.returns),
        deflated_sharpe=deflated_sharpe(run.returns, sharpes, trials),
        deepest_drawdown=found.deepest_drawdown,
        turnover=run.turnover,
        fees=run.fees,
        round_trips=run.round_trips,
    )
