from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from contracts.backtest import Backtest, RunSummary
from pipelines.backtesting.watching import as_table


def run(name: str, net: str, **parameters: str) -> RunSummary:
    return RunSummary(
        run=name, desk="main", parameter_set="base", parameters=parameters, final_equity=Decimal(10_000) + Decimal(net),
        net=Decimal(net), fees=Decimal("0.16"), traded_value=Decimal(0), orders=22, fills=11, round_trips=2,
    )  # fmt: skip


def rows(*runs: RunSummary) -> list[list[str]]:
    """The table's cells as they are shown."""
    done = Backtest(code_version="1", data=(), from_micros=0, to_micros=0, trials=1, seed=0, runs=runs)
    shown = StringIO()
    Console(file=shown, width=200).print(as_table(done))
    return [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in shown.getvalue().split("\n")
        if "│" in line
    ]


@pytest.mark.parametrize(
    ("net", "amount", "share"),
    [
        ("-0.10", "-0.10", "-0.001%"),
        ("0.0004", "0.0004", "+0.000004%"),
        ("-0.0099", "-0.010", "-0.00010%"),
        ("0", "0.00", "+0.00%"),
        ("-0.0", "0.00", "+0.00%"),
        ("-355.004", "-355.00", "-3.55%"),
        ("1234.5", "1,234.50", "+12.34%"),
    ],
)
def test_a_loss_is_shown_as_one_however_small(net: str, amount: str, share: str) -> None:
    assert rows(run("main.base", net)) == [["main.base", amount, share, "0.16", "22", "11", "2", ""]]


def test_the_best_run_is_first_and_brackets_are_shown() -> None:
    better, worse = run("main.b", "2", **{"roster.note": "[red]"}), run("main.a", "1")
    assert [(cells[0], cells[-1]) for cells in rows(worse, better)] == [
        ("main.b", "roster.note [red]"),
        ("main.a", ""),
    ]
