"""The report job: a desk's month out of BigQuery's tables, as one page to be read and one row to be kept.

    python -m pipelines.report --month 2024-01 --desk main --output january/    # from the tables; writes the summary row
    python -m pipelines.report --backtest results/                              # the page of a backtest's runs, anew

It runs once and ends. What it asks for is counted by BigQuery and some thousand rows large, so it needs no Beam.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import ValidationError

from contracts.backtest import Backtest, BacktestResult
from contracts.model import Contract
from contracts.refusals import describe
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from contracts.time import WallClock
from pipelines.reporting.errors import ReportError

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_Read = TypeVar("_Read", bound=Contract)

app = typer.Typer(
    name="report",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.command(
    epilog="Examples: [bold]python -m pipelines.report --month 2024-01[/bold]; "
    "[bold]python -m pipelines.report --month 2024-01 --desk main --project my-project --output january[/bold]; "
    "[bold]python -m pipelines.report --backtest results[/bold]. "
    "How to read it, and every formula: docs/report.md."
)
def report(
    month: Annotated[str | None, typer.Option(help="The calendar month (UTC), as 2024-01.")] = None,
    backtest: Annotated[
        Path | None, typer.Option(help="Instead: the folder that pipelines.backtest wrote its runs to.")
    ] = None,
    desk: Annotated[
        str | None, typer.Option(help="The desk.", show_default="SAPPHIRE_DESK, else main")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html and report.json.",
            show_default="reports/DESK-MONTH, or that of --backtest",
        ),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(help="Google Cloud project of the tables.", show_default="GOOGLE_CLOUD_PROJECT"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="BigQuery dataset of the tables.", show_default="SAPPHIRE_DATASET, else sapphire"),
    ] = None,
    summary: Annotated[bool, typer.Option(help="Write the month's row to the table desk_months.")] = True,
) -> None:
    """Say what a desk made, against what, and how sure that is: report.html to be read, report.json to be compared.

    A live or paper desk's month is read from BigQuery's tables, or from the emulator of BIGQUERY_EMULATOR_HOST. Its
    summary row in desk_months is replaced when the month is reported on again. The same tables give the same bytes.
    """
    from rich.console import Console

    if (month is None) == (backtest is None):
        raise ReportError("say either --month 2024-01 or --backtest FOLDER")
    if backtest is not None:
        page = report_on_backtest(backtest, output or backtest)
        told = ""
    else:
        page, told = _report_on_month(month or "", desk, output, project, dataset, summary)
    console = Console(soft_wrap=True)
    if told:
        console.print(told, markup=False, highlight=False)
    console.print(f"{page}", markup=False, highlight=False)


def report_on_backtest(folder: Path, output: Path) -> Path:
    """The page of the runs in a backtest's folder, as the backtest itself wrote it; raises `ReportError` without them."""
    from transforms.reporting.writing import backtest_title, write_report

    index = folder / "result.json"
    if not index.exists():
        raise ReportError(f"there is no {index}: `python -m pipelines.backtest --output {folder}` makes one")
    done = _read(Backtest, index)
    runs = (_read(BacktestResult, folder / "runs" / f"{run.run}.json") for run in done.runs)
    return write_report(output, runs, backtest_title(done))


def _read(model: type[_Read], path: Path) -> _Read:
    try:
        return model.from_json(path.read_bytes())
    except FileNotFoundError:
        raise ReportError(f"{path} is missing: run the backtest again, it makes what is not there") from None
    except ValidationError as error:
        raise ReportError(
            f"{path} is of another version ({describe(error)}): run the backtest again"
        ) from None


def _report_on_month(
    text: str, desk: str | None, output: Path | None, project: str | None, dataset: str | None, summary: bool
) -> tuple[Path, str]:
    from pipelines.reporting.desk_tables import DeskTables
    from pipelines.reporting.month import Month
    from pipelines.reporting.month_account import month_account
    from pipelines.reporting.summary import desk_month, write_summary
    from transforms.reporting.writing import write_account

    settings = Settings()
    now = WallClock().now()
    month = Month.read(text, now)
    name = desk or settings.desk
    with _client(project or settings.project) as client:
        tables = DeskTables(client, dataset or settings.dataset, name, month.start, month.end)
        account = month_account(tables, month, _roles(settings, name), _code_version())
        title = f"Desk {name}, {month.start:%B %Y}"
        page, figures = write_account(output or Path("reports") / f"{name}-{month.name}", account, title)
        if summary:
            write_summary(tables, desk_month(figures, month, now))
    return page, figures.verdict


@contextmanager
def _client(project: str) -> "Iterator[Client]":
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud.bigquery import Client

    # The emulator asks for nobody's credentials, and the client would look for some all the same.
    emulated = AnonymousCredentials() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None
    try:
        client = Client(project=project, credentials=emulated)
    except DefaultCredentialsError:
        raise ReportError(
            "there are no Google credentials: run `gcloud auth application-default login`, "
            "or set BIGQUERY_EMULATOR_HOST to ask the local stack's tables"
        ) from None
    with client:
        yield client


def _roles(settings: Settings, desk: str) -> Mapping[str, str]:
    """The roster's agents and their roles; nobody's when the roster is another desk's."""
    roster = read_roster(settings.roster)
    return {profile.agent: str(profile.role) for profile in roster.agents} if roster.desk == desk else {}


def _code_version() -> str:
    try:
        return version("sapphire-desk")
    except PackageNotFoundError:
        return ""


def main() -> None:
    """The `python -m pipelines.report`; user errors are one sentence and exit code 2."""
    try:
        app(prog_name="python -m pipelines.report")
    except (ReportError, RosterError) as error:
        sys.stderr.write(f"report: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
