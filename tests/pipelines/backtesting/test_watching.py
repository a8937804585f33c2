"""The table of the runs that ends a backtest on the screen."""

from decimal import Decimal

import pytest

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
    run = RunSummary(
        run="main.base", desk="main", parameter_set="base", parameters={}, final_equity=Decimal(10_000) + Decimal(net),
        net=Decimal(net), fees=Decimal(0), traded_value=Decimal(0), orders=1, fills=1, round_trips=0,
    )  # fmt: skip
    done = Backtest(code_version="test", data=(), from_micros=0, to_micros=1, trials=1, seed=0, runs=(run,))
    assert list(as_table(done).columns[2].cells) == [share]
