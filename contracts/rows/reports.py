"""Rows of the monthly report."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.model import Name
from contracts.rows.row import Row
from contracts.time import UtcTime


class DeskMonth(Row):
    """What a desk made in a calendar month; written again, a month's row is replaced.

    Returns and rates are shares (0.01 is 1 %), amounts are in quote currency; what is not defined is null.
    """

    table: ClassVar[str] = "desk_months"
    about: ClassVar[str] = "what each desk made in each month: returns, risk, costs, trades and communication"
    clustering: ClassVar[tuple[str, ...]] = ("desk", "month")
    expiration_days: ClassVar[int] = 3_650

    desk: Name
    month: Annotated[Name, Field(description="year and month, as 2024-01; event_time is its first moment")]
    made_at: Annotated[UtcTime, Field(description="wall clock at the report's making")]
    first_time: Annotated[UtcTime, Field(description="where the desk's rows of the month begin")]
    last_time: UtcTime
    venue: Annotated[str, Field(description="where its orders were filled")]
    capital: Annotated[Decimal, Field(description="equity at first_time")]
    final_equity: Decimal
    total_return: Annotated[float, Field(description="after costs")]
    return_low: Annotated[float | None, Field(description="the return's 95 % interval")]
    return_high: float | None
    buy_and_hold_return: float | None
    random_entry_percentile: Annotated[
        float | None, Field(description="share of desks with the same trades at random times that it beat")
    ]
    volatility: Annotated[float | None, Field(description="a year's")]
    sharpe: Annotated[float | None, Field(description="a year's")]
    sortino: Annotated[float | None, Field(description="a year's")]
    deepest_drawdown: float
    turnover: Annotated[float, Field(description="traded value over mean equity")]
    fees: Decimal
    fills: int
    round_trips: int
    hit_rate: float | None
    profit_factor: float | None
    signals: int
    signals_throttled: int
    copies_delivered: int
    copies_suppressed: int
    model_usd: Decimal
    verdict: Annotated[str, Field(description="won or lost, against what, with what certainty, in words")]
    code_version: str
