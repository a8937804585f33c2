"""The roster: who is on the desk, in which role, with how much capital, voice and budget."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from contracts.calls import CallBudget, ModelPrice
from contracts.controls import Budget
from contracts.instruments import INSTRUMENTS
from contracts.model import Contract, DeskName, Name, Text, Unit
from contracts.refusals import describe


class Role(StrEnum):
    """What an agent is on the desk for."""

    MOMENTUM = "momentum"
    MEAN_REVERSION = "mean_reversion"
    SENTIMENT = "sentiment"
    VOLATILITY = "volatility"
    TECHNICAL = "technical"
    MARKET_MAKER = "market_maker"
    PORTFOLIO_OPTIMIZER = "portfolio_optimizer"


class RiskTolerance(StrEnum):
    """How much an agent may risk; it sets the leverage cap and the base weight unless the entry says otherwise."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def leverage_cap(self) -> float:
        """10x, 5x or 2x."""
        return {RiskTolerance.HIGH: 10.0, RiskTolerance.MEDIUM: 5.0, RiskTolerance.LOW: 2.0}[self]


class EndpointBacking(Contract):
    """A model behind a Vertex AI endpoint; `rule` names the trading rule that stands in for it on the local stack.

    `asks` is what it is asked for (agents/kinds): a decision (brief, for a small model), a forecast, a sentiment or a
    portfolio; a documented rule makes a decision of each. `budget` is what its calls may cost. `news_bps` is the move of
    the price, in basis points since the agent was asked last, that is no news to it: it is not asked again about a market
    that moved no more when nothing else changed either. `batch` is how many questions may share one call, for an endpoint
    that gains from it.
    """

    kind: Literal["endpoint"]
    endpoint: Name
    model: Name
    rule: Name
    asks: Literal["decision", "brief", "forecast", "sentiment", "portfolio"] = "decision"
    budget: CallBudget = CallBudget()
    news_bps: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    batch: Annotated[int, Field(ge=1, le=128)] = 1


class ExternalBacking(Contract):
    """A bot outside the jobs that speaks to the gateway; `rule` names the rule of the local stand-in."""

    kind: Literal["external"]
    pod: Name
    rule: Name


class MessageBudgets(Contract):
    """What an agent may say: signals and chatter have budgets of their own."""

    signal: Budget
    chatter: Budget


class AgentProfile(Contract):
    """One agent.

    `capital_weight` is its base share of the active capital, relative to the others' (they are normalised);
    `participation_threshold` is the relevance below which a broadcast is not delivered to it; `cadence_seconds` is the
    shortest event time between two of its decisions for one symbol.
    """

    agent: Name
    role: Role
    pod: Name
    expertise: tuple[Name, ...] = Field(min_length=1)
    contribution: Text
    risk_tolerance: RiskTolerance
    time_horizon: Name
    preferred_assets: tuple[Name, ...] = Field(min_length=1)
    collaboration_partners: tuple[Name, ...] = ()
    capital_weight: Annotated[float, Field(ge=0, le=1)]
    leverage_cap: Annotated[float, Field(ge=1, le=125)]
    participation_threshold: Unit
    budgets: MessageBudgets
    cadence_seconds: Annotated[int, Field(ge=1)]
    backing: Annotated[EndpointBacking | ExternalBacking, Field(discriminator="kind")]

    @property
    def is_model_backed(self) -> bool:
        """Whether the decisions job asks an endpoint for it."""
        return isinstance(self.backing, EndpointBacking)

    @property
    def call_budget(self) -> CallBudget:
        """What its calls may cost; raises `TypeError` for an agent that no endpoint backs."""
        if not isinstance(self.backing, EndpointBacking):
            raise TypeError(f"{self.agent} has no endpoint, so there is no budget for its calls")
        return self.backing.budget

    def trades(self, symbol: str) -> bool:
        """Whether the symbol's base asset is among its preferred ones."""
        instrument = INSTRUMENTS.get(symbol)
        return instrument is not None and instrument.base in self.preferred_assets


class Roster(Contract):
    """Everyone on a desk, in the order of the file.

    `prices` are what the models cost, by name; a name such as `rule` is the price of every `rule:...`. Without any,
    costs are not known and the budgets in dollars not kept.
    """

    desk: DeskName
    capital: Annotated[float, Field(gt=0)]
    prices: dict[Name, ModelPrice] = Field(default_factory=dict)
    agents: tuple[AgentProfile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = [profile.agent for profile in self.agents]
        if len(set(known)) != len(known):
            raise ValueError("two agents have the same id")
        for profile in self.agents:
            strangers = set(profile.collaboration_partners) - set(known)
            if strangers:
                raise ValueError(
                    f"{profile.agent} has partners that are not on the roster: {', '.join(sorted(strangers))}"
                )
        return self

    @model_validator(mode="after")
    def _prices_are_whole(self) -> Self:
        for profile in self.agents:
            backing = profile.backing
            if self.prices and isinstance(backing, EndpointBacking) and backing.model not in self.prices:
                raise ValueError(f"{profile.agent}'s model {backing.model} has no price: add it to prices")
        return self

    def price_of(self, backing: EndpointBacking, answered_by: str | None = None) -> ModelPrice | None:
        """What a call of the endpoint costs when `answered_by` answers it: its own price if it has one, else the model's."""
        own = (answered_by, answered_by.partition(":")[0]) if answered_by else ()
        return next((self.prices[name] for name in (*own, backing.model) if name in self.prices), None)

    @cached_property
    def by_agent(self) -> dict[str, AgentProfile]:
        """The agents by id."""
        return {profile.agent: profile for profile in self.agents}

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that somebody on the desk trades, in order of their names."""
        return tuple(sorted(s for s in INSTRUMENTS if any(profile.trades(s) for profile in self.agents)))


class RosterError(ValueError):
    """The roster's file cannot be used; the text says which entry is wrong and how."""


def read_roster(path: Path) -> Roster:
    """The roster in a YAML file; raises `RosterError` in one sentence when it is missing or wrong."""
    try:
        return Roster.model_validate(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        raise RosterError(f"there is no roster at {path}") from None
    except yaml.YAMLError as error:
        raise RosterError(f"{path} is not YAML: {error}") from None
    except ValidationError as error:
        raise RosterError(f"{path}: {describe(error)}") from None
