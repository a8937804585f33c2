"""`sapphire topics`: what the jobs read and publish to."""

import typer

app = typer.Typer(
    name="topics",
    help="Pub/Sub topics and subscriptions.",
    epilog="Example: [bold]sapphire topics create[/bold]",
    no_args_is_help=True,
)


@app.callback()
def _topics() -> None:
    """Pub/Sub topics and subscriptions."""


@app.command(epilog="Example: [bold]GOOGLE_CLOUD_PROJECT=my-project sapphire topics create[/bold]")
def create() -> None:
    """Create the topics and subscriptions of the desk that are not there yet.

    In the project of GOOGLE_CLOUD_PROJECT, or at the emulator of PUBSUB_EMULATOR_HOST.
    """
    from rich.console import Console

    from contracts.roster import read_roster
    from contracts.settings import Settings
    from infra.local import topics

    settings = Settings()
    made = topics.create(settings.project, topics.subscriptions_of(read_roster(settings.roster)))
    Console(soft_wrap=True).print(
        f"{settings.project}: {made.of_topics} topics ({made.topics} new), "
        f"{made.of_subscriptions} subscriptions ({made.subscriptions} new)"
    )
