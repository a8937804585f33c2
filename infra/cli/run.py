"""`sapphire run`: the whole desk on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.failures import UsageError

EXAMPLE = (
    "Examples: [bold]sapphire run[/bold], until Ctrl-C or the recording is over; "
    "[bold]sapphire run --for 60 --speed 60 --summary s.json[/bold]; "
    "[bold]sapphire run --port execution=9080 --port gateway=9081[/bold]"
)

STATE_DIR = Path(".sapphire")

ALL_JOBS = "market,coordination,decisions,trading,export"


def run(
    seconds: Annotated[
        float | None,
        typer.Option(
            "--for",
            min=1,
            help="End after so many seconds of trading.",
            show_default="when the recording is over",
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=100_000,
            help="How many times as fast as it was recorded; 60 plays a minute a second.",
        ),
    ] = 60.0,
    summary: Annotated[
        Path | None, typer.Option(help="Write counts, rows, latency and accounts to this JSON file.")
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(help="What to replay.", show_default="the bars of 2024-01-15 in the project"),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="NAME=NUMBER", help="Another port for one listener; 0 is a free one."),
    ] = None,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Free ports for all that --port does not name.")
    ] = False,
    state_dir: Annotated[
        Path, typer.Option(help="Where the run keeps its state and logs; cleared by the next run.")
    ] = STATE_DIR,
    jobs: Annotated[str, typer.Option(help="Which jobs run, separated by commas.")] = ALL_JOBS,
) -> None:
    """Run the desk on this machine: emulators, model server, services, jobs, bots, and a replay.

    Simulated: the exchange (a paper venue), the market (a recording of a real day),
    the language models (documented trading rules stand in for them).
    Everything else is what runs in production, with the same clients.
    """
    from infra.local.ports import Ports

    ports = Ports.chosen(port or (), free_ports)
    chosen = _jobs(jobs)

    from rich.console import Console

    from contracts.settings import Settings
    from infra.local.run import Request, with_absolute_paths
    from infra.local.run import run as run_desk
    from infra.local.state import StateFolder

    settings = Settings()
    request = Request(
        state=StateFolder(state_dir),
        ports=ports,
        roster=settings.roster,
        project="sapphire-local",
        dataset=settings.dataset,
        jobs=chosen,
        speed=speed,
        recording=recording,
        seconds=seconds,
        summary=summary,
    )
    raise typer.Exit(run_desk(with_absolute_paths(request), Console()))


def _jobs(chosen: str) -> tuple[str, ...]:
    known = ALL_JOBS.split(",")
    names = tuple(name.strip() for name in chosen.split(",") if name.strip())
    strangers = [name for name in names if name not in known]
    if strangers or not names:
        raise UsageError(f"--jobs {chosen}: choose from {', '.join(known)}")
    return tuple(job for job in known if job in names)
