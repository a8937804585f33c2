"""The limits that sizing, brackets and the distribution of the capital go by, with their units."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.model import Contract
from contracts.risk.units import Multiple, Seconds, Share


class CapitalLimits(Contract):
    """What a trade may risk and how far the capital may move. `docs/portfolio.md` says what each is for."""

    # --- sizing and brackets
    target_volatility: Share = Field(
        default=Decimal("0.0015"),
        description="what one full order may move its agent's allocation in a day, as a share of it "
        "(one standard deviation)",
    )
    assumed_volatility: Share = Field(
        default=Decimal("0.03"),
        description="a symbol's volatility until its marks tell it, as a share of its price in a day",
    )
    least_confidence_factor: Share = Field(
        default=Decimal("0.5"),
        description="what an order's size is multiplied with at confidence 0; at confidence 1 it is 1",
    )
    stop_atr: Multiple = Field(
        default=Decimal(8), description="distance of a stop that the desk sets, in average true ranges"
    )
    take_profit_atr: Multiple = Field(
        default=Decimal(12), description="distance of a target that the desk sets, in average true ranges"
    )

    # --- performance
    performance_seconds: Seconds = Field(
        default=60, description="time between two samples of what each agent has made of its capital"
    )
    performance_half_life_seconds: Annotated[int, Field(ge=60, le=90 * 86_400)] = Field(
        default=21_600, description="time after which a sample of performance counts half"
    )
    performance_prior_samples: Annotated[int, Field(ge=1)] = Field(
        default=240,
        description="samples at which performance counts half beside the prior that all agents are alike",
    )

    # --- weights
    performance_tilt: Share = Field(
        default=Decimal("0.5"),
        description="most that performance moves an agent's weight, as a natural logarithm: 0.5 is x 1.65 or x 0.61",
    )
    optimizer_tilt: Share = Field(
        default=Decimal("0.2"),
        description="most that an optimizer's views move an agent's weight, as a natural logarithm",
    )
    least_weight: Share = Field(
        default=Decimal("0.5"), description="least share of an agent, as a multiple of its base share"
    )
    most_weight: Multiple = Field(
        default=Decimal(2), description="greatest share of an agent, as a multiple of its base share"
    )
    hysteresis: Share = Field(
        default=Decimal("0.005"),
        description="the weights stay while none would move by more than this share of the active capital",
    )
    turnover: Share = Field(
        default=Decimal("0.10"),
        description="most of the active capital that one rebalance may take from agents and give to others",
    )
    drift_band: Share = Field(
        default=Decimal("0.02"),
        description="the capital is rebalanced when an agent's part of it is this far from its share",
    )

    @model_validator(mode="after")
    def _base_shares_are_within_bounds(self) -> Self:
        if self.most_weight < 1:
            raise ValueError("most_weight is at least 1: an agent's base share has to be within its bounds")
        return self
