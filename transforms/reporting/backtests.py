"""The account of a run of a backtest."""

from collections.abc import Mapping

import numpy as np

from contracts.backtest import AgentOutcome, BacktestResult
from transforms.reporting.account import Account, Conduct, CostCase, Costs, Source, StateChange
from transforms.reporting.fills import Fill
from transforms.reporting.round_trips import RoundTrip
from transforms.reporting.series import Series


def account_of(result: BacktestResult) -> Account:
    """What the report needs of the run."""
    curve = result.equity
    moments = np.array(curve.micros, np.int64)

    def column(values: tuple[float, ...]) -> Series:
        return Series(moments, np.array(values, np.float64))

    ended: dict[str, int] = {}
    for order in result.orders:
        ended[order.status] = ended.get(order.status, 0) + 1
    return Account(
        name=result.run,
        desk=result.desk,
        kind="backtest",
        start=result.from_micros,
        end=max(result.to_micros, result.from_micros + 1),
        capital=float(result.capital),
        final_equity=float(result.final_equity),
        equity=column(curve.equity),
        gross=column(curve.gross_exposure),
        net=column(curve.net_exposure),
        prices={
            series.symbol: Series(np.array(series.micros, np.int64), np.array(series.closes, np.float64))
            for series in result.prices
        },
        fills=tuple(
            Fill(
                moment=fill.micros,
                agent=fill.agent,
                symbol=fill.symbol,
                sign=fill.side.sign,
                quantity=float(fill.quantity),
                price=float(fill.price),
                fee=float(fill.fee),
            )
            for fill in result.fills
        ),
        round_trips=tuple(
            RoundTrip(
                agent=trip.agent,
                symbol=trip.symbol,
                sign=trip.side.sign,
                opened=trip.opened_micros,
                closed=trip.closed_micros,
                profit=float(trip.profit - trip.fees),
            )
            for trip in result.round_trips
        ),
        orders=ended,
        conduct=tuple(_conduct(agent) for agent in result.agents),
        costs=Costs(
            fees=float(result.costs.fees),
            spread=float(result.costs.spread),
            slippage=float(result.costs.slippage),
            funding=float(result.costs.funding),
            liquidation=float(result.costs.liquidation),
        ),
        funding_by_symbol={one.symbol: float(one.profit.funding) for one in result.symbols},
        cost_cases=tuple(
            CostCase(case.off, float(case.final_equity), float(case.difference), case.fills)
            for case in result.cost_cases
        ),
        states=tuple(StateChange(change.micros, change.state, change.told) for change in result.states),
        sources=tuple(
            Source(data.name, data.kind, f"sha256:{data.sha256}", data.rows, data.refused)
            for data in result.data
        ),
        parameters=result.parameters,
        settings=result.settings,
        roster=result.roster,
        code_version=result.code_version,
        seed=result.seed,
        trials=result.trials,
        notes=result.notes,
    )


def _conduct(agent: AgentOutcome) -> Conduct:
    return Conduct(
        agent=agent.agent,
        role=agent.role,
        decisions=agent.decisions,
        wishes=agent.wishes,
        refused=agent.refused,
        said=sum(agent.said.values()),
        throttled=_matching(agent.said, verdict="throttled"),
        signals=_matching(agent.said, of_class="signal"),
        signals_throttled=agent.said.get("signal/throttled", 0),
        heard=agent.heard,
        not_heard=agent.not_heard,
        calls=sum(agent.calls.values()),
        funding=float(agent.profit.funding),
    )


def _matching(said: Mapping[str, int], of_class: str = "", verdict: str = "") -> int:
    """The messages of a class, or with a verdict."""
    return sum(
        count
        for kind, count in said.items()
        if kind.partition("/")[0] == of_class or kind.partition("/")[2] == verdict
    )
