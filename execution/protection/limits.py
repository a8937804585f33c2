"""The hard limits and their file: every number with its unit, nothing left out, nothing unknown."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from contracts.instruments import INSTRUMENTS
from contracts.refusals import describe

PACKAGED = Path(__file__).with_name("limits.yaml")


class LimitsError(ValueError):
    """The limits cannot be used; the text says which one and what to write."""


def _in(units: dict[str, Decimal]) -> BeforeValidator:
    """Reads `250 USDT` by the factor of its unit; a bare number is refused, because nobody can tell what it means."""

    def read(value: Any) -> Decimal:
        number, _, unit = str(value).strip().partition(" ")
        known = " or ".join(units)
        if unit.strip() not in units:
            raise ValueError(f"write a number and its unit ({known}), such as `5 {next(iter(units))}`")
        try:
            amount = Decimal(number) * units[unit.strip()]
        except InvalidOperation:
            raise ValueError(f"{number!r} is not a number") from None
        if not amount.is_finite():
            raise ValueError(f"{number!r} is not a finite number")
        return amount

    return BeforeValidator(read)


_ONE = Decimal(1)
Quote = Annotated[Decimal, _in({"USDT": _ONE}), Field(gt=0, le=10**12)]
Share = Annotated[Decimal, _in({"%": Decimal("0.01"), "bp": Decimal("0.0001")}), Field(gt=0, le=1)]
Seconds = Annotated[
    Decimal, _in({"s": _ONE, "ms": Decimal("0.001"), "min": Decimal(60)}), Field(ge=0, le=3_600)
]


class ProtectionLimits(BaseModel):
    """The limits: amounts in quote currency, the collar as a share of the venue's price, the dead man in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_notional: Quote
    minute_notional: Quote
    position_notional: Quote
    price_collar: Share
    dead_man: Seconds
    symbols: Annotated[frozenset[str], Field(min_length=1)]

    @field_validator("symbols")
    @classmethod
    def _known(cls, symbols: frozenset[str]) -> frozenset[str]:
        if unknown := sorted(symbols - INSTRUMENTS.keys()):
            raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(INSTRUMENTS)}")
        return symbols


def read_limits(path: Path = PACKAGED) -> ProtectionLimits:
    """The limits in a YAML file; raises `LimitsError` in one sentence."""
    try:
        return ProtectionLimits.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise LimitsError(f"the limits in {path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise LimitsError(f"{path} is not YAML: {error}") from None
    except ValidationError as error:
        raise LimitsError(f"{path}: {describe(error)}") from None
