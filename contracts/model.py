"""The base of every contract: frozen, closed to unknown fields, deterministic in JSON."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_set = object.__setattr__
_new = object.__new__


class Contract(BaseModel):
    """A value that crosses a process boundary.

    Equal values give equal JSON: fields are written in the order of their declaration, mappings in the order of their
    keys. A field that is added later needs a default, so that what was written before it can still be read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64")

    @classmethod
    def of_valid(cls, **fields: Any) -> Self:
        """Make it of values that are known to be valid: all fields in their order, and nothing is checked.

        For the hot path alone, where every value comes out of a contract that was checked: several times cheaper.
        """
        return _of_valid(cls, fields)

    def with_valid(self, **changes: Any) -> Self:
        """A copy with other valid values in some of its fields; nothing is checked."""
        return _of_valid(type(self), {**self.__dict__, **changes})

    def to_json(self) -> bytes:
        """The value as UTF-8 JSON on one line."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read what `to_json` wrote; raises `pydantic.ValidationError`, which names each wrong field."""
        value: Self = cls.__pydantic_validator__.validate_json(data)
        return value


@cache
def _all_fields(model: type[Contract]) -> set[str]:
    return set(model.model_fields)


_Model = TypeVar("_Model", bound=Contract)


def _of_valid(model: type[_Model], fields: dict[str, Any]) -> _Model:
    value: _Model = _new(model)
    _set(value, "__dict__", fields)
    _set(value, "__pydantic_fields_set__", _all_fields(model))
    _set(value, "__pydantic_extra__", None)
    _set(value, "__pydantic_private__", None)
    return value


def _in_key_order(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(value.items()))


Numbers = Annotated[dict[str, float], AfterValidator(_in_key_order)]
"""Named finite numbers, kept in the order of their names."""

Amounts = Annotated[dict[str, Decimal], AfterValidator(_in_key_order)]
"""Named exact amounts (quote currency unless said otherwise), kept in the order of their names."""

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share or a degree: 0 is none, 1 is all."""

Price = Annotated[Decimal, Field(gt=0, max_digits=28, decimal_places=12)]
"""A price in quote currency per unit of the base asset."""

Quantity = Annotated[Decimal, Field(gt=0, max_digits=28, decimal_places=12)]
"""An amount of the base asset."""

Text = Annotated[str, Field(max_length=4_000)]
"""Free text from an agent: bounded, because it is copied into prompts and tables."""

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$")]
"""An identifier of ours: an agent, a desk, a symbol, a strategy."""
