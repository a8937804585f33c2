"""The units that limits are given in."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

Share = Annotated[Decimal, Field(gt=0, le=1)]
"""A share of something: 0.05 is 5 %."""

Multiple = Annotated[Decimal, Field(gt=0, le=125)]
"""How many times something."""

Seconds = Annotated[int, Field(ge=1, le=86_400)]
"""Seconds of event time."""
