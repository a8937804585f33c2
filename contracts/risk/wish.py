"""A wish to trade: what a PROPOSAL and an HFT_SIGNAL have in common for the desk."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from contracts.message import Message
from contracts.payloads import HftSignal, Proposal, Side
from contracts.risk.money import exact
from contracts.time import to_micros


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to trade what.

    Exactly one of `size_fraction` (share of the agent's per-trade cap) and `notional` (quote currency) is given.
    `confidence` is from 0 to 1.
    `correlation_id` is the decision_id of a proposal and the message_id of a signal: the order's id follows from it.
    """

    message_id: str
    correlation_id: str
    agent: str
    symbol: str
    side: Side
    micros: int
    leverage: Decimal
    reduce_only: bool
    stop_loss: Decimal | None
    take_profit: Decimal | None
    size_fraction: Decimal | None = None
    notional: Decimal | None = None
    confidence: Decimal = Decimal(1)

    @classmethod
    def of(cls, message: Message) -> Self:
        """The wish in a PROPOSAL or HFT_SIGNAL; its agent is the sender."""
        said = message.payload
        if not isinstance(said, Proposal | HftSignal):
            raise TypeError(f"a {message.type} is no wish to trade")
        return cls(
            message_id=message.message_id,
            correlation_id=said.decision_id if isinstance(said, Proposal) else message.message_id,
            agent=message.sender,
            symbol=said.symbol,
            side=said.side,
            micros=to_micros(message.event_time),
            leverage=exact(said.leverage),
            reduce_only=said.reduce_only,
            stop_loss=said.stop_loss,
            take_profit=said.take_profit,
            size_fraction=exact(said.size_fraction) if isinstance(said, Proposal) else None,
            notional=said.notional if isinstance(said, HftSignal) else None,
            confidence=exact(said.confidence),
        )
