"""Calls of models: what an agent may spend on them in an hour, and what they cost."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from contracts.model import Contract

Usd = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=8)]
"""US dollars, exact to eight decimals."""

_MILLION = Decimal(1_000_000)
_CENT_FRACTION = Decimal("0.00000001")


class CallBudget(Contract):
    """What an agent may spend on calls of its endpoint in any 60 minutes of event time; none of it is exceeded.

    A call is one question; its retries follow attempts that failed, and are part of it. `tokens_in` and `tokens_out` are
    the most that one call may have in its prompt and in its answer: so much is reserved before each.
    """

    calls_per_hour: Annotated[int, Field(ge=0)] = 120
    tokens_per_hour: Annotated[int, Field(ge=0)] = 500_000
    usd_per_hour: Usd = Decimal(1)
    tokens_in: Annotated[int, Field(ge=256, le=128_000)] = 3_072
    tokens_out: Annotated[int, Field(ge=16, le=16_384)] = 512


class ModelPrice(Contract):
    """What a model costs: by the token, and for a model that is not billed by tokens, by the call."""

    usd_per_million_tokens_in: Usd = Decimal(0)
    usd_per_million_tokens_out: Usd = Decimal(0)
    usd_per_call: Usd = Decimal(0)

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        """One call's cost in US dollars."""
        by_token = (
            self.usd_per_million_tokens_in * tokens_in + self.usd_per_million_tokens_out * tokens_out
        ) / _MILLION
        return (self.usd_per_call + by_token).quantize(_CENT_FRACTION)
