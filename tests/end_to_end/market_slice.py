"""Fifty seconds of a market in bars of five seconds, and a roster that decides at each: short enough to be lived through.

As a feed does that has just connected, the recording begins with the bars that were before it, all at once: a market that
stands still, in which nobody trades and about which nobody is asked twice. Then BTC swings and ETH rises, bar by bar, and
four agents trade. Between two bars lie five seconds, so what follows from one (the order, its fill, the word of it) has
long arrived, on a busy machine too, when the agents decide about the next.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from contracts.roster import Roster, read_roster
from contracts.settings import Settings

BAR_SECONDS = 5
_BEFORE = 20
"""Bars that are over when the recording begins: as many as the rules look back over, less what is lived through."""

_BTC = (-0.7, -0.55, -0.32, -0.14, 0.37, -1.08, 0.84, 0.18, 0.21, 0.25)
_ETH = (0.3, 0.7, 1.2, 1.7, 2.2, 2.6, 3.1, 3.6, 3.3, 3.4)
"""How far the price is from where it stood, bar by bar: chosen such that no agent trades at the very moment at which its
stop or target fills, for which of the two the desk hears of first is the transport's; and none at the last bar, with which a
backtest ends."""

BARS = _BEFORE + len(_BTC)

_START = int(datetime(2024, 1, 15, 6, tzinfo=UTC).timestamp())
_REACH = {"BTCUSDT": 0.0006, "ETHUSDT": 0.001}
"""How far a bar reaches beyond its ends, as a share of the price."""


def _price(symbol: str, bar: int) -> float:
    """The price at the end of a bar, counted from 1."""
    stood, unit, path = (40_000, 0.002, _BTC) if symbol == "BTCUSDT" else (2_500, 0.0016, _ETH)
    return round(stood * (1 + unit * path[bar - _BEFORE - 1]) if bar > _BEFORE else stood, 1)


def write_recording(path: Path) -> Path:
    """A recording of the venue's raw stream of bars."""
    known = [(max(bar, _BEFORE), _kline(symbol, bar)) for bar in range(1, BARS + 1) for symbol in _REACH]
    lines = (f"{(_START + BAR_SECONDS * at) * 1_000_000_000} {json.dumps(kline)}" for at, kline in known)
    path.write_text("\n".join(lines) + "\n")
    return path


def _kline(symbol: str, bar: int) -> dict[str, object]:
    opened, closed = _price(symbol, bar - 1), _price(symbol, bar)
    reach = _REACH[symbol]
    high, low = round(max(opened, closed) * (1 + reach), 1), round(min(opened, closed) * (1 - reach), 1)
    volume = 90 if bar > _BEFORE else 60
    start = (_START + BAR_SECONDS * (bar - 1)) * 1_000
    end = start + BAR_SECONDS * 1_000
    told = {
        "t": start, "T": end - 1, "s": symbol, "i": f"{BAR_SECONDS}s", "x": True, "n": 100,
        "o": str(opened), "c": str(closed), "h": str(high), "l": str(low),
        "v": str(volume), "q": str(volume * closed), "V": str(volume / 2),
    }  # fmt: skip
    return {"e": "kline", "E": end, "s": symbol, "k": told}


def write_roster(path: Path) -> Path:
    """The desk's own roster with a short cadence, and with more money, so that a trade is worth an order at any price."""
    own = read_roster(Settings.model_fields["roster"].default)
    agents = tuple(profile.model_copy(update={"cadence_seconds": BAR_SECONDS}) for profile in own.agents)
    roster = Roster.model_validate(
        own.model_copy(update={"capital": 100_000.0, "agents": agents}).model_dump()
    )
    path.write_bytes(roster.to_json())
    return path
