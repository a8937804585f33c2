"""Spending: what an agent's calls took in the last hour, and whether another fits its budget."""

from collections import deque
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from contracts.calls import CallBudget, ModelPrice, Usd
from contracts.model import Contract, Name
from contracts.payloads import Usage

HOUR_MICROS = 3_600_000_000


class Charge(Contract):
    """One call: what is reserved for it, and once it is known, what it took."""

    micros: int
    decision_id: Name
    calls: Annotated[int, Field(ge=0, le=1)] = 1
    tokens: Annotated[int, Field(ge=0)]
    usd: Usd


class Spending(Contract):
    """The charges of the last 60 minutes of event time, by time: what is kept of a `SpentHour`."""

    charges: tuple[Charge, ...] = ()


class SpentHour:
    """The last 60 minutes of event time: charges as they come and go, and their sums.

    A call is charged before it is made, with the most that it can take, and settled when its usage is told; what is never
    told stays as it was reserved. With 2 calls an hour:

        asked     10:00   10:20   10:40          11:00
        charged   1st     2nd     no: 2 of 2     3rd, the 1st is an hour old
    """

    def __init__(self, spending: Spending | None = None) -> None:
        self._charges: deque[Charge] = deque()
        self._calls, self._tokens, self._usd = 0, 0, Decimal(0)
        for charge in spending.charges if spending else ():
            self._add(charge)

    @property
    def spending(self) -> Spending:
        """As a value."""
        return Spending.of_valid({"charges": tuple(self._charges)})

    def go_on(self, micros: int) -> None:
        """Forget what is an hour old. Time never runs back: an older moment is the latest charge's."""
        oldest = self._now(micros) - HOUR_MICROS
        while self._charges and self._charges[0].micros <= oldest:
            self._count(self._charges.popleft(), -1)

    def exceeded(self, budget: CallBudget, tokens: int, usd: Decimal) -> str:
        """Which limit one more call would exceed, in words; empty when it fits."""
        if self._calls + 1 > budget.calls_per_hour:
            return f"{self._calls} of {budget.calls_per_hour} calls in the last hour"
        if self._tokens + tokens > budget.tokens_per_hour:
            return (
                f"{self._tokens} of {budget.tokens_per_hour} tokens in the last hour, "
                f"and the call needs {tokens}"
            )
        if self._usd + usd > budget.usd_per_hour:
            paid = sum([charge.usd for charge in self._charges], Decimal(0))  # in their own places
            return f"{paid} of {budget.usd_per_hour} USD in the last hour, and the call may cost {usd}"
        return ""

    def charge(self, micros: int, decision_id: str, tokens: int, usd: Decimal) -> None:
        """One more call."""
        self._add(Charge.of_known(micros=self._now(micros), decision_id=decision_id, tokens=tokens, usd=usd))

    def settle(self, usage: Usage) -> None:
        """What a call really took; a call that is not known, or an hour old, changes nothing."""
        for place in range(len(self._charges) - 1, -1, -1):  # mostly it is one of the latest
            charge = self._charges[place]
            if charge.decision_id == usage.decision_id:
                self._charges[place] = settled = _settled(charge, usage)
                self._count(charge, -1)
                self._count(settled, 1)
                return

    def _add(self, charge: Charge) -> None:
        self._charges.append(charge)
        self._count(charge, 1)

    def _count(self, charge: Charge, sign: int) -> None:
        self._calls += sign * charge.calls
        self._tokens += sign * charge.tokens
        self._usd += sign * charge.usd

    def _now(self, micros: int) -> int:
        return max(micros, self._charges[-1].micros) if self._charges else micros


def reservation(budget: CallBudget, price: ModelPrice | None) -> tuple[int, Decimal]:
    """The most tokens and dollars that one call can take."""
    usd = price.cost(budget.tokens_in, budget.tokens_out) if price else Decimal(0)
    return budget.tokens_in + budget.tokens_out, usd


def _settled(charge: Charge, usage: Usage) -> Charge:
    if not usage.made:
        return charge.with_valid(calls=0, tokens=0, usd=Decimal(0))
    if usage.tokens_in is None or usage.tokens_out is None:
        return charge
    usd = charge.usd if usage.cost_usd is None else usage.cost_usd
    return charge.with_valid(tokens=usage.tokens_in + usage.tokens_out, usd=usd)
