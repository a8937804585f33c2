"""Fifty seconds of a market in bars of a second, and a roster that decides every five: short enough to be lived through.

BTC leaps every ten seconds and comes back in five: mean reversion and both bots trade that. ETH swings slowly: momentum and
the portfolio trade that. Between two wishes of an agent in a symbol lie five seconds, so what follows from one (the order,
its fill, the message about it) has long arrived, on a busy machine too, when the agent decides again.
"""

from datetime import UTC, datetime
from math import pi, sin
from pathlib import Path

from contracts.roster import Roster, read_roster
from contracts.settings import Settings

SECONDS = 50
CADENCE_SECONDS = 5
APART_SECONDS = 5
"""So far apart are two wishes of one agent in one symbol at least."""

_START = int(datetime(2024, 1, 15, 6, tzinfo=UTC).timestamp())
_HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore"
_LEAPS = {21: 1, 31: -1, 41: -1}
"""When the price leaps (a second at which the agents are asked), and which way."""

_AWAY = (1.0, 0.5, 0.4, 0.35, 0.3, -0.04)
"""How much of a leap is left, second by second."""


def _btc(second: int) -> float:
    away = sum(way * _AWAY[second - at] for at, way in _LEAPS.items() if 0 <= second - at < len(_AWAY))
    return 40_000 * (1 + 0.003 * away + 0.000_02 * sin(second))


def _eth(second: int) -> float:
    return 2_500 * (1 + 0.003 * sin(2 * pi * second / 56))


_MARKETS = {"BTCUSDT": (_btc, 0.001), "ETHUSDT": (_eth, 0.0015)}
"""Each symbol's price, and how far its bars reach beyond their ends, as a share of it."""


def write_recording(folder: Path) -> Path:
    """A folder with a file of bars for each symbol, as Binance publishes them."""
    folder.mkdir(parents=True)
    for symbol, (price, reach) in _MARKETS.items():
        closes = [round(price(second), 1) for second in range(SECONDS + 1)]
        lines = [_bar(second, *closes[second - 1 : second + 1], reach) for second in range(1, SECONDS + 1)]
        (folder / f"{symbol}-1s.csv").write_text("\n".join([_HEADER, *lines]) + "\n")
    return folder


def _bar(second: int, opened: float, closed: float, reach: float) -> str:
    """The bar that ends with a second."""
    high, low = round(max(opened, closed) * (1 + reach), 1), round(min(opened, closed) * (1 - reach), 1)
    volume = 90 if second in _LEAPS else 60
    start = (_START + second - 1) * 1_000
    return f"{start},{opened},{high},{low},{closed},{volume},{start + 999},{volume * closed},100,{volume / 2},1,0"


def write_roster(path: Path) -> Path:
    """The desk's own roster with a short cadence, and with more money, so that a trade is worth an order at any price."""
    own = read_roster(Settings.model_fields["roster"].default)
    agents = tuple(profile.model_copy(update={"cadence_seconds": CADENCE_SECONDS}) for profile in own.agents)
    roster = Roster.model_validate(
        own.model_copy(update={"capital": 100_000.0, "agents": agents}).model_dump()
    )
    path.write_bytes(roster.to_json())
    return path
