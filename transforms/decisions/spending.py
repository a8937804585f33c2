"""Spending: what an agent's calls took in the last hour, and whether another fits its budget."""

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
    """The charges of the last 60 minutes of event time; a value.

    A call is charged before it is made, with the most that it can take, and settled when its usage is told; what is never
    told stays as it was reserved. With 2 calls an hour:

        asked     10:00   10:20   10:40          11:00
        charged   1st     2nd     no: 2 of 2     3rd, the 1st is an hour old
    """

    charges: tuple[Charge, ...] = ()

    def at(self, micros: int) -> "Spending":
        """Without what is an hour old. Time never runs back: an older moment is the latest charge's."""
        oldest = self._now(micros) - HOUR_MICROS
        old = 0
        for charge in self.charges:  # by time, so that the old ones come first
            if charge.micros > oldest:
                break
            old += 1
        return Spending.of_valid({"charges": self.charges[old:]}) if old else self

    def exceeded(self, budget: CallBudget, tokens: int, usd: Decimal) -> str:
        """Which limit one more call would exceed, in words; empty when it fits."""
        calls = sum([charge.calls for charge in self.charges])
        if calls + 1 > budget.calls_per_hour:
            return f"{calls} of {budget.calls_per_hour} calls in the last hour"
        spent = sum([charge.tokens for charge in self.charges])
        if spent + tokens > budget.tokens_per_hour:
            return f"{spent} of {budget.tokens_per_hour} tokens in the last hour, and the call needs {tokens}"
        paid = sum([charge.usd for charge in self.charges], Decimal(0))
        if paid + usd > budget.usd_per_hour:
            return f"{paid} of {budget.usd_per_hour} USD in the last hour, and the call may cost {usd}"
        return ""

    def charged(self, micros: int, decision_id: str, tokens: int, usd: Decimal) -> "Spending":
        """With one more call."""
        now = self._now(micros)
        charge = Charge.of_valid(
            {"micros": now, "decision_id": decision_id, "calls": 1, "tokens": tokens, "usd": usd}
        )
        return Spending.of_valid({"charges": (*self.charges, charge)})

    def settled(self, usage: Usage) -> "Spending":
        """With what a call really took; a call that is not known, or an hour old, changes nothing."""
        for place in range(len(self.charges) - 1, -1, -1):  # the latest are settled first
            charge = self.charges[place]
            if charge.decision_id == usage.decision_id:
                after = (*self.charges[:place], _settled(charge, usage), *self.charges[place + 1 :])
                return Spending.of_valid({"charges": after})
        return self

    def _now(self, micros: int) -> int:
        return max(micros, self.charges[-1].micros) if self.charges else micros


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
