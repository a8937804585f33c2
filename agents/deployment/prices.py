"""What a deployment costs a month, by the list prices that prices.yaml assumes."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from contracts.calls import Usd
from contracts.model import Contract, Name

FILE = Path(__file__).with_name("prices.yaml")


class Machine(Contract):
    """A machine, with its GPUs if it has any."""

    machine_type: Name
    usd_per_hour: Usd
    accelerator: Name | None = None
    accelerators: Annotated[int, Field(ge=0)] = 0


class Prices(Contract):
    """The assumptions, and when they were made."""

    as_of: date
    hours_per_month: Annotated[int, Field(gt=0)]
    machines: dict[Name, Machine]
    private_address_usd_per_hour: Usd

    def monthly(self, machine: str, replicas: int = 1, private_address: bool = False) -> Decimal:
        """US dollars a month for so many replicas that are always there."""
        hourly = self.machines[machine].usd_per_hour * replicas
        if private_address:
            hourly += self.private_address_usd_per_hour
        return (hourly * self.hours_per_month).quantize(Decimal("0.01"))


@cache
def list_prices() -> Prices:
    """The prices of the project's file."""
    return Prices.model_validate(yaml.safe_load(FILE.read_text()))
