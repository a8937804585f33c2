"""The base of every contract: frozen, closed to unknown fields, deterministic in JSON."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_new = object.__new__
# What pydantic keeps in an instance, by its slots: set directly, none of it is looked up by name.
_set_fields, _set_known, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


class Contract(BaseModel):
    """A value that crosses a process boundary.

    Equal values give equal JSON: fields are written in the order of their declaration, mappings in the order of their
    keys. A field that is added later needs a default, so that what was written before it can still be read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64")

    @classmethod
    def of_valid(cls, fields: dict[str, Any]) -> Self:
        """Make it of values that are known to be valid: all fields in their order, and nothing is checked.

        For the hot path alone, where every value comes out of a contract that was checked: several times cheaper. The
        dictionary becomes the value's own.
        """
        value = _new(cls)
        _set_fields(value, fields)
        _set_known(value, _all_fields(cls))
        _set_extra(value, None)
        _set_private(value, None)
        return value

    @classmethod
    def of_known(cls, **fields: Any) -> Self:
        """As `of_valid`, with the fields in any order, and the defaults of those that have one and are not given."""
        return cls.of_valid({**_defaults(cls), **fields})

    def with_valid(self, **changes: Any) -> Self:
        """A copy with other valid values in some of its fields; nothing is checked."""
        return self.of_valid({**self.__dict__, **changes})

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


@cache
def _defaults(model: type[Contract]) -> dict[str, Any]:
    """Every field in its order, None where one has to be given. Values share them: contracts are never changed."""
    return {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }


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
"""An identifier of ours: an agent, a symbol, a strategy."""

DeskName = Annotated[Name, Field(max_length=32)]
"""A desk's name: short, because it is a part of its rows' ids."""
