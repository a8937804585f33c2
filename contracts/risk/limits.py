"""The limits of a desk: every number that the risk checks, the sizing and the allocation go by, with its unit."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

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
    reconcile_seconds: Seconds = Field(
        default=60, description="time between two questions to the execution service's ledger"
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

    def with_changes(self, changes: Mapping[str, Any]) -> Self:
        """The limits with some of them changed; raises ValueError, in one sentence, when they do not fit together."""
        try:
            return self.model_validate(self.model_dump() | dict(changes))
        except ValidationError as error:
            raise ValueError(first_of(error)) from None


def checked_changes(changes: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """The changes, each of a limit that there is to a value that it may have; raises ValueError in one sentence.

    Whether they fit the other limits is only known where those are in force.
    """
    if not changes:
        raise ValueError("name at least one limit")
    for name, value in changes.items():
        if name not in Limits.model_fields:
            raise ValueError(_unknown(name))
        try:
            _reader(name).validate_python(value)
        except ValidationError as error:
            raise ValueError(f"{name}: {_what(error)}") from None
    return {name: None if value is None else Decimal(str(value)) for name, value in sorted(changes.items())}


@cache
def _reader(name: str) -> TypeAdapter[Any]:
    field = Limits.model_fields[name]
    annotation: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(annotation)


def first_of(error: ValidationError) -> str:
    """The first thing that is wrong with some limits, in one sentence."""
    found = error.errors(include_url=False)[0]
    if found["type"] == "extra_forbidden":
        return _unknown(str(found["loc"][0]))
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {_what(error)}" if where else _what(error)


def _unknown(name: str) -> str:
    near = get_close_matches(name, Limits.model_fields, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"there is no limit {name[:64]}; {hint}`sapphire limits show` names all"


def _what(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    return found["msg"].removeprefix("Value error, ")
