"""Whether the service can take orders: every part asked, each with its own sentence."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from contracts.time import Clock
from execution.ledger.ledger import Ledger
from execution.placement import Placement
from execution.venues.venue import Venue


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether orders can be taken, and for each part `ok` or what it misses."""

    ready: bool
    checks: dict[str, str]


@dataclass(frozen=True, slots=True)
class ReadinessChecks:
    """The parts that orders need."""

    ledger: Ledger
    venue: Venue
    placement: Placement
    clock: Clock
    outbox_trouble: Callable[[], str | None]

    def __call__(self) -> Readiness:
        """Ask them all."""
        found = {
            "ledger": self._ledger_trouble(),
            "clock": self._clock_trouble(),
            "venue": self.venue.missing(),
            "reconciled": self.placement.trouble(),
            "outbox": self.outbox_trouble(),
        }
        return Readiness(
            ready=all(trouble is None for trouble in found.values()),
            checks={name: trouble or "ok" for name, trouble in found.items()},
        )

    def _ledger_trouble(self) -> str | None:
        try:
            self.ledger.ping()
        except SQLAlchemyError as error:
            return f"the ledger does not answer: {type(error).__name__}"
        return None

    def _clock_trouble(self) -> str | None:
        try:
            self.clock.now()
        except FileNotFoundError:
            return "the replay clock's file (SAPPHIRE_CLOCK) is not there yet"
        return None
