"""What the simulated venue assumes and charges. docs/matching.md says what each of it does to results."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from execution.matching.units import units

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SpreadModel:
    """The prices to trade at where no book is known.

    last price only     bid and ask lie `half_spread` (a share of it) to either side, rounded to the tick away from it
    bars                at each of them, and at each further `half_spread` behind, `depth_share` of the bar's volume
    quotes              the quoted quantity at the quote, and the same again at each further `half_spread` behind it

    There are `levels` of them, and behind the last nothing. A trade's price without a quote has no end of quantity.
    """

    half_spread: Decimal = Decimal("0.0001")
    depth_share: Decimal = Decimal("0.02")
    levels: int = 10


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """Cross margin: one wallet for all of an account's positions.

    An order needs `1 / leverage` of the value that the position may grow to; below `maintenance` (a share of the
    positions' value) the account is liquidated, at `liquidation_fee`.
    """

    leverage: int = 10
    maintenance: Decimal = Decimal("0.005")
    liquidation_fee: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Terms:
    """The venue's terms; rates are shares of the traded value.

    `margin`: without it anything can be bought and nobody is liquidated.
    `quote_life`: a book or quote that is older than other prices by more than this is no longer traded at.
    `bar_life`: what arrives when the last bar closed longer ago than this is refused, where nothing but bars tells prices;
    None: it trades at the last close however old that is.
    `remembers_taken`: what our orders took from the book is gone until the data tells its level (or quote, bar) anew.
    `bar_share`: of a bar's volume, how much one resting order can have traded with.
    `funding_rate`: where the data tells none.
    """

    maker_fee: Decimal = Decimal("0.0001")
    taker_fee: Decimal = Decimal("0.00035")
    order_latency: timedelta = timedelta()
    cancel_latency: timedelta = timedelta()
    quote_life: timedelta = timedelta(seconds=10)
    bar_life: timedelta | None = None
    spread: SpreadModel = field(default_factory=SpreadModel)
    remembers_taken: bool = True
    bar_share: Decimal = Decimal("0.1")
    funding_interval: timedelta = timedelta(hours=8)
    funding_rate: Decimal = Decimal(0)
    margin: MarginTerms | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when a rate is finer than 1e-8 or the funding interval is none."""
        for rate in (self.maker_fee, self.taker_fee, self.bar_share, self.funding_rate):
            units(rate)
        if self.funding_interval <= timedelta():
            raise ValueError("funding_interval must be longer than nothing")


def micros_of(span: timedelta) -> int:
    """A span in microseconds."""
    return span // _MICROSECOND
