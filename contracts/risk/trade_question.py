"""What an agent asks before it proposes a trade: the body of POST /agent/{agent}/validate-trade."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.model import Name, Unit
from contracts.payloads import Brackets, Leverage, Side
from contracts.risk.money import exact
from contracts.risk.wish import Wish


class TradeQuestion(Brackets):
    """A trade that is thought of, sized as a PROPOSAL (`size_fraction`) or as an HFT_SIGNAL (`notional`): one of the two."""

    symbol: Name
    size_fraction: Unit | None = None
    notional: Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=8)] | None = None
    confidence: Unit = 1.0
    leverage: Leverage = 1.0
    reduce_only: bool = False

    @model_validator(mode="after")
    def _is_a_trade_of_one_size(self) -> Self:
        if self.side is Side.HOLD:
            raise ValueError("a HOLD is no trade: ask for a BUY or a SELL")
        if (self.size_fraction is None) == (self.notional is None):
            raise ValueError(
                "give either size_fraction (as a proposal does) or notional (as a signal does, quote currency)"
            )
        return self

    def wish(self, agent: str, micros: int) -> Wish:
        """The wish that the agent would have, at that time."""
        return Wish(
            message_id="asked",
            correlation_id="asked",
            agent=agent,
            symbol=self.symbol,
            side=self.side,
            micros=micros,
            leverage=exact(self.leverage),
            reduce_only=self.reduce_only,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            size_fraction=None if self.size_fraction is None else exact(self.size_fraction),
            notional=self.notional,
            confidence=exact(self.confidence),
        )
