"""What a trading rule is: it looks at one market and says what it would do."""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from contracts.decisions import Opinion as Opinion
from contracts.instruments import INSTRUMENTS
from contracts.model import Contract, Name, Numbers
from contracts.payloads import Side


class MarketView(Contract):
    """One market as a rule sees it.

    `closes`, `highs`, `lows` and `volumes` are the recent closed bars, oldest first; a column that is not
    known is empty, the others are of equal length. `price` is the latest close, `features` the snapshot's by
    name; a feature that is still warming up is absent. `position_quantity` is what the agent holds of the
    base asset, signed.
    """

    symbol: Name
    price: Annotated[float, Field(gt=0)]
    features: Numbers = Field(default_factory=dict)
    closes: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    lows: tuple[float, ...] = ()
    volumes: tuple[float, ...] = ()
    position_quantity: float = 0.0
    trade_quantity: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _bars_are_whole(self) -> Self:
        columns = (self.closes, self.highs, self.lows, self.volumes)
        if len({len(column) for column in columns if column}) > 1:
            raise ValueError(
                "closes, highs, lows and volumes are columns of the same bars: give as many of each"
            )
        return self

    def at_tick(self, price: float) -> Decimal:
        """`price` as it can be quoted: the nearest multiple of the instrument's tick, one tick at least."""
        tick = INSTRUMENTS[self.symbol].tick if self.symbol in INSTRUMENTS else Decimal("0.0001")
        steps = (Decimal(repr(price)) / tick).to_integral_value(ROUND_HALF_EVEN)
        return max(steps, Decimal(1)) * tick


def hold(rationale: str, *, confidence: float = 0.0, horizon_seconds: int = 60, insight: str = "") -> Opinion:
    """The opinion that nothing should be done, and why."""
    return Opinion(
        side=Side.HOLD,
        confidence=confidence,
        size_fraction=0.0,
        horizon_seconds=horizon_seconds,
        rationale=rationale,
        insight=insight,
    )


class Rule(Protocol):
    """A trading rule: the same view always gives the same opinion."""

    def decide(self, view: MarketView) -> Opinion:
        """What to do in the market of `view`; a HOLD that says so when it is not shown enough."""
        ...


class UnknownRule(LookupError):
    """No rule has that name; the text lists those that there are."""


Kind = TypeVar("Kind", bound=Rule)

_RULES: dict[str, Rule] = {}


def register(name: str) -> Callable[[type[Kind]], type[Kind]]:
    """Make the decorated class, which takes no arguments, the rule called `name`."""

    def registered(kind: type[Kind]) -> type[Kind]:
        if name in _RULES:
            raise ValueError(f"two rules are called {name!r}")
        _RULES[name] = kind()
        return kind

    return registered


def rule_named(name: str) -> Rule:
    """The rule called `name`; raises `UnknownRule`, which lists those that there are."""
    _read_all()
    if name not in _RULES:
        raise UnknownRule(f"there is no rule called {name!r}; known are {', '.join(sorted(_RULES))}")
    return _RULES[name]


def rule_names() -> tuple[str, ...]:
    """Every rule's name, in order."""
    _read_all()
    return tuple(sorted(_RULES))


@cache
def _read_all() -> None:
    """Import every file of this folder once, so that a rule is added by adding its file."""
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"agents.rules.{module.name}")
