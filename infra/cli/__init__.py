"""The `sapphire` command: every subcommand's help has an example; user errors are one sentence."""

import sys

import typer

from infra.cli.failures import told_to_the_user

app = typer.Typer(
    name="sapphire",
    help="A trading desk of AI agents that runs as streaming dataflow.",
    epilog="Example: [bold]sapphire run --for 60 --summary s.json[/bold]",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _assemble() -> None:
    """Bring the subcommands in; each loads what it needs only when it is called, so that --help is quick."""
    from infra.cli import (
        bigquery,
        control,
        datasets,
        endpoint,
        feed,
        ledger,
        paper_exchange,
        protection,
        run,
        topics,
        version,
    )
    from infra.cli import limits as limits_of_the_desk

    app.command(epilog=run.EXAMPLE)(run.run)
    app.command(epilog=feed.EXAMPLE)(feed.feed)
    app.add_typer(datasets.app)
    app.add_typer(bigquery.app)
    app.add_typer(topics.app)
    app.add_typer(endpoint.app)
    app.add_typer(ledger.app)
    app.add_typer(limits_of_the_desk.app)
    app.add_typer(control.app)
    app.command("paper-exchange", epilog=paper_exchange.EXAMPLE)(paper_exchange.paper_exchange)
    app.command(epilog=protection.KILL)(protection.kill)
    app.command(epilog=protection.RELEASE)(protection.release)
    app.command(epilog=version.EXAMPLE)(version.version)


_assemble()


def main() -> None:
    """Run the command line; what the user can put right ends with one sentence and exit code 2."""
    with told_to_the_user():
        app(prog_name="sapphire")
    sys.exit(0)
