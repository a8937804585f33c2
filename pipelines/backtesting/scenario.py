"""A scenario: everything that a run depends on besides the data, as one value."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from contracts.model import Contract, Name
from contracts.risk.limits import Limits
from contracts.roster import Roster

Rate = Annotated[Decimal, Field(ge=0, le=Decimal("0.1"))]
"""A share of the traded value: 0.0005 is 5 basis points."""

Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]


class MarketTerms(Contract):
    """How the market is followed: as the market job's options.

    `snapshot_seconds` is a multiple of the length of the venue's bars; None is their length.
    """

    snapshot_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    lateness_seconds: Annotated[float, Field(ge=0, le=3_600)] = 0.5
    stale_seconds: Annotated[float, Field(gt=0, le=86_400)] = 5.0


class Costs(Contract):
    """What trading costs at the paper venue (docs/matching.md); each kind can be switched off by its own field.

    `half_spread` counts where the data has no quotes, and prices behind the first lie as far apart: at each of `levels` of
    them `depth_share` of a bar's volume can be traded, or what the quote says. `funding_rate` is what longs pay shorts every
    eight hours where the data has no rates. `leverage` and `maintenance` are the venue's, for each agent's own account.
    """

    fees: bool = True
    spread: bool = True
    slippage: bool = True
    funding: bool = True
    latency: bool = True
    liquidation: bool = True
    minimum_sizes: bool = True
    maker_fee: Rate = Decimal("0.0001")
    taker_fee: Rate = Decimal("0.00035")
    half_spread: Rate = Decimal("0.0001")
    depth_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.02")
    levels: Annotated[int, Field(ge=1, le=1_000)] = 10
    funding_rate: Annotated[Decimal, Field(ge=Decimal("-0.01"), le=Decimal("0.01"))] = Decimal("0.0001")
    leverage: Annotated[int, Field(ge=1, le=125)] = 10
    maintenance: Rate = Decimal("0.005")


SWITCHES = ("fees", "spread", "slippage", "funding", "latency", "liquidation", "minimum_sizes")
"""The costs that can be switched off."""


class Timing(Contract):
    """How long things take, in milliseconds of event time.

    decision: from a snapshot to the proposal on the desk's log (a model's call). signal: from a bar to a bot's signal.
    order: from the desk to the venue. report: from a trade at the venue to the desk.
    """

    decision_ms: Milliseconds = 500
    signal_ms: Milliseconds = 100
    order_ms: Milliseconds = 100
    report_ms: Milliseconds = 50


class Operator(Contract):
    """What the people around the desk do: after a halt, the desk is released when `release_after_hours` have passed."""

    release_after_hours: Annotated[float, Field(gt=0)] | None = None


class Scenario(Contract):
    """One parameter set, applied: all that a run is told besides its data."""

    name: Name = "base"
    parameters: dict[str, str] = Field(default_factory=dict)
    """What the parameter set changed, as told."""
    roster: Roster
    limits: Limits
    market: MarketTerms = MarketTerms()
    costs: Costs = Costs()
    timing: Timing = Timing()
    operator: Operator = Operator()
    answers: str = ""
    """The file of recorded answers; empty: the rules that the roster names."""
    answers_sha256: str = ""
    """Of that file's bytes."""

    def on_desk(self, desk: str) -> "Scenario":
        """The same scenario for a desk of another name."""
        return self.model_copy(update={"roster": self.roster.model_copy(update={"desk": desk})})

    def without(self, cost: Literal["all"] | str) -> "Scenario":
        """The same scenario with one of the costs, or all of them, switched off."""
        switches = SWITCHES if cost == "all" else (cost,)
        return self.model_copy(update={"costs": self.costs.model_copy(update=dict.fromkeys(switches, False))})

    def settings(self) -> dict[str, str]:
        """Everything but the roster, by dotted name."""
        parts = {"limits": self.limits, "market": self.market, "costs": self.costs, "timing": self.timing,
                 "operator": self.operator}  # fmt: skip
        told = {
            f"{part}.{name}": _text(value)
            for part, model in parts.items()
            for name, value in model.model_dump(mode="json").items()
        }
        recorded = {"agents.answers_sha256": self.answers_sha256} if self.answers_sha256 else {}
        return told | {"agents.answers": self.answers or "rules"} | recorded


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
