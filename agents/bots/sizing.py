"""How large a bot's trade is: within its cap, in whole lots, worth an order."""

from decimal import ROUND_UP, Decimal

from contracts.instruments import Instrument
from contracts.payloads import Guidance
from contracts.roster import AgentProfile, Roster

ACTIVE_SHARE = Decimal("0.80")
"""Of the desk's capital, what is traded with."""

PER_TRADE = Decimal("0.05")
"""Of an agent's allocation, what one trade may be worth; the risk book refuses more."""


def trade_cap(roster: Roster, profile: AgentProfile, guidance: Guidance | None) -> Decimal:
    """What one trade of the agent may be worth, in quote currency.

    From the capital that the portfolio gave it last; before it has, from its base share in the roster.
    """
    if guidance is not None:
        return max(Decimal(0), guidance.capital * PER_TRADE)
    weights = sum(Decimal(str(agent.capital_weight)) for agent in roster.agents)
    share = Decimal(str(profile.capital_weight)) / weights
    return Decimal(str(roster.capital)) * ACTIVE_SHARE * share * PER_TRADE


def room(cap: Decimal, guidance: Guidance | None) -> Decimal:
    """What a trade that adds risk may be worth: its cap, or what is left of the allocation when that is less."""
    return cap if guidance is None else max(Decimal(0), min(cap, guidance.remaining))


def quantity_to_close(instrument: Instrument, price: Decimal, cap: Decimal, held: Decimal) -> Decimal:
    """How much of a position one trade closes: all of it, or as many lots as fit the cap, one at least."""
    fits = max(instrument.round_quantity(cap / price), instrument.lot)
    return min(instrument.round_quantity(abs(held)), fits)


def quantity_for(instrument: Instrument, price: Decimal, cap: Decimal, fraction: float) -> Decimal:
    """The tradable quantity worth about `fraction` of `cap`, never above it.

    At least the smallest order that the venue takes; zero when not even that fits the cap.
    """
    smallest = (instrument.min_notional / price / instrument.lot).to_integral_value(ROUND_UP) * instrument.lot
    wanted = instrument.round_quantity(cap * Decimal(str(fraction)) / price)
    quantity = max(wanted, smallest)
    return quantity if quantity * price <= cap else Decimal(0)
