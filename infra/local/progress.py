"""What the terminal shows while the desk trades: a live table on a screen, else plain lines."""

import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.local.accounting import Balance
from infra.local.evidence import Evidence
from infra.local.summary import quantiles

LINE_EVERY_SECONDS = 5.0


def headline(evidence: Evidence) -> dict[str, str]:
    """What one wants to see first, by its name on the screen."""
    counts = evidence.counts
    shown = {
        "events": evidence.flow("replay", "out"),
        "snapshots": counts.get("rows:snapshots", 0),
        "messages": counts.get("rows:messages", 0),
        "throttled": counts.get("throttled", 0),
        "delivered": counts.get("deliveries", 0),
        "suppressed": counts.get("suppressed", 0),
        "decisions": counts.get("rows:decisions", 0),
        "orders": counts.get("rows:orders", 0),
        "fills": counts.get("fills", 0),
    }
    figures = {name: f"{count:,}" for name, count in shown.items()}
    figures["equity"] = "-" if evidence.equity is None else f"{evidence.equity:,.2f} USDT"
    return figures


def latencies(evidence: Evidence) -> str:
    """Each measured latency with its quantiles."""
    found = quantiles(evidence.latency_ms)
    return ", ".join(
        f"{name.replace('_', ' ')} p50 {sample['p50']:.0f} p99 {sample['p99']:.0f} ms"
        for name, sample in found.items()
    )


def stage_table(accounts: Mapping[str, Balance]) -> Table:
    """The accounts as a table; what does not balance is told in its last column."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("stage")
    for name in ("in", "out", "refused", "held", "unaccounted"):
        table.add_column(name, justify="right")
    for stage, account in accounts.items():
        figures = (account.entered, account.left, account.refused, account.held)
        missing = Text(f"{account.difference:+,}", "red") if account.difference else Text("")
        table.add_row(stage, *(f"{figure:,}" for figure in figures), missing)
    return table


class Progress:
    """Tells how the run goes. As a context manager it owns the screen's lower part while it is open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Redrawn by us alone: a thread that draws would be one more that a fork could catch at a bad moment.
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._next_line = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text)

    def starting(self, ready: Collection[str], names: Sequence[str], seconds: float) -> None:
        """The stack on its way up."""
        marks = Text("  ").join(Text(name, "green" if name in ready else "dim") for name in names)
        self._draw(Group(Text(f"starting, {seconds:.0f} s: {len(ready)} of {len(names)} parts ready"), marks))

    def trading(self, evidence: Evidence, accounts: Mapping[str, Balance], seconds: float, note: str) -> None:
        """The desk at work."""
        figures = headline(evidence)
        told = latencies(evidence)
        if self._live is None:
            if time.monotonic() >= self._next_line:
                self._next_line = time.monotonic() + LINE_EVERY_SECONDS
                line = "  ".join(f"{name} {figure}" for name, figure in figures.items())
                self._console.print(f"{seconds:5.0f} s  {line}{'  ' + told if told else ''}", highlight=False)
            return
        head = Table.grid(padding=(0, 3))
        for _ in figures:
            head.add_column(justify="right")
        head.add_row(*(Text(name, "dim") for name in figures))
        head.add_row(*(Text(figure, "bold") for figure in figures.values()))
        self._draw(
            Group(Text(f"{note}  {seconds:.0f} s", "cyan"), head, Text(told, "dim"), stage_table(accounts))
        )

    def _draw(self, content: RenderableType) -> None:
        if self._live:
            self._live.update(content, refresh=True)
