"""Writing a report: report.html to be read, report.json to be compared."""

from collections.abc import Iterable
from pathlib import Path

from contracts.backtest import Backtest, BacktestResult
from transforms.reporting.account import Account
from transforms.reporting.backtests import account_of
from transforms.reporting.figures import ReportFigures
from transforms.reporting.grids import choose
from transforms.reporting.measuring import report_figures
from transforms.reporting.page import html_page


def backtest_title(done: Backtest) -> str:
    """What the report on a backtest is called: after its data."""
    return f"Backtest on {', '.join(sorted({data.name for data in done.data}))}"


def write_report(output: Path, runs: Iterable[BacktestResult], title: str) -> Path:
    """Write the report on the runs of a backtest into the folder `output`; the path of its page.

    Of several runs it is about the one with the best Sharpe ratio, says how little that means among so many, and lists
    the others. The runs are gone through once. Raises ValueError when there is none.
    """
    account, grid = choose(account_of(run) for run in runs)
    return write_figures(output, report_figures(account, title, grid))


def write_account(output: Path, account: Account, title: str) -> tuple[Path, ReportFigures]:
    """Write the report on one account: the path of its page, and its figures."""
    figures = report_figures(account, title)
    return write_figures(output, figures), figures


def write_figures(output: Path, figures: ReportFigures) -> Path:
    """Write both files; equal figures give equal bytes."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "report.json").write_bytes(figures.to_json() + b"\n")
    page = output / "report.html"
    page.write_text(html_page(figures), "utf-8")
    return page
