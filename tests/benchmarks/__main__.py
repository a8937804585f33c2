"""Run the benchmarks: `python -m tests.benchmarks --section throttle --out figures.json`."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from tests.benchmarks.figure import CannotRun, Figures
from tests.benchmarks.sections import SECTIONS, load

console = Console()


def main(
    section: Annotated[str | None, typer.Option(help=f"Run only this one: {', '.join(SECTIONS)}.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every figure to this JSON file.")] = None,
) -> None:
    """Measure, and print every figure beside what its peers reach in the same run.

    Example: python -m tests.benchmarks --section throttle --out figures.json
    """
    if section is not None and section not in SECTIONS:
        raise typer.BadParameter(f"no section is called {section!r}; there are: {', '.join(SECTIONS)}")
    if out is not None and not out.parent.is_dir():
        raise typer.BadParameter(f"the folder {out.parent} of --out does not exist")
    results: dict[str, Figures] = {}
    failed = False
    for name in [section] if section else list(SECTIONS):
        try:
            with console.status(f"measuring {name}"):
                results[name] = load(name)()
        except CannotRun as reason:
            part = " whole" if reason.measured else ""
            console.print(f"[yellow]{name}[/yellow] cannot run{part}: {reason}", highlight=False)
            if reason.measured:
                results[name] = reason.measured
                console.print(as_table(name, reason.measured))
        except Exception as error:  # noqa: BLE001 - one section's failure must not take the others' figures
            failed = True
            console.print(f"[red]{name}[/red] failed: {type(error).__name__}: {error}", highlight=False)
        else:
            console.print(as_table(name, results[name]))
    if out is not None:
        out.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
        console.print(f"written to {out}")
    if failed:
        raise typer.Exit(1)


def as_table(section: str, figures: Figures) -> Table:
    """A section's figures, a row each for ours and for every peer, with ours as a multiple of the peer's."""
    table = Table("figure", "value", "unit", "ours / peer", title=section, title_justify="left")
    for column in (1, 3):
        table.columns[column].justify = "right"
    for name, figure in figures.items():
        table.add_row(f"[bold]{name}[/bold]", readable(figure.value), figure.unit, "")
        for peer, value in figure.beside.items():
            ratio = f"{figure.value / value:.2f}x" if value else "-"
            table.add_row(f"  beside {peer}", readable(value), figure.unit, ratio)
    return table


def readable(value: float) -> str:
    """Three significant places below a thousand, whole numbers above."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    typer.run(main)
