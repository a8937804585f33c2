"""`sapphire run`: the whole desk on this machine."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.failures import UsageError

if TYPE_CHECKING:
    from infra.local.forge.client import Forge
    from infra.local.language_model import LanguageModel
    from infra.local.state import StateFolder

EXAMPLE = (
    "Examples: [bold]sapphire run[/bold], until Ctrl-C or the recording is over; "
    "[bold]sapphire run --for 60 --speed 60 --summary s.json[/bold]; "
    "[bold]sapphire run --llm smollm2 --for 120[/bold]; "
    "[bold]sapphire run --port execution=9080 --port gateway=9081[/bold]"
)

STATE_DIR = Path(".sapphire")

RULE = "rule"

SPEED = 60.0

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
        float | None,
        typer.Option(
            min=0.01,
            max=100_000,
            help="How many times as fast as it was recorded; 60 plays a minute a second.",
            show_default="60; slower with --llm, which takes its time",
        ),
    ] = None,
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
    llm: Annotated[
        str,
        typer.Option(
            help="What answers for the agents that a chat model decides for: rule, the documented trading rules; or "
            "smollm2, a real but tiny language model on the CPU. Its judgement is worth nothing; the path is real."
        ),
    ] = RULE,
) -> None:
    """Run the desk on this machine: emulators, model server, services, jobs, bots, and a replay.

    Simulated: the exchange (a paper venue), the market (a recording of a real day),
    the language models (documented trading rules stand in for them, unless --llm chooses a real one).
    Everything else is what runs in production, with the same clients.
    """
    from infra.local.ports import Ports
    from infra.local.state import StateFolder

    ports = Ports.chosen(port or (), free_ports)
    chosen = _jobs(jobs)
    language_model = _language_model(llm)
    state = StateFolder(state_dir.absolute())
    with state.held(), _forge(state) as forge:
        # Imported while the forge is at its own imports.
        from rich.console import Console

        from contracts.settings import Settings
        from infra.local.run import Request
        from infra.local.run import run as run_desk

        settings = Settings()
        request = Request(
            state=state,
            ports=ports,
            roster=settings.roster,
            project="sapphire-local",
            dataset=settings.dataset,
            jobs=chosen,
            speed=speed or (language_model.speed if language_model else SPEED),
            language_model=language_model,
            recording=recording.absolute() if recording else None,
            seconds=seconds,
            summary=summary,
        )
        exit_code = run_desk(request, forge, Console())
    raise typer.Exit(exit_code)


def _forge(state: "StateFolder") -> "AbstractContextManager[Forge | None]":
    """The forge, which is started first of all because everybody waits for it; None where one cannot be."""
    from infra.local.ahead import AHEAD
    from infra.local.environment import LIBRARIES
    from infra.local.forge.client import CAN_FORK, Forge

    if not CAN_FORK:
        return nullcontext()
    # A forked process shows the forge's environment to the outside, not its own: the clock's path tells whose it is.
    return Forge(state.forge_log, AHEAD, {**LIBRARIES, "SAPPHIRE_CLOCK": str(state.clock)})


def _language_model(chosen: str) -> "LanguageModel | None":
    from agents.serving.backend import CannotServe
    from agents.serving.gguf import gguf_file
    from infra.local.language_model import LANGUAGE_MODELS, choices

    if chosen == RULE:
        return None
    if chosen not in LANGUAGE_MODELS:
        raise UsageError(f"--llm {chosen}: there is no such model; {choices()}")
    try:
        gguf_file(chosen)
    except CannotServe as error:
        raise UsageError(f"--llm {chosen}: {error}") from None
    return LANGUAGE_MODELS[chosen]


def _jobs(chosen: str) -> tuple[str, ...]:
    known = ALL_JOBS.split(",")
    names = tuple(name.strip() for name in chosen.split(",") if name.strip())
    strangers = [name for name in names if name not in known]
    if strangers or not names:
        raise UsageError(f"--jobs {chosen}: choose from {', '.join(known)}")
    return tuple(job for job in known if job in names)
