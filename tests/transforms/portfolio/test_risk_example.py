"""The example of docs/risk.md, with the project's own roster and limits."""

from decimal import Decimal

from contracts.message import Message, said_by
from contracts.model import Contract
from contracts.payloads import HftSignal, Mark, Proposal
from contracts.risk.limits import Limits
from contracts.roster import read_roster
from contracts.rows.trading import RiskVerdict
from contracts.settings import Settings
from tests.transforms.portfolio.desk_log import Player, at, on, rows
from transforms.portfolio.desk import Desk
from transforms.portfolio.report import ORDERS

D = Decimal


def message(sender: str, payload: Contract, seconds: float) -> Message:
    return said_by(sender, payload, desk="main", event_time=at(seconds), derived_from=(str(seconds),))


def test_a_proposal_becomes_an_order_and_a_signal_is_refused() -> None:
    play = Player(Desk("main", read_roster(Settings.model_fields["roster"].default), Limits()))
    price = Mark(
        symbol="BTCUSDT", price=D(42_000), bid=D("41999.9"), ask=D("42000.1"), volatility=0.021, atr=25.0
    )
    proposed = Proposal(
        decision_id="d-1", symbol="BTCUSDT", side="BUY", confidence=0.8, size_fraction=1.0, price=D(42_000),
        horizon_seconds=600,
    )  # fmt: skip
    wished = HftSignal(
        symbol="BTCUSDT", side="BUY", confidence=0.9, notional=D(400), leverage=3, strategy="quotes"
    )
    outputs = play(
        message("market", price, 0), message("deepseek-v3", proposed, 5), message("hummingbot-mm", wished, 6)
    )
    (order,) = on(ORDERS, outputs)
    assert order.client_order_id == "sph-d6a4c3129330c75224bc30224590cede"
    assert (order.quantity, order.reference_price, order.stop_loss, order.take_profit) == (
        D("0.001"), D(42_000), D(41_800), D(42_300),
    )  # fmt: skip
    assert [(row.agent, row.check, row.limit, row.observed) for row in rows(RiskVerdict, outputs)] == [
        ("deepseek-v3", "all", None, None),
        ("hummingbot-mm", "per_trade_cap", 44.0, 378.0),
    ]
