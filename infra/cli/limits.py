"""`sapphire limits`: the file of the desk's limits."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="limits",
    help="The file of the desk's limits: what is in force by default, and whether a file of yours can be used.",
    epilog="Example: [bold]sapphire limits show > my-limits.yaml[/bold]",
    no_args_is_help=True,
)


@app.callback()
def _limits() -> None:
    """The desk's limits: shown and checked here, changed while it runs by `sapphire control limits`."""


@app.command(epilog="Example: [bold]sapphire limits show > my-limits.yaml[/bold]")
def show(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file of limits.", show_default="the packaged one, or SAPPHIRE_LIMITS"),
    ] = None,
) -> None:
    """Write every limit with its unit and value, as a file that can be edited and used."""
    from contracts.risk.limits_file import read_limits, written
    from contracts.settings import Settings

    typer.echo(written(read_limits(file or Settings().limits)), nl=False)


@app.command(epilog="Example: [bold]sapphire limits check my-limits.yaml[/bold]")
def check(file: Annotated[Path, typer.Argument(help="A file of limits.")]) -> None:
    """Say whether a file can be used, and in what it departs from the defaults."""
    from contracts.risk.limits import Limits
    from contracts.risk.limits_file import read_limits

    found, usual = read_limits(file).model_dump(), Limits().model_dump()
    departures = [
        f"{name} {value} instead of {usual[name]}" for name, value in found.items() if value != usual[name]
    ]
    typer.echo(f"{file} can be used: {', '.join(departures) or 'all limits are the defaults'}")
