"""`sapphire bigquery`: schemas, tables, and a look into them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.failures import UsageError
from infra.cli.run import STATE_DIR

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

app = typer.Typer(
    name="bigquery",
    help="BigQuery schemas, tables and views.",
    epilog="Example: [bold]sapphire bigquery query 'SELECT agent, side FROM orders LIMIT 5'[/bold]",
    no_args_is_help=True,
)


@app.command(epilog="Example: [bold]sapphire bigquery schemas[/bold]")
def schemas(
    folder: Annotated[
        Path | None, typer.Option(help="Where to write them.", show_default="infra/bigquery/schemas")
    ] = None,
) -> None:
    """Write each table's definition as JSON: columns, partitioning, clustering, expiration."""
    from rich.console import Console

    from infra.bigquery.schemas import FOLDER, schema_files, write_schemas

    changed = write_schemas(folder or FOLDER)
    Console(soft_wrap=True).print(f"{len(schema_files())} tables; changed: {', '.join(changed) or 'nothing'}")


@app.command(
    epilog="Examples: [bold]GOOGLE_CLOUD_PROJECT=my-project sapphire bigquery create --location EU[/bold]; "
    "[bold]sapphire bigquery create --no-expiration[/bold] for replays of a day that is long past"
)
def create(
    expiration: Annotated[
        bool,
        typer.Option(
            help="Let old partitions expire. The rows of a replayed day of 2024 would be gone at once."
        ),
    ] = True,
    location: Annotated[
        str | None, typer.Option(help="Where a new dataset is kept.", show_default="US")
    ] = None,
) -> None:
    """Create the dataset, the day-partitioned clustered tables and the views; add columns that are new.

    In the project of GOOGLE_CLOUD_PROJECT, or at the emulator of BIGQUERY_EMULATOR_HOST. Nothing is ever
    dropped.
    """
    from google.cloud.bigquery import Client
    from rich.console import Console

    from contracts.settings import Settings
    from infra.bigquery.creation import create as bring

    settings = Settings()
    with Client(project=settings.project) as client:
        made = bring(client, settings.dataset, expiration=expiration, location=location)
    Console(soft_wrap=True).print(
        f"{settings.project}.{settings.dataset}: {len(made.tables)} new tables, "
        f"{len(made.columns)} new columns, {len(made.views)} views brought up to date"
    )


@app.command(
    epilog="Examples: [bold]sapphire bigquery query 'SELECT * FROM agent_activity_by_hour'[/bold]; "
    "[bold]sapphire bigquery query 'SELECT symbol, status FROM executions LIMIT 5' --project desk[/bold]"
)
def query(
    sql: Annotated[str, typer.Argument(help="Standard SQL; tables are those of the desk's dataset.")],
    project: Annotated[
        str | None, typer.Option(help="Ask BigQuery in this project.", show_default="the latest local run")
    ] = None,
    state_dir: Annotated[Path, typer.Option(help="The local run's state folder.")] = STATE_DIR,
    limit: Annotated[int, typer.Option(min=1, help="Rows to show at most.")] = 100,
) -> None:
    """Ask the tables: those of the local stack, while it runs or after it, or a project's own."""
    from google.api_core.exceptions import ClientError
    from google.cloud.bigquery import DatasetReference, QueryJobConfig
    from rich.console import Console
    from rich.table import Table

    from contracts.settings import Settings

    with _client(project, state_dir) as client:
        home = DatasetReference(client.project, Settings().dataset)
        # As a job: what is wrong with a query is told there, by the local emulator too.
        try:
            job = client.query(sql, job_config=QueryJobConfig(default_dataset=home))
            rows = job.result(max_results=limit)
        except ClientError as error:
            told = error.errors[0]["message"] if error.errors else error.message
            raise UsageError(told.splitlines()[0]) from None
        table = Table(*(column.name for column in rows.schema))
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


@contextmanager
def _client(project: str | None, state_dir: Path) -> Iterator["Client"]:
    from infra.local.bigquery import tables_of

    if project is None:
        with tables_of(state_dir) as client:
            yield client
        return
    from google.cloud.bigquery import Client

    if not project.strip():
        raise UsageError("--project needs a name")
    with Client(project=project) as client:
        yield client
