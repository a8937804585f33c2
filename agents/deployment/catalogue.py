"""The catalogue: what is deployed behind each endpoint."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from contracts.model import Contract, Name, Text

FILE = Path(__file__).with_name("catalogue.yaml")


class Served(Contract):
    """What one endpoint has behind it; catalogue.yaml says what each field means."""

    backend: Literal["rule", "forecast", "llama_cpp", "vllm", "record"]
    image: Literal["cpu", "gpu"]
    machine: Name
    model: Name
    about: Text
    weights: str | None = None
    adapter: str | None = None
    context: Annotated[int, Field(ge=256)] | None = None
    arguments: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What its container is told (agents/serving reads it)."""
        told = {
            "SAPPHIRE_BACKEND": self.backend,
            "SAPPHIRE_MODEL": self.model,
            "SAPPHIRE_WEIGHTS": self.weights,
            "SAPPHIRE_ADAPTER": self.adapter,
            "SAPPHIRE_CONTEXT_TOKENS": self.context and str(self.context),
            "SAPPHIRE_VLLM_ARGUMENTS": " ".join(self.arguments),
        }
        return {name: value for name, value in told.items() if value}


class Catalogue(Contract):
    """All of them, by the display name of the endpoint."""

    endpoints: dict[Name, Served]


@cache
def catalogue() -> Catalogue:
    """The project's catalogue."""
    return Catalogue.model_validate(yaml.safe_load(FILE.read_text()))
