"""Nothing that comes after a moment changes anything before it: the future is cut off, shuffled, or another one."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.backtest import BacktestResult
from contracts.message import Message
from contracts.payloads import Snapshot
from contracts.time import to_micros
from contracts.topics import Topic
from pipelines.backtesting.run import run_scenario
from tests.pipelines.backtesting.worlds import HEADER, START, bar_line, scenario, spec_of

MINUTES = 34


class Seen(NamedTuple):
    """All of a run that happened before a moment."""

    fills: list[Any]
    orders: list[Any]
    equity: list[Any]
    logs: list[tuple[int, str, bytes]]


def run_before(minutes: list[int], moment: int) -> Seen:
    """What happens before `moment` on bars whose prices are those of `minutes`, one after the other."""
    logs: list[tuple[int, str, bytes]] = []

    def observe(now: int, topic: Topic, message: Message) -> None:
        if isinstance(message.payload, Snapshot):
            assert to_micros(message.event_time) <= now, "a bar is known when it has closed"
        if now < moment:
            logs.append((now, topic.name, message.to_json()))

    with TemporaryDirectory() as folder:
        path = Path(folder) / "BTCUSDT-1m.csv"
        path.write_text(
            "\n".join([HEADER, *(at_minute(place, of) for place, of in enumerate(minutes))]) + "\n"
        )
        result = run_scenario(spec_of(path), scenario(), observer=observe)
    return seen_before(result, moment, logs)


def at_minute(place: int, of: int) -> str:
    """The bar of the minute `of`, told as that of the minute `place`."""
    fields, when = bar_line(of).split(","), bar_line(place).split(",")
    fields[0], fields[6] = when[0], when[6]
    return ",".join(fields)


def seen_before(result: BacktestResult, moment: int, logs: list[tuple[int, str, bytes]]) -> Seen:
    curve = result.equity
    return Seen(
        [fill for fill in result.fills if fill.micros < moment],
        [
            (order.decided_micros, order.client_order_id, order.side, order.quantity)
            for order in result.orders
            if order.decided_micros < moment
        ],
        [
            row
            for row in zip(curve.micros, curve.equity, curve.gross_exposure, strict=True)
            if row[0] < moment
        ],
        logs,
    )


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(kept=st.integers(22, MINUTES - 2), seed=st.integers(0, 1_000), cut=st.booleans())
def test_the_future_changes_nothing(kept: int, seed: int, cut: bool) -> None:
    past, future = list(range(kept)), list(range(kept, MINUTES))
    Random(seed).shuffle(future)
    other = past if cut else past + future
    moment = (START + 60 * (kept + 1)) * 1_000_000  # when the first bar that differs becomes known
    as_it_was, otherwise = run_before(list(range(MINUTES)), moment), run_before(other, moment)
    if cut:  # without the next bar nothing says that time has passed behind the last one
        moment = (START + 60 * kept) * 1_000_000
        logs = [entry for entry in as_it_was.logs if entry[0] <= moment]
        as_it_was = as_it_was._replace(
            fills=[fill for fill in as_it_was.fills if fill.micros <= moment],
            orders=[order for order in as_it_was.orders if order[0] < moment],
            equity=[row for row in as_it_was.equity if row[0] < moment],
            logs=logs,
        )
        otherwise = otherwise._replace(
            orders=[order for order in otherwise.orders if order[0] < moment],
            equity=[row for row in otherwise.equity if row[0] < moment],
            logs=[entry for entry in otherwise.logs if entry[0] <= moment],  # then the venue is heard out
        )
    assert as_it_was.fills, "there is something to compare"
    assert otherwise == as_it_was
