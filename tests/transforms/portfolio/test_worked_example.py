"""The rebalance that docs/portfolio.md walks through: the real roster, six hours of a recorded day, a few trades.

The prices are the closes of the sample's one-minute bars; the fills are near them, with a fee of 0.035 %.
"""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.controls import Goal
from contracts.message import Message
from contracts.risk.limits import Limits
from contracts.roster import read_roster
from contracts.rows.trading import AllocationRow
from contracts.settings import Settings
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    Player,
    control,
    mark,
    order_id,
    proposal,
    rows,
    said,
    step,
)
from transforms.core import Output
from transforms.portfolio.desk import Desk

PROJECT = Path(__file__).parents[3]
SAMPLE = PROJECT / "execution" / "feed" / "samples" / "2024-01-15"
MINUTES = 6 * 60


def closes(symbol: str) -> list[Decimal]:
    with gzip.open(SAMPLE / f"{symbol}-1m.csv.gz", "rt") as lines:
        return [Decimal(line.split(",")[4]) for line in lines if line[0].isdigit()]


def trade(minute: int, agent: str, symbol: str, side: str, quantity: str, price: Decimal) -> Message:
    fee = (price * Decimal(quantity) * Decimal("0.00035")).quantize(Decimal("1e-8"))
    fill = (quantity, str(price.quantize(Decimal("0.01"))), str(fee))
    order = order_id(f"{agent}-{minute}")
    return step(60 * minute + 61, order, 1, "FILLED", agent, symbol, side, quantity, fill)


def log() -> Iterator[Message]:
    """From the first minute deepseek-v3 holds 0.01 BTC, fingpt-alpha 0.2 ETH, and qwen-7b is short 0.2 ETH.

    hummingbot-mm buys and sells 0.001 BTC in turn, every ten minutes, 0.06 % better than the close. Ten minutes before
    the end profit-maximizer proposes to buy BTC.
    """
    btc, eth = closes(BTC), closes(ETH)
    for minute in range(MINUTES):
        yield mark(60 * minute + 60, BTC, str(btc[minute]), volatility=0.020)
        yield mark(60 * minute + 60, ETH, str(eth[minute]), volatility=0.025)
        if minute == 0:
            yield trade(minute, "deepseek-v3", BTC, "BUY", "0.01", btc[minute])
            yield trade(minute, "qwen-7b", ETH, "SELL", "0.2", eth[minute])
            yield trade(minute, "fingpt-alpha", ETH, "BUY", "0.2", eth[minute])
        if minute % 20 == 5:
            yield trade(minute, "hummingbot-mm", BTC, "BUY", "0.001", btc[minute] * Decimal("0.9994"))
        if minute % 20 == 15:
            yield trade(minute, "hummingbot-mm", BTC, "SELL", "0.001", btc[minute] * Decimal("1.0006"))
        if minute == MINUTES - 10:
            yield proposal(60 * minute + 62, "p", "profit-maximizer", BTC, "BUY", 1.0, 0.8)


@pytest.fixture(scope="module")
def rebalanced() -> list[Output]:
    """What the desk says when the goal is set after six hours."""
    play = Player(Desk("main", read_roster(Settings().roster), Limits()))
    play(*log())
    return play(control(60 * MINUTES + 62, "goal", goal=Goal.CONSISTENT_RETURNS))


def test_the_page_tells_what_the_desk_does(rebalanced: list[Output]) -> None:
    page = (PROJECT / "docs" / "portfolio.md").read_text()
    for row in rows(AllocationRow, rebalanced):
        line = (
            f"| {row.agent} | {row.previous:,.2f} | {row.score:+.2f} | {row.performance_factor:.2f} | "
            f"{row.tilt_factor:.2f} | {row.target_share:.4f} | {row.share:.4f} | {row.capital:,.2f} |"
        )
        assert line in page, line
    (message,) = said("PORTFOLIO_REBALANCE", rebalanced)
    assert f"equity {message.payload.equity:,.2f}" in page
    for agent in ("deepseek-v3", "freqtrade-hft"):
        (guidance,) = (m for m in said("GUIDANCE", rebalanced) if m.recipient == agent)
        assert guidance.payload.text in page, guidance.payload.text
