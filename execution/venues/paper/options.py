"""What the paper venue charges and assumes, as the service is started with it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.matching.terms import MarginTerms, SpreadModel, Terms


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """Rates are shares of the traded value; docs/matching.md says what each does to results.

    `max_price_age`: how far the price in force may lie from the moment of the decision: beyond it the order is rejected,
    because the desk and the venue do not see the same market. `patience`: how long the venue waits, by the desk's clock, for
    market data of the moment at which something is due before it goes by the last it has. `balance`: what each agent's
    account begins with (quote currency); without one there is no margin and no liquidation.
    """

    maker_fee: Decimal = Decimal("0.0001")
    taker_fee: Decimal = Decimal("0.00035")
    half_spread: Decimal = Decimal("0.0001")
    latency: timedelta = timedelta()
    max_price_age: timedelta = timedelta(minutes=5)
    quote_life: timedelta = timedelta(seconds=10)
    remembers_taken: bool = True
    patience: timedelta = timedelta(seconds=1)
    balance: Decimal | None = None
    leverage: int = 10

    def terms(self) -> Terms:
        """The matching core's terms."""
        return Terms(
            maker_fee=self.maker_fee,
            taker_fee=self.taker_fee,
            order_latency=self.latency,
            cancel_latency=self.latency,
            quote_life=self.quote_life,
            spread=SpreadModel(half_spread=self.half_spread),
            remembers_taken=self.remembers_taken,
            margin=None if self.balance is None else MarginTerms(leverage=self.leverage),
        )
