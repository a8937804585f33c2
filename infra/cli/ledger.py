"""`sapphire ledger`: the order ledger's tables, backups and checks."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="ledger",
    help="The order ledger: migrate, back up, restore, verify.",
    epilog="Example: [bold]sapphire ledger backup monday.db[/bold]",
    no_args_is_help=True,
)

Url = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the ledger.", show_default="SAPPHIRE_LEDGER_URL")
]


@app.command(
    epilog="Example: [bold]sapphire ledger migrate --url postgresql+psycopg://desk@localhost/ledger[/bold]"
)
def migrate(url: Url = None) -> None:
    """Bring the ledger's tables to the form that this version writes; stop the service before."""
    from execution.ledger.connection import connect
    from execution.ledger.migration import migrate as bring

    engine = connect(_url(url))
    found, head = bring(engine)
    engine.dispose()
    _say(
        f"the ledger is of revision {head}"
        + (" already" if found == head else f", before: {found or 'none'}")
    )


@app.command(epilog="Example: [bold]sapphire ledger backup monday.db[/bold]")
def backup(
    file: Annotated[Path, typer.Argument(help="The new file: an SQLite ledger.")], url: Url = None
) -> None:
    """Copy the ledger of this moment to a file and check the copy; the service may go on."""
    from execution.ledger.backup import back_up

    copied = back_up(_url(url), file)
    _say(f"{copied.orders} orders written to {file}; digest {copied.state_hash}")


@app.command(
    epilog="Example: [bold]sapphire ledger restore monday.db --url sqlite:///.sapphire/ledger.db[/bold]"
)
def restore(
    file: Annotated[Path, typer.Argument(help="A backup, or any SQLite ledger.")], url: Url = None
) -> None:
    """Copy a backup to an empty ledger, of SQLite or PostgreSQL, and check it."""
    from execution.ledger.backup import restore as bring_back

    copied = bring_back(file, _url(url))
    _say(f"{copied.orders} orders restored from {file}; digest {copied.state_hash}")


@app.command(epilog="Example: [bold]sapphire ledger verify[/bold]")
def verify(url: Url = None) -> None:
    """Compare every order and position with its fills, from the first one on."""
    from execution.ledger.ledger import Ledger

    ledger = Ledger.open(_url(url))
    ledger.verify(from_start=True)
    _say(f"the ledger agrees with itself; digest {ledger.state_hash()}")
    ledger.close()


def _url(url: str | None) -> str:
    from contracts.settings import Settings

    return url or Settings().ledger_url


def _say(text: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True).print(text, markup=False, highlight=False)
