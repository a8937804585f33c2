"""Rows of the trading job."""

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.controls import Goal
from contracts.model import Contract, Name
from contracts.orders import OrderType
from contracts.payloads import DeskState, OrderStatus, Side
from contracts.rows.row import DeskRow
from contracts.time import UtcTime


class RiskVerdict(DeskRow):
    """What the risk book said to one proposal."""

    table: ClassVar[str] = "risk_verdicts"
    about: ClassVar[str] = "every proposal and signal with the check that refused it, or its order"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    message_id: Name
    agent: Name
    symbol: Name
    side: Side
    accepted: bool
    check: Name
    limit: float | None
    observed: float | None
    reason: str
    client_order_id: Name | None


class OrderRow(DeskRow):
    """An order that the desk asked for."""

    table: ClassVar[str] = "orders"
    about: ClassVar[str] = "every order that the trading job sent to the execution service"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    client_order_id: Name
    agent: Name
    symbol: Name
    side: Side
    type: OrderType
    quantity: Decimal
    reference_price: Decimal
    notional: Decimal
    reduce_only: bool
    correlation_id: Name


class ExecutionRow(DeskRow):
    """A step in an order's life."""

    table: ClassVar[str] = "executions"
    about: ClassVar[str] = "every step in an order's life: accepted, filled, rejected, cancelled"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    client_order_id: Name
    execution_id: Name
    sequence: int
    agent: Name
    symbol: Name
    side: Side
    status: OrderStatus
    last_quantity: Decimal | None
    last_price: Decimal | None
    fee: Decimal
    venue: Name
    reason: str


class FundingRow(DeskRow):
    """What a position received, or paid, for being held at a funding time."""

    table: ClassVar[str] = "fundings"
    about: ClassVar[str] = (
        "what each agent's positions received (negative: paid) at the venue's funding times"
    )
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    funding_id: Name
    agent: Name
    symbol: Name
    quantity: Decimal
    mark_price: Decimal
    rate: float
    amount: Decimal
    funded_at: UtcTime
    venue: Name


class PositionRow(DeskRow):
    """A position after a change."""

    table: ClassVar[str] = "positions"
    about: ClassVar[str] = "each agent's position in each symbol after every change"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    agent: Name
    symbol: Name
    quantity: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    fees: Decimal
    funding: Annotated[
        Decimal, Field(default=Decimal(0), description="received for holding (negative: paid)")
    ]


class AllocationNow(Contract):
    """An agent's part of the desk's equity at a moment, beside its target; percentages of the desk's equity."""

    agent: Name
    equity: Annotated[Decimal, Field(description="its capital and what it made of it since it was given")]
    allocation_pct: Annotated[float, Field(description="its equity: the metric portfolio_allocation_pct")]
    target_pct: Annotated[float, Field(description="its share of the active capital when it was given")]
    drift_pct: Annotated[
        float, Field(description="its part of all agents' equity less its share of their capital")
    ]


class PortfolioRow(DeskRow):
    """The desk's book at a moment."""

    table: ClassVar[str] = "portfolio"
    about: ClassVar[str] = "equity, drawdown and exposure of the desk, at every closed bar and fill"
    clustering: ClassVar[tuple[str, ...]] = ("desk",)

    state: DeskState
    equity: Decimal
    high_water_mark: Decimal
    drawdown: float
    gross_exposure: Decimal
    net_exposure: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    fees: Decimal
    funding: Annotated[
        Decimal, Field(default=Decimal(0), description="received for holding (negative: paid)")
    ]
    allocations: tuple[AllocationNow, ...] = ()


class AttributionRow(DeskRow):
    """What one agent has made in one symbol on one day so far; of a day's rows the last counts."""

    table: ClassVar[str] = "attribution"
    about: ClassVar[str] = (
        "each agent's profit in each symbol by day (UTC), hourly: the last of a day is the day"
    )
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent", "symbol")

    day: date
    agent: Name
    symbol: Name
    realised_pnl: Decimal
    unrealised_pnl: Annotated[Decimal, Field(description="its change within the day")]
    fees: Decimal
    funding: Decimal
    profit: Annotated[Decimal, Field(description="realised + unrealised - fees + funding")]


class AllocationRow(DeskRow):
    """An agent's capital after a rebalance."""

    table: ClassVar[str] = "allocations"
    about: ClassVar[str] = "each agent's capital after every rebalance"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "agent")

    agent: Name
    goal: Goal
    previous: Decimal
    capital: Decimal
    share: Annotated[float, Field(description="of the active capital")]
    reason: str
    target_share: Annotated[float | None, Field(default=None, description="what the goal wants")]
    drift: Annotated[float | None, Field(default=None, description="its part before, less its share before")]
    samples: Annotated[float | None, Field(default=None, description="of its performance, effective")]
    score: Annotated[float | None, Field(default=None, description="towards the goal, shrunk")]
    performance_factor: Annotated[
        float | None, Field(default=None, description="what its score multiplies its weight with")
    ]
    tilt_factor: Annotated[
        float | None, Field(default=None, description="what the optimizer's views multiply it with")
    ]
