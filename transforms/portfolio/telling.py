"""Telling: when the desk says how its book and its risk stand."""

from typing import Any

from contracts.risk.drift import drifts
from contracts.risk.standing import RiskStanding
from transforms.portfolio.report import MESSAGES, Report

_MINUTE = 60_000_000


class Telling:
    """Risk is told once a minute of the desk's clock and whenever the desk's state changes; the book after each change."""

    def __init__(self, standing: RiskStanding) -> None:
        self._standing = standing
        self._told_minute = 0
        self._is_told = True

    @property
    def is_told(self) -> bool:
        """Whether the book has been told as it stands."""
        return self._is_told

    def book_changed(self) -> None:
        """The book is worth something else than what was told."""
        self._is_told = False

    def follow_drawdown(self, report: Report) -> bool:
        """Move between the drawdown bands; whether the desk's state changed and was told."""
        standing = self._standing
        if not standing.risk.follow(standing.book, standing.limits.now):
            return False
        self.risk(report, f"drawdown is {standing.book.drawdown:.2%}: the desk is {standing.state} now")
        return True

    def minute(self, report: Report) -> None:
        """The risk, when a new minute has begun since it was told."""
        if self._standing.clock // _MINUTE > self._told_minute:
            self.risk(report)

    def risk(self, report: Report, *alerts: str) -> None:
        """The risk and the book, with what everyone should hear about."""
        standing = self._standing
        self._told_minute = max(self._told_minute, standing.clock // _MINUTE)
        report.risk(standing.book, standing.state, standing.volatility.mean, *(a[:4_000] for a in alerts))
        self.portfolio(report)

    def portfolio(self, report: Report) -> None:
        """The book: a row."""
        standing = self._standing
        report.portfolio(standing.book, standing.state, drifts(standing.allotments, standing.book))
        self._is_told = True

    def consensus(self, report: Report, symbol: str) -> None:
        """What the agents agree on for a symbol, when that is news."""
        standing = self._standing
        news = standing.voices.news(symbol, standing.clock, standing.allotments.of)
        if news is not None:
            report.say(MESSAGES, news)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {"told_minute": self._told_minute, "is_told": self._is_told}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote."""
        self._told_minute = int(dumped["told_minute"])
        self._is_told = bool(dumped["is_told"])
