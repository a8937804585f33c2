"""The backtest: one strategy over recorded quotes and trades, the desk over bars, and a grid on all cores.

On the shared recording (SAPPHIRE_RECORDING names another one) when there is one, and on the packaged sample. Every figure
but the grid's is CPU time of the process. Beside one strategy stands NautilusTrader at the same crossing of averages on the
same events in the same run, when it is installed, and the figure's name tells how many fills are the same. Orders are as
small as a lot: behind the quoted quantity ours trades half a spread further and theirs a tick. On bars the moments are the
same and the prices are not: ours pays half a spread beside the close, theirs trades at it. The grid is timed by the clock on
the wall, with one worker and with two.
"""

import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median

from rich.console import Console

from contracts.market_data import MarketKind
from contracts.risk.limits import Limits
from contracts.roster import read_roster
from contracts.settings import Settings
from execution.feed.datasets import DATASETS, DatasetError, get
from execution.matching.units import amount_of
from pipelines.backtest import options_of
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.making import few_collections, make_backtest
from pipelines.backtesting.moving_averages import MovingAverageCross
from pipelines.backtesting.plan import Wanted
from pipelines.backtesting.run import run_scenario
from pipelines.backtesting.scenario import Costs, Scenario
from pipelines.backtesting.strategy_run import StrategyRun, run_strategy
from pipelines.backtesting.tape import Tape, make_tape
from tests.benchmarks.figure import CannotRun, Figure, Figures

SHARED = Path(__file__).parents[3] / "shared" / "data" / "btcusdt-usdm-20240808.jsonl.gz"
ROUNDS = 5
LOT = Decimal("0.001")
ON_TICKS, ON_BARS = MovingAverageCross(300, 1_500), MovingAverageCross(5, 20)
SAMPLE_HOURS = DataSpec(to_micros=1_705_298_400_000_000)
"""The packaged sample until six in the morning."""
HOURLY_MONTH = (1_640_995_200_000_000, 1_643_673_600_000_000)
"""January 2022 of the hourly history."""
GRID = 64
GRID_END = "2024-01-15T01:00:00Z"
"""An hour of the packaged sample, a run."""


def measure() -> Figures:
    """One strategy, the desk, the grid."""
    figures: Figures = {}
    path = Path(os.environ.get("SAPPHIRE_RECORDING", SHARED))
    if path.is_file():
        figures |= _strategy("recorded quotes and trades", DataSpec((str(path),), (path.name,)), ON_TICKS)
    figures |= _strategy("the packaged sample, bars by the minute", DataSpec(), ON_BARS)
    figures |= _desk("the packaged sample, two symbols by the minute until 06:00", SAMPLE_HOURS)
    figures |= _grid()
    hourly = DATASETS["hourly-btc"]
    try:
        path = hourly.folder() if hourly.is_there() else get(hourly)
    except DatasetError as error:
        raise CannotRun(f"the hourly history is not to be had: {error}", figures) from None
    month = DataSpec((str(path),), (hourly.name,), *HOURLY_MONTH, note_flaws=True)
    return figures | _desk("the hourly history, January 2022", month)


# --- one strategy ---------------------------------------------------------------------------------------------------


def _strategy(name: str, spec: DataSpec, cross: MovingAverageCross) -> Figures:
    tape = _of_one_symbol(spec)
    events = len(tape.micros)
    run, seconds = _timed(lambda: _run(tape, cross))
    if run != _run(tape, cross, every_event=True):
        raise AssertionError("the events that matter gave other trades than all of them")
    _, all_of_it = _timed(lambda: _run(_of_one_symbol(spec), cross))
    beside = {}
    try:
        from tests.benchmarks.nautilus import run_peer
    except ModuleNotFoundError:
        compared = f"{len(run.wishes)} orders, {len(run.fills)} fills"
    else:
        peers = [run_peer(tape, cross, LOT) for _ in range(3)]
        beside = {"NautilusTrader": events / median(peer.seconds for peer in peers)}
        theirs = [(fill.micros, fill.sign, fill.price, fill.quantity) for fill in peers[0].fills]
        compared = _compared(run, theirs)
    return {
        f"{name}: one strategy ({compared})": Figure(events / seconds, "events/s", beside=beside),
        f"{name}: the same with its tape made of columns": Figure(events / all_of_it, "events/s"),
    }


def _run(tape: Tape, cross: MovingAverageCross, *, every_event: bool = False) -> StrategyRun:
    costs = Costs(funding=False, liquidation=False)
    return run_strategy(tape, "BTCUSDT", cross, LOT, costs, every_event=every_event)


def _of_one_symbol(spec: DataSpec) -> Tape:
    """The quotes and trades, or the bars, of BTCUSDT."""
    kinds = (MarketKind.QUOTE, MarketKind.TRADE, MarketKind.BAR)
    return make_tape(tuple(c for c in open_data(spec).columns if c.symbol == "BTCUSDT" and c.kind in kinds))


def _compared(run: StrategyRun, theirs: list[tuple[int, int, Decimal, Decimal]]) -> str:
    """How far the fills are the same: moment, side and quantity, and the price too where there are quotes."""
    ours = [(f.micros, f.sign, amount_of(f.price), amount_of(f.quantity)) for f in run.fills]
    alike = sum(one[:2] == other[:2] for one, other in zip(ours, theirs, strict=False))
    same = sum(one == other for one, other in zip(ours, theirs, strict=False))
    return (
        f"{len(run.wishes)} orders; fills {len(ours)}, theirs {len(theirs)}: "
        f"{alike} at the same moment, {same} at the same price"
    )


def _timed(work: Callable[[], StrategyRun]) -> tuple[StrategyRun, float]:
    """What came of it, and its CPU seconds: the median of some rounds after one that warms up."""
    result = work()
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return result, median(seconds)


# --- the desk -------------------------------------------------------------------------------------------------------


def _desk(name: str, spec: DataSpec) -> Figures:
    """The whole desk: seven agents, coordination, risk and venue, once the data has been read."""
    settings = Settings()
    scenario = Scenario(roster=read_roster(settings.roster), limits=Limits())
    open_data(spec)
    with few_collections():
        began = time.process_time()
        result = run_scenario(spec, scenario)
        seconds = time.process_time() - began
    told = f"the desk on {name} ({len(result.orders)} orders)"
    return {told: Figure(result.events / seconds, "bars/s")}


# --- the grid -------------------------------------------------------------------------------------------------------


def _grid() -> Figures:
    """So many parameter sets over an hour of the sample, by the clock on the wall: from the question to the result."""
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder) / "grid.yaml"
        values = ", ".join(str(round(0.01 + 0.0005 * number, 4)) for number in range(GRID))
        grid.write_text(f"parameters: {{limits.per_trade_share: [{values}]}}\n")
        wanted = Wanted(grid=grid, end=GRID_END)

        def timed(wanted: Wanted, workers: int, output: str) -> float:
            began = time.perf_counter()
            options = options_of("FnApiRunner", workers, [])
            make_backtest(wanted, str(Path(folder) / output), options, Console(quiet=True))
            return time.perf_counter() - began

        timed(Wanted(end=GRID_END), 1, "warm")  # whoever reads the data first reads it for all
        seconds = {workers: timed(wanted, workers, str(workers)) for workers in (1, 2)}
        one, two = ((Path(folder) / str(workers) / "result.json").read_bytes() for workers in (1, 2))
        if one != two:
            raise AssertionError("two workers gave another result than one")
    return {
        f"a grid of {GRID} on two workers": Figure(
            GRID / seconds[2] * 60, "runs/min", beside={"one worker": GRID / seconds[1] * 60}
        )
    }
