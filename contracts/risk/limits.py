"""The limits of a desk: every number that the risk checks, the sizing and the allocation go by, with its unit."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.risk.capital_limits import CapitalLimits
from contracts.risk.units import Multiple, Seconds, Share


class Limits(CapitalLimits):
    """One desk's limits; the leverage caps are each agent's own, in the roster."""

    active_share: Share = Field(
        default=Decimal("0.80"), description="share of equity that is allocated to agents"
    )
    per_trade_share: Share = Field(
        default=Decimal("0.05"),
        description="most that one order may be worth, as a share of its agent's allocation",
    )
    reduced_factor: Share = Field(
        default=Decimal("0.5"),
        description="what the per-trade cap is multiplied with while the desk is REDUCED",
    )
    symbol_gross: Multiple = Field(
        default=Decimal("0.40"),
        description="most that all agents' positions in a symbol are worth, as a multiple of equity",
    )
    symbol_net: Multiple = Field(
        default=Decimal("0.30"),
        description="most that the desk's net position in a symbol is worth, as a multiple of equity",
    )
    desk_gross: Multiple = Field(
        default=Decimal("0.75"), description="most that all positions are worth, as a multiple of equity"
    )
    desk_net: Multiple = Field(
        default=Decimal("0.50"),
        description="most that long minus short positions are worth, as a multiple of equity",
    )
    agent_orders_per_minute: Annotated[int, Field(ge=1)] = Field(
        default=20, description="accepted orders of one agent in 60 seconds of event time"
    )
    orders_per_minute: Annotated[int, Field(ge=1)] = Field(
        default=60, description="accepted orders of the desk in 60 seconds of event time"
    )
    mark_stale_seconds: Seconds = Field(
        default=180, description="a mark older than this is no price: three one-minute bars"
    )
    wish_stale_seconds: Seconds = Field(
        default=300, description="a proposal or signal this much older than the desk's log is too late"
    )
    stop_distance: Share = Field(
        default=Decimal("0.10"),
        description="farthest that a given stop may be from the mark, as a share of the mark",
    )
    reduce_drawdown: Share = Field(
        default=Decimal("0.05"), description="from this drawdown on the desk is REDUCED"
    )
    recover_drawdown: Share = Field(
        default=Decimal("0.04"), description="below this drawdown a REDUCED desk is ACTIVE again"
    )
    halt_drawdown: Share = Field(
        default=Decimal("0.10"), description="from this drawdown on the desk is HALTED until it is released"
    )
    rebalance_seconds: Seconds = Field(
        default=1_800, description="time between two allocations of the capital"
    )
    consensus_leverage: Multiple | None = Field(
        default=None, description="above this leverage an order needs the agents' consensus; null never"
    )
    consensus_size: Share | None = Field(
        default=None, description="an order worth more than this share of equity needs consensus; null never"
    )
    consensus_score: Share = Field(
        default=Decimal("0.5"), description="the least score that is a consensus where one is needed"
    )
    consensus_agents: Annotated[int, Field(ge=1)] = Field(
        default=2, description="so many agents must be behind the order's side, its own agent included"
    )
    consensus_seconds: Seconds = Field(
        default=300, description="for so long what an agent wished for counts as its word on the symbol"
    )

    @model_validator(mode="after")
    def _bands_are_in_order(self) -> Self:
        if not self.recover_drawdown < self.reduce_drawdown < self.halt_drawdown:
            raise ValueError("the drawdown bands are recover_drawdown < reduce_drawdown < halt_drawdown")
        return self
