"""The backtest: recorded data through the desk's own cores, many parameter sets side by side; tables and a report.

python -m pipelines.backtest --output out/                                        # the packaged sample
python -m pipelines.backtest --output out/ --input hourly-btc --grid grid.yaml    # six years, many parameter sets
"""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
)
from apache_beam.runners.runner import create_runner
from rich.console import Console

from contracts.backtest import Backtest
from pipelines.backtesting.errors import BacktestError, Interrupted
from pipelines.backtesting.files import Folder
from pipelines.backtesting.forked_runs import CAN_FORK
from pipelines.backtesting.interrupts import Interrupts
from pipelines.backtesting.making import LOCAL_RUNNER, make_backtest
from pipelines.backtesting.plan import Wanted
from pipelines.backtesting.watching import as_table
from pipelines.known_options import OptionError, check_options

EPILOG = """
[bold]Examples[/bold]

The packaged sample, a day of BTC and ETH by the minute:  python -m pipelines.backtest --output out/

Two hours of it:  ... --from 2024-01-15T06:00:00Z --to 2024-01-15T08:00:00Z

Your own data:  ... --input BTCUSDT-1m.csv.gz --input ETHUSDT-1m.parquet   (or a recording of raw streams, .jsonl.gz)

Six years by the hour, fetched once:  ... --input hourly-btc

Many parameter sets:  ... --grid grid.yaml   where grid.yaml holds   parameters: {limits.per_trade_share: [0.02, 0.05]}

What each cost is worth:  ... --costs-table        One change:  ... --set costs.taker_fee=0.0005
"""

console = Console(stderr=True)

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def options_of(runner: str, workers: int, more: list[str]) -> PipelineOptions:
    """Beam's options; on the local runner runs are made in `workers` processes, forked where that can be done.

    Raises `BacktestError` for a runner that is not to be had.
    """
    try:
        create_runner(runner)
    except (ValueError, ImportError, AttributeError, TypeError) as error:
        raise BacktestError(f"--runner {runner} cannot be had: {' '.join(str(error).split())}") from None
    options = PipelineOptions([f"--runner={runner}", *more])
    options.view_as(SetupOptions).save_main_session = False
    if options.view_as(StandardOptions).runner == LOCAL_RUNNER and workers > 1:
        direct = options.view_as(DirectOptions)
        direct.direct_running_mode = "in_memory" if CAN_FORK else "multi_processing"
        direct.direct_num_workers = workers
    return options


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def main(
    context: typer.Context,
    output: Annotated[
        str, typer.Option(help="Folder of the result; runs that are finished there are not made again.")
    ],
    input: Annotated[
        list[str] | None,
        typer.Option(
            help="Recording, bars (.csv, .csv.gz, .parquet), a folder of them, or a data set's name (hourly-btc, "
            "five-minute-march-2023), fetched when it is not there. Several are merged. [default: the packaged sample]"
        ),
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="The roster's YAML file. [default: the desk's own]")
    ] = None,
    limits: Annotated[Path | None, typer.Option(help="Limits, YAML. [default: the desk's own]")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Begin here: 2024-01-15, or with a time.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End before this.")] = None,
    grid: Annotated[Path | None, typer.Option(help="YAML of parameter sets; each is a run.")] = None,
    desks: Annotated[int, typer.Option(min=1, max=1_000, help="So many desks alike, each a run a set.")] = 1,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one parameter for all runs: timing.decision_ms=2000."),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Recorded answers of the models. [default: rules stand in for them]")
    ] = None,
    flaws: Annotated[
        str, typer.Option(help="Gaps and the like in bars: `error`, or `note` to go on and say so.")
    ] = "error",
    costs_table: Annotated[
        bool, typer.Option("--costs-table", help="Run again without each cost, to see what it is worth.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="What the report's random draws begin with.")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes of the local runner.")] = CORES,
    runner: Annotated[
        str, typer.Option(help="Any Beam runner; its options follow as they are.")
    ] = LOCAL_RUNNER,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
) -> None:
    """Run the desk over recorded data: the jobs' own cores, the agents, and the paper venue, in event time.

    Two runs give the same bytes in result.json. A parameter is named by its part: agents.<agent>.<field>, costs., limits.,
    market., operator., roster., timing. (docs/backtest.md lists them).
    """
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if flaws not in ("error", "note"):
        raise typer.BadParameter("choose error or note", param_hint="--flaws")
    wanted = Wanted(
        inputs=tuple(input or ()), roster=roster, limits=limits, start=start, end=end, grid=grid, desks=desks,
        changes=tuple(change or ()), answers=answers, note_flaws=flaws == "note", seed=seed,
        with_cost_cases=costs_table,
    )  # fmt: skip
    with Interrupts() as interrupts:
        try:
            check_options(context.args, [name for param in context.command.params for name in param.opts])
            done = make_backtest(wanted, output, options_of(runner, workers, context.args), console)
            page = write_page(output, done) if report else None
        except (BacktestError, OptionError) as error:
            _say(f"backtest: {error}", style="red")
            sys.exit(2)
        except Interrupted as stopped:
            _say(f"interrupted: {stopped}")
            interrupts.end()
        except KeyboardInterrupt:
            _say("interrupted: the same command goes on with what is finished")
            interrupts.end()
    console.print(as_table(done))
    _say(f"written to {output}" + (f", report in {page}" if page else ""))


def _say(text: str, style: str | None = None) -> None:
    """Tell the user a sentence as it is."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def write_page(output: str, done: Backtest) -> Path | None:
    """The report on the runs, in the output folder; None where that is not a local one."""
    if "://" in output:
        return None
    from transforms.reporting.writing import write_report  # loads a plotting library

    folder = Folder(output)
    names = ", ".join(sorted({data.name for data in done.data}))
    return write_report(Path(output), (folder.read_run(run.run) for run in done.runs), f"Backtest on {names}")


if __name__ == "__main__":
    app()
