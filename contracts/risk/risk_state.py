"""What the desk still allows: the kill switch and the drawdown bands, and how both are released."""

from typing import Any

from contracts.payloads import DeskState
from contracts.risk.book import Book
from contracts.risk.drawdown import next_state
from contracts.risk.limits import Limits


class RiskState:
    """The desk's state.

    The kill switch holds until it is released. A drawdown halt does too; its release starts the high-water mark anew at
    the equity of that moment, so that the desk is not halted again at once.
    """

    def __init__(self) -> None:
        self.band = DeskState.ACTIVE
        self.killed = False
        self._killed_micros = 0

    def follow(self, book: Book, limits: Limits) -> bool:
        """Take up the book's drawdown; whether that changed the band."""
        before = self.band
        self.band = next_state(before, book.drawdown, limits)
        return self.band is not before

    def kill(self, micros: int) -> None:
        """Pull the kill switch."""
        self.killed = True
        self._killed_micros = max(self._killed_micros, micros)

    def release(self, micros: int, book: Book) -> bool:
        """Release kill switch and halt; False for a release that is older than the last pull, which changes nothing."""
        if micros < self._killed_micros:
            return False
        self.killed = False
        if self.band is DeskState.HALTED:
            book.rebase()
            self.band = DeskState.ACTIVE
        return True

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {"band": self.band, "killed": self.killed, "killed_micros": self._killed_micros}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self.band = DeskState(dumped["band"])
        self.killed = bool(dumped["killed"])
        self._killed_micros = int(dumped["killed_micros"])
