"""The Beam coder for contracts: deterministic JSON that names its model."""

from functools import cache
from typing import Any, Self

from apache_beam.coders import Coder, registry

from contracts.model import Contract

_SEPARATOR = b"\n"


@cache
def _models() -> dict[bytes, type[Contract]]:
    """Every contract there is, by its class name."""
    found: dict[bytes, type[Contract]] = {}
    pending = Contract.__subclasses__()
    while pending:
        model = pending.pop()
        found[model.__name__.encode()] = model
        pending.extend(model.__subclasses__())
    return found


class ContractCoder(Coder):
    """Encodes any contract as `<class name> newline <JSON>`.

    Equal values give equal bytes, and a field that was added since (with a default) is no obstacle, so a running job can
    be updated.
    """

    def encode(self, value: Contract) -> bytes:
        return type(value).__name__.encode() + _SEPARATOR + value.to_json()

    def decode(self, encoded: bytes) -> Contract:
        name, _, content = encoded.partition(_SEPARATOR)
        return _models()[name].from_json(content)

    def is_deterministic(self) -> bool:
        return True

    def to_type_hint(self) -> type[Contract]:
        return Contract

    @classmethod
    def from_type_hint(cls, typehint: Any, registry: Any) -> Self:
        return cls()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


def register_contract_coders() -> None:
    """Make Beam use `ContractCoder` for `Contract` and every model that is imported so far."""
    for model in (Contract, *_models().values()):
        registry.register_coder(model, ContractCoder)
