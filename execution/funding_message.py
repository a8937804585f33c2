"""The message that tells the desk what one of its agents' positions paid or got for funding."""

from contracts.bookings import Funding
from contracts.ids import derived_id
from contracts.message import Message, said_by
from contracts.time import from_micros
from execution.execution_message import SENDER
from execution.matching.events import Funded
from execution.matching.units import amount_of, money_of


def funding_message(desk: str, agent: str, funded: Funded, venue: str) -> Message:
    """Its id follows from desk, agent, symbol and funding time, so that it is booked once however often it is told."""
    moment = from_micros(funded.micros)
    identifier = derived_id(moment, SENDER, desk, agent, funded.symbol, "funding")
    funding = Funding(
        funding_id=identifier,
        agent=agent,
        symbol=funded.symbol,
        quantity=amount_of(funded.quantity),
        mark_price=amount_of(funded.mark),
        rate=amount_of(funded.rate),
        amount=money_of(funded.amount),
        funded_at=moment,
        venue=venue,
    )
    return said_by(SENDER, funding, desk=desk, event_time=moment, derived_from=(identifier,))
