"""A small desk and the messages of its log, to be written by hand in tests.

Capital 100,000, of which 80,000 are active: alpha has 60,000 (cap 3,000), beta 20,000 (cap 1,000). Times are seconds after
2024-01-15T00:00:00Z.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.controls import Budget, Control, ControlAction
from contracts.message import Message, said_by
from contracts.orders import OrderRequest, client_order_id
from contracts.payloads import HftSignal, Mark, OrderExecution, OrderStatus, Proposal, Side
from contracts.risk.limits import Limits
from contracts.roster import (
    AgentProfile,
    EndpointBacking,
    ExternalBacking,
    MessageBudgets,
    RiskTolerance,
    Role,
    Roster,
)
from contracts.rows.trading import RiskVerdict
from contracts.time import to_micros
from transforms.core import Output
from transforms.log import LogEntry
from transforms.portfolio.desk import Desk

MIDNIGHT = datetime(2024, 1, 15, tzinfo=UTC)
BTC = "BTCUSDT"
ETH = "ETHUSDT"

_BUDGET = Budget(seconds_per_message=1, burst=10)


def _profile(
    agent: str, role: Role, assets: tuple[str, ...], weight: float, cap: float, **rest: Any
) -> AgentProfile:
    return AgentProfile(
        agent=agent,
        role=role,
        pod=f"{agent}-bot",
        expertise=("testing",),
        contribution="Trades in tests.",
        risk_tolerance=RiskTolerance.MEDIUM,
        time_horizon="short_term",
        preferred_assets=assets,
        capital_weight=weight,
        leverage_cap=cap,
        participation_threshold=0.5,
        budgets=MessageBudgets(signal=_BUDGET, chatter=_BUDGET),
        cadence_seconds=60,
        **rest,
    )


ROSTER = Roster(
    desk="main",
    capital=100_000,
    agents=(
        _profile(
            "alpha",
            Role.MOMENTUM,
            ("BTC", "ETH"),
            0.3,
            5,
            backing=EndpointBacking(
                kind="endpoint", endpoint="alpha-endpoint", model="alpha", rule="momentum"
            ),
        ),
        _profile(
            "beta",
            Role.MARKET_MAKER,
            ("BTC",),
            0.1,
            2,
            backing=ExternalBacking(kind="external", pod="beta-bot", rule="market_making"),
        ),
    ),
)


def desk(limits: Limits | None = None) -> Desk:
    return Desk("main", ROSTER, limits or Limits())


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def _said(sender: str, payload: Any, seconds: float, *parts: str) -> Message:
    return said_by(sender, payload, desk="main", event_time=at(seconds), derived_from=(str(seconds), *parts))


def mark(seconds: float, symbol: str, price: str, **fields: Any) -> Message:
    return _said("market", Mark(symbol=symbol, price=Decimal(price), **fields), seconds, symbol)


def proposal(
    seconds: float,
    name: str,
    agent: str,
    symbol: str,
    side: str,
    fraction: float = 1.0,
    sure: float = 1.0,
    **fields: Any,
) -> Message:
    said = Proposal(
        decision_id=name,
        symbol=symbol,
        side=Side(side),
        confidence=sure,
        size_fraction=fraction,
        price=Decimal(1),
        horizon_seconds=600,
        **fields,
    )
    return _said(agent, said, seconds, name)


def signal(
    seconds: float, name: str, agent: str, symbol: str, side: str, notional: str, **fields: Any
) -> Message:
    said = HftSignal(
        symbol=symbol, side=Side(side), confidence=0.9, notional=Decimal(notional), strategy="test", **fields
    )
    return _said(agent, said, seconds, name)


def control(seconds: float, action: str, **fields: Any) -> Message:
    return _said("console", Control(action=ControlAction(action), issued_by="ada", **fields), seconds, action)


def order_id(name: str) -> str:
    """The client order id of a proposal's order."""
    return client_order_id("main", name)


def step(
    seconds: float,
    order: str,
    sequence: int,
    status: str,
    agent: str,
    symbol: str,
    side: str,
    quantity: str,
    fill: tuple[str, str, str] | None = None,
    filled: str = "0",
    sender: str = "execution",
) -> Message:
    """A step of an order; `fill` is quantity, price and fee."""
    last_quantity, last_price, fee = (
        (Decimal(amount) for amount in fill) if fill else (None, None, Decimal(0))
    )
    said = OrderExecution(
        client_order_id=order,
        execution_id=f"{order}-{sequence}",
        sequence=sequence,
        agent=agent,
        symbol=symbol,
        side=Side(side),
        status=OrderStatus(status),
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled) + (last_quantity or 0),
        last_quantity=last_quantity,
        last_price=last_price,
        fee=fee,
        venue="paper",
    )
    return _said(sender, said, seconds, order, str(sequence), status)


def request(name: str, agent: str, symbol: str, side: str, quantity: str, **fields: Any) -> OrderRequest:
    """An order as the desk asks for it; `name` is its whole client order id."""
    return OrderRequest(
        client_order_id=name,
        desk="main",
        agent=agent,
        symbol=symbol,
        side=Side(side),
        quantity=Decimal(quantity),
        reference_price=Decimal(1),
        correlation_id="d",
        decided_at=MIDNIGHT,
        **fields,
    )


def filled(seconds: float, request: OrderRequest, price: str, fee: str = "0", sequence: int = 2) -> Message:
    """The whole of an order, filled at once."""
    return step(
        seconds,
        request.client_order_id,
        sequence,
        "FILLED",
        request.agent,
        request.symbol,
        request.side,
        str(request.quantity),
        (str(request.quantity), price, fee),
    )


class Player:
    """Feeds a desk its log and keeps what it says."""

    def __init__(self, core: Desk, position: int = 0) -> None:
        self.core = core
        self.position = position

    def __call__(self, *messages: Message) -> list[Output]:
        outputs = []
        for message in messages:
            self.position += 1
            micros = to_micros(message.event_time)
            outputs += self.core.apply(LogEntry("main", self.position, False, micros, message))
        return outputs


def on(port: str, outputs: Iterable[Output]) -> list[Any]:
    return [output.value for output in outputs if output.port == port]


def rows(model: type, outputs: Iterable[Output]) -> list[Any]:
    return [row for row in on("rows", outputs) if type(row) is model]


def said(kind: str, outputs: Iterable[Output]) -> list[Message]:
    return [
        output.value for output in outputs if isinstance(output.value, Message) and output.value.type == kind
    ]


def verdict(outputs: Iterable[Output]) -> tuple[str, str]:
    """Check and reason of the only verdict."""
    (row,) = rows(RiskVerdict, outputs)
    return row.check, row.reason


def same(outputs: Iterable[Output]) -> list[tuple[str, bytes]]:
    """Outputs as they compare: port and bytes."""
    return [(port, value.to_json()) for port, value in outputs]
