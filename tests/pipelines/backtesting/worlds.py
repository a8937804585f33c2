"""Small markets to test a backtest on: bars by the minute, and a stream of quotes and trades, both by a fixed formula."""

import json
from datetime import UTC, datetime
from functools import cache
from math import sin
from pathlib import Path

from contracts.risk.limits import Limits
from contracts.roster import Roster, read_roster
from contracts.settings import Settings
from pipelines.backtesting.data import DataSpec
from pipelines.backtesting.scenario import Scenario

START = int(datetime(2024, 1, 15, tzinfo=UTC).timestamp())
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore"


def price(step: float, base: float = 40_000.0) -> float:
    """A price that swings, so that every rule has something to do."""
    return round(base * (1 + 0.004 * sin(step / 7) + 0.003 * sin(step / 2.3) + 0.0001 * step), 1)


def bar_line(minute: int, base: float = 40_000.0) -> str:
    """The bar of a minute as Binance publishes it."""
    opened, closed = price(minute, base), price(minute + 1, base)
    high, low = round(max(opened, closed) * 1.0005, 1), round(min(opened, closed) * 0.9995, 1)
    volume = 20 + minute % 7
    start = (START + 60 * minute) * 1_000
    return f"{start},{opened},{high},{low},{closed},{volume},{start + 59_999},{volume * closed},100,{volume / 2},1,0"


def write_bars(
    folder: Path, minutes: int, symbol: str = "BTCUSDT", base: float = 40_000.0, first: int = 0
) -> Path:
    """A file of bars, from the minute `first` of the day on."""
    path = folder / f"{symbol}-1m.csv"
    path.write_text(
        "\n".join([HEADER, *(bar_line(minute, base) for minute in range(first, first + minutes))]) + "\n"
    )
    return path


def write_stream(folder: Path, seconds: int) -> Path:
    """A recording of raw streams: each second four quotes and two trades, one of them through the quote."""
    path = folder / "stream.jsonl"
    with path.open("w") as file:
        number = 0
        for tick in range(seconds * 4):
            milli = START * 1_000 + tick * 250
            middle = price(tick / 8)
            quote = {"e": "bookTicker", "u": tick, "s": "BTCUSDT", "b": f"{middle - 0.5:.1f}", "B": "0.4",
                     "a": f"{middle + 0.5:.1f}", "A": "0.3", "T": milli, "E": milli}  # fmt: skip
            file.write(f"{milli * 1_000_000} {json.dumps({'stream': 'btcusdt@bookTicker', 'data': quote})}\n")
            if tick % 2 == 0:
                number += 1
                traded = middle + (0.5 if number % 2 else -0.5)
                trade = {"e": "trade", "E": milli + 10, "T": milli + 10, "s": "BTCUSDT", "t": number,
                         "p": f"{traded:.1f}", "q": "0.05", "X": "MARKET", "m": number % 2 == 0}  # fmt: skip
                file.write(
                    f"{(milli + 10) * 1_000_000} {json.dumps({'stream': 'btcusdt@trade', 'data': trade})}\n"
                )
    return path


def spec_of(path: Path, **how: object) -> DataSpec:
    """What asks for a file."""
    return DataSpec((str(path),), (path.name,), **how)  # type: ignore[arg-type]


@cache
def roster() -> Roster:
    """The desk's own."""
    return read_roster(Settings().roster)


def scenario(**changes: object) -> Scenario:
    """The desk as it is, with more money, so that a trade is worth an order at any price."""
    return Scenario(roster=roster().model_copy(update={"capital": 100_000.0}), limits=Limits(), **changes)  # type: ignore[arg-type]
