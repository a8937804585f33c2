"""The table of the runs that ends a backtest on the screen."""

from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from contracts.backtest import Backtest, RunSummary
from pipelines.backtesting.watching import as_table


@pytest.mark.parametrize(
    ("net", "share"),
    [
        ("-0.15", "\u22120.0015\u202f%"),
        ("0.15", "+0.0015\u202f%"),
        ("0", "0.00\u202f%"),
        ("-321", "\u22123.21\u202f%"),
    ],
)
def test_the_smallest_loss_is_seen(net: str, share: str) -> None:
    assert list(as_table(backtest(run("main.base", net))).columns[2].cells) == [share]


@pytest.mark.parametrize(
    ("net", "amount"),
    [
        ("-0.0004", "-0.0004"),
        ("-0.0099", "-0.010"),
        ("-0.0", "0.00"),
        ("-355.004", "-355.00"),
        ("1234.5", "1,234.50"),
    ],
)
def test_a_net_loss_is_one_however_small(net: str, amount: str) -> None:
    assert list(as_table(backtest(run("main.base", net))).columns[1].cells) == [amount]


def test_the_best_run_is_first_and_brackets_are_shown() -> None:
    shown = StringIO()
    better, worse = run("main.b", "2", **{"roster.note": "[red]"}), run("main.a", "1")
    Console(file=shown, width=200).print(as_table(backtest(worse, better)))
    cells = [line.split("│")[1:-1] for line in shown.getvalue().split("\n") if "│" in line]
    assert [(row[0].strip(), row[-1].strip()) for row in cells] == [
        ("main.b", "roster.note [red]"),
        ("main.a", ""),
    ]


def run(name: str, net: str, **parameters: str) -> RunSummary:
    return RunSummary(
        run=name, desk="main", parameter_set="base", parameters=parameters, final_equity=Decimal(10_000) + Decimal(net),
        net=Decimal(net), fees=Decimal(0), traded_value=Decimal(0), orders=1, fills=1, round_trips=0,
    )  # fmt: skip


def backtest(*runs: RunSummary) -> Backtest:
    return Backtest(code_version="test", data=(), from_micros=0, to_micros=1, trials=1, seed=0, runs=runs)
