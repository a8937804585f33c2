"""Quality: what the desk should know about a market's data before it trusts it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from contracts.market_data import MarketBatch
from contracts.rows.market import MarketQuality, QualityKind
from contracts.time import from_micros
from transforms.market.bars import Bar

JUMP_SCORE = 8.0
"""A bar's return with a robust z-score beyond this is a jump: far outside of what a market does on its own."""


class Finding(NamedTuple):
    """One such thing: when, what, how much of it, and in words."""

    micros: int
    kind: QualityKind
    value: float
    detail: str

    def row(self, symbol: str, source: str) -> MarketQuality:
        """The finding as a row; `source` tells findings of one kind and moment apart."""
        return MarketQuality(
            row_id=f"{self.micros:014x}-{symbol}-{self.kind}-{source}"[:64],
            event_time=from_micros(self.micros),
            symbol=symbol,
            kind=self.kind,
            value=self.value,
            detail=self.detail,
        )


def gap(micros: int, batch: MarketBatch, missing: int) -> Finding:
    """Batches are missing before this one."""
    detail = f"{missing} batches of {batch.kind} are missing before number {batch.sequence}"
    return Finding(micros, QualityKind.GAP, missing, detail)


def feed_restart(micros: int, batch: MarketBatch) -> Finding:
    """The feed counts from the beginning again."""
    detail = f"the feed counts its {batch.kind} batches from {batch.sequence} again"
    return Finding(micros, QualityKind.FEED_RESTART, batch.sequence, detail)


def broken_book(micros: int, times: int) -> Finding:
    """The chain of the book's updates broke."""
    return Finding(
        micros, QualityKind.BOOK_GAP, times, "the order book missed an update and waits for a snapshot"
    )


def findings_of_bar(bar: Bar, features: Mapping[str, float]) -> Iterator[Finding]:
    """What is remarkable about a bar that just closed."""
    if bar.volume == 0:
        detail = f"nothing was traded in {bar.seconds} s"
        yield Finding(bar.end_micros, QualityKind.ZERO_VOLUME, 0.0, detail)
    score = features.get("jump_score_60", 0.0)
    if abs(score) > JUMP_SCORE:
        detail = (
            f"a return of {features['return_1']:+.4%}, {score:+.1f} robust deviations from the bars before"
        )
        yield Finding(bar.end_micros, QualityKind.PRICE_JUMP, score, detail)
