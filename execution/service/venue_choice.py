"""Which venue the service trades on, with what runs for it: `paper` follows market data, `aster` its own streams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts import topics
from contracts.settings import Settings
from execution.funding_message import funding_message
from execution.ledger.ledger import Ledger
from execution.market_follower import MarketFollower, Subscriber
from execution.protection.limits import ProtectionLimits
from execution.service.live_trading import LiveRefused
from execution.venues.paper.options import PaperOptions
from execution.venues.paper.paper_time import PaperTime
from execution.venues.paper.paper_venue import PaperVenue
from execution.venues.venue import Venue


class VenueName(StrEnum):
    """The venues that can be chosen."""

    PAPER = "paper"
    ASTER = "aster"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A venue, how what runs for it is started and stopped, what that counted, and how it takes up an earlier process."""

    venue: Venue
    start: Callable[[], None]
    stop: Callable[[], None]
    counts: Callable[[], Mapping[str, int]]
    resume: Callable[[Ledger], None] = lambda ledger: None


def paper(settings: Settings, options: PaperOptions, subscriber: Subscriber) -> Chosen:
    """The paper venue, which follows market data on a subscription of its own, and the desk's clock where there is none."""
    venue = PaperVenue(options)
    follower = MarketFollower(subscriber, topics.PAPER_VENUE.path(settings.project), venue.take)
    time = PaperTime(settings.desk_clock, venue.advance)

    def resume(ledger: Ledger) -> None:
        venue.resume(ledger.open_orders(), ledger.holdings_by_agent())
        venue.listen_to_funding(
            lambda desk, agent, funded: ledger.tell(funding_message(desk, agent, funded, venue.name))
        )

    def start() -> None:
        follower.start()
        time.start()

    def stop() -> None:
        time.stop()
        follower.stop()

    return Chosen(venue, start, stop, lambda: follower.counts, resume)


def aster(settings: Settings, limits: ProtectionLimits) -> Chosen:
    """The Aster venue, for the symbols of the limits; raises `AsterSettingsError` and `LiveRefused`."""
    # ccxt takes seconds to import, which the paper venue does not need.
    from execution.venues.aster.aster_venue import AsterVenue
    from execution.venues.aster.settings import AsterSettings

    if settings.clock != "wall":
        raise LiveRefused(
            "the Aster venue trades now: leave SAPPHIRE_CLOCK out, a replay's clock is another time"
        )
    venue = AsterVenue(AsterSettings.read(), limits.symbols)
    return Chosen(venue, venue.start, venue.stop, dict)
