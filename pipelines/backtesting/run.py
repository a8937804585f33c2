"""One run: a scenario over data, from the first event to the last, and its result."""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext

import numpy as np
import pyarrow as pa

from contracts.backtest import (
    AgentOutcome,
    BacktestResult,
    PriceSeries,
    SymbolOutcome,
)
from contracts.market_data import MarketKind
from contracts.payloads import DeskState, Mark
from execution.exact import plain
from pipelines.backtesting.accounts import Accounts, costs_of, fills_of, orders_of
from pipelines.backtesting.code_identity import code_version
from pipelines.backtesting.collecting import Collected
from pipelines.backtesting.connections import connection_of
from pipelines.backtesting.data import DataSpec, MarketData, open_data
from pipelines.backtesting.desk_loop import DeskLoop, Observer
from pipelines.backtesting.market_log import MarketNews, market_news, settings_of
from pipelines.backtesting.paper_service import PaperService
from pipelines.backtesting.scenario import Scenario
from pipelines.backtesting.tape import tape_of
from transforms.market.history import history

Progress = Callable[[int], None]


def _in_silence(micros: int) -> None:
    """The progress of a run that nobody watches."""


def run_scenario(
    spec: DataSpec,
    scenario: Scenario,
    *,
    trials: int = 1,
    seed: int = 0,
    code: str | None = None,
    every_event: bool = False,
    progress: Progress = _in_silence,
    observer: Observer | None = None,
) -> BacktestResult:
    """Run a scenario over the data; raises `BacktestError`.

    `every_event` takes the venue through every event instead of those that matter: slower, and the same result. `code`
    is the version that the result names, by default that of this process.
    """
    data = open_data(spec)
    tape = tape_of(spec)
    collected = Collected(Decimal(str(scenario.roster.capital)))
    # Libraries change how the decimals of a thread round (ccxt does): a run is the same wherever it is made.
    with localcontext(Context()):
        service = PaperService(scenario, tape, data.bar_seconds, every_event=every_event)
        connection = connection_of(scenario.roster, scenario.answers)
        loop = DeskLoop(scenario, connection, service, collected, *([observer] if observer else []))
        news = market_news(spec, scenario.roster.desk, scenario.market)
        loop.run(news, int(tape.micros[-1]), progress)
    booked = service.booked
    prices = _prices(spec, data, scenario)
    fills = fills_of(booked)
    accounts = Accounts.of(booked, _last_marks(news))
    return BacktestResult(
        run=f"{scenario.roster.desk}.{scenario.name}",
        desk=scenario.roster.desk,
        parameter_set=scenario.name,
        parameters=scenario.parameters,
        settings=scenario.settings(),
        roster=scenario.roster.to_json().decode(),
        trials=trials,
        seed=seed,
        code_version=code or code_version(),
        data=data.identities,
        from_micros=int(tape.micros[0]),
        to_micros=int(tape.micros[-1]),
        capital=_decimal(scenario.roster.capital),
        final_equity=plain(collected.final_equity),
        profit=accounts.profit(),
        equity=collected.curve,
        prices=prices,
        fills=tuple(fills),
        round_trips=tuple(accounts.round_trips),
        orders=tuple(orders_of(booked)),
        agents=tuple(_agents(scenario, collected, accounts)),
        symbols=tuple(
            SymbolOutcome(symbol=symbol, profit=accounts.profit(symbol=symbol)) for symbol in data.symbols
        ),
        communication=collected.communication,
        costs=costs_of(fills, booked),
        states=tuple(collected.states),
        events=data.events,
        notes=tuple(_notes(data, scenario, collected, service)),
    )


def _agents(scenario: Scenario, collected: Collected, accounts: Accounts) -> list[AgentOutcome]:
    tallies = collected.tallies
    return [
        AgentOutcome(
            agent=profile.agent,
            role=profile.role,
            profit=accounts.profit(agent=profile.agent),
            asked=tallies.calls[profile.agent].total(),
            decisions=_sorted(tallies.decisions[profile.agent]),
            calls=_sorted(tallies.calls[profile.agent]),
            wishes=tallies.wishes[profile.agent],
            refused=_sorted(tallies.refused[profile.agent]),
            said=_sorted(tallies.said[profile.agent]),
            heard=tallies.heard[profile.agent],
            not_heard=tallies.not_heard[profile.agent],
        )
        for profile in scenario.roster.agents
    ]


def _last_marks(news: Sequence[MarketNews]) -> dict[str, Decimal]:
    """What each symbol is valued at in the end, as the desk values it."""
    last: dict[str, Decimal] = {}
    for item in news:
        for message in item.marks:
            if isinstance(message.payload, Mark):
                last[message.payload.symbol] = message.payload.price
    return last


def _prices(spec: DataSpec, data: MarketData, scenario: Scenario) -> tuple[PriceSeries, ...]:
    """The closes of each symbol's bars: the venue's, or those made of its trades, or the middle of its quotes."""
    seconds = settings_of(spec, scenario.market).snapshot_seconds
    found: dict[str, PriceSeries] = {}
    for columns in sorted(data.columns, key=lambda c: _PRICED_BY.get(c.kind, 9)):
        if columns.kind not in _PRICED_BY or columns.symbol in found:
            continue
        if columns.kind is MarketKind.BAR:
            micros = columns.rows.column("event_time").view(pa.int64()).to_numpy()
            closes = columns.rows.column("close").to_numpy()
        elif columns.kind is MarketKind.TRADE:
            bars = history(columns.rows, None, seconds)
            micros, closes = bars.opened + seconds * 1_000_000, bars.window.close
        else:
            micros = columns.rows.column("event_time").view(pa.int64()).to_numpy()
            closes = (columns.rows.column("bid").to_numpy() + columns.rows.column("ask").to_numpy()) / 2
            last = np.flatnonzero(np.diff(micros // (seconds * 1_000_000), append=-1))
            micros, closes = micros[last], closes[last]
        found[columns.symbol] = PriceSeries(
            symbol=columns.symbol, micros=tuple(micros.tolist()), closes=tuple(closes.tolist())
        )
    return tuple(found[symbol] for symbol in sorted(found))


_PRICED_BY = {MarketKind.BAR: 0, MarketKind.TRADE: 1, MarketKind.QUOTE: 2}


def _notes(data: MarketData, scenario: Scenario, collected: Collected, service: PaperService) -> list[str]:
    notes = list(data.notes)
    if not any(columns.kind in (MarketKind.QUOTE, MarketKind.BOOK_SNAPSHOT) for columns in data.columns):
        notes.append(
            "The data has no quotes: orders trade at the last known price, "
            f"{float(scenario.costs.half_spread) * 1e4:g} basis points to the worse side, and deeper prices behind it."
        )
    if data.bar_seconds:
        notes.append(
            "On bars orders trade at the last close and half a spread until the next bar is told: latency of less than a "
            "bar makes no price worse here. In a gap nothing trades at a close that is older than a bar is long."
        )
    if not any(columns.kind is MarketKind.MARK for columns in data.columns) and scenario.costs.funding:
        notes.append(
            f"The data has no funding rates: {float(scenario.costs.funding_rate):.4%} every eight hours is taken."
        )
    if not scenario.answers:
        notes.append(
            "Trading rules stand in for the models: nothing here tells how the models would have decided."
        )
    strangers = sorted(set(data.symbols) - set(scenario.roster.symbols))
    if strangers:
        notes.append(f"Nobody on the roster trades {', '.join(strangers)}.")
    halted = [change for change in collected.states if change.state is DeskState.HALTED]
    if halted and collected.states[-1].state is DeskState.HALTED:
        notes.append(
            "The desk was halted by its drawdown and never released: from then on it only reduced positions."
        )
    if collected.dead_letters:
        notes.append(f"{collected.dead_letters} questions to agents had no usable answer and count as HOLD.")
    if service.booked.liquidations:
        notes.append(f"The venue liquidated an agent's account {len(service.booked.liquidations)} times.")
    return notes


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _decimal(amount: float) -> Decimal:
    return plain(Decimal(str(amount)))
