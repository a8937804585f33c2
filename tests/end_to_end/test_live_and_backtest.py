"""The same market lived through at its own speed on the whole stack, and backtested: the same decisions and orders.

Everything that the two say of decisions, signals, verdicts and orders is compared, row by row and column by column. Left
out are only the columns that tell of clock and transport: a row's place in its job's log, and the moment at which the
gateway took in what a bot said.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.message import Message
from contracts.payloads import HftSignal, Proposal
from contracts.roster import read_roster
from contracts.rows.communication import MessageRow
from contracts.rows.decisions import DecisionRow
from contracts.rows.trading import ExecutionRow, OrderRow, RiskVerdict
from contracts.settings import Settings
from infra.local.bigquery import tables_of
from pipelines.backtesting import run as backtest_run
from pipelines.backtesting.collecting import Collected
from pipelines.backtesting.plan import Wanted, tasks_of
from pipelines.backtesting.run import run_scenario
from tests.end_to_end.market_slice import BARS, write_recording, write_roster
from tests.end_to_end.whole_run import LIMIT, Finished, log_ends, run_desk
from transforms.core import Output

SYMBOLS, TRADING = 2, 4

_PLACE = {"row_id", "position"}
"""Where in which log; a decision's row_id does not tell it."""

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(LIMIT + 60)]

Rows = dict[type[Any], list[Any]]


@dataclass(frozen=True)
class Day:
    """The slice, lived and backtested: the rows of the tables that are compared."""

    run: Finished
    bots: frozenset[str]
    live: Rows
    backtest: Rows


def backtested(recording: Path, roster: Path) -> Rows:
    """Every row of the one run that `pipelines.backtest` makes of the slice."""
    rows: Rows = defaultdict(list)

    class Kept(Collected):
        def output(self, job: str, output: Output) -> None:
            rows[type(output.value)].append(output.value)
            super().output(job, output)

    (task,) = tasks_of(Wanted(inputs=(str(recording),), roster=roster), Settings())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest_run, "Collected", Kept)
        run_scenario(task.spec, task.scenario)
    return rows


def lived(state: Path) -> Rows:
    """The same tables as the run left them in BigQuery."""
    rows: Rows = {}
    with tables_of(state) as client:
        for model in (DecisionRow, MessageRow, RiskVerdict, OrderRow):
            found = client.query_and_wait(f"SELECT * FROM `{client.project}.sapphire.{model.table}`")
            rows[model] = [model.model_validate(_as_told(row)) for row in found]
    return rows


def _as_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A column of JSON comes back as what it says."""
    return {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else value
        for name, value in row.items()
    }


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("slice")
    recording, roster = write_recording(folder / "bars.jsonl"), write_roster(folder / "roster.json")
    run = run_desk(folder, "--speed", "1", "--recording", str(recording), SAPPHIRE_ROSTER=str(roster))
    bots = {profile.agent for profile in read_roster(roster).agents if not profile.is_model_backed}
    yield Day(run, frozenset(bots), lived(run.state), backtested(recording, roster))


def told(rows: list[Any], key: str, without: set[str]) -> dict[str, dict[str, Any]]:
    """The rows by their key, each of which is there once."""
    by_key = {getattr(row, key): row.model_dump(exclude=without) for row in rows}
    assert len(by_key) == len(rows)
    return by_key


def test_the_run_went_well(day: Day) -> None:
    assert day.run.exit_code == 0, f"{day.run.screen}\n{log_ends(day.run.state)}"
    counts = day.run.summary["counts"]
    assert counts["market_events"] == counts["snapshots"] == SYMBOLS * BARS
    assert counts["dead_letters"] == 0


def test_there_is_enough_to_compare(day: Day) -> None:
    decisions = day.backtest[DecisionRow]
    assert len(decisions) >= 100
    assert {row.outcome for row in decisions} == {"answered"}
    assert {row.agent for row in decisions} | day.bots == set(read_roster(Settings().roster).by_agent)
    sides = Counter(str(row.side) for row in decisions)
    assert min(sides["BUY"], sides["SELL"], sides["HOLD"]) >= 4
    orders = Counter(row.agent for row in day.backtest[OrderRow])
    assert orders.total() >= 20
    assert len(orders) == TRADING
    assert min(orders[bot] for bot in day.bots) >= 3


def test_no_agent_trades_when_its_stop_or_target_fills(day: Day) -> None:
    """Which of the two the desk hears of first would be luck, live; see the slice."""
    followed: dict[str, Any] = {}
    for message in day.backtest[Message]:
        if isinstance(message.payload, HftSignal | Proposal):
            followed[message.message_id] = message.payload.as_of
    wishes = {(row.agent, row.symbol, followed[row.message_id]) for row in day.backtest[RiskVerdict]}
    fills = [row for row in day.backtest[ExecutionRow] if row.last_quantity is not None]
    assert fills
    assert not [row for row in fills if (row.agent, row.symbol, row.event_time) in wishes]


def test_the_decisions_are_the_same(day: Day) -> None:
    live, backtest = (
        told(rows[DecisionRow], "decision_id", {"position"}) for rows in (day.live, day.backtest)
    )
    assert live == backtest


def test_the_bots_signals_are_the_same(day: Day) -> None:
    def signals(rows: Rows) -> dict[str, tuple[Any, ...]]:
        return {
            row.message_id: (row.sender, row.symbol, row.verdict, orjson.loads(row.payload))
            for row in rows[MessageRow]
            if row.type == "HFT_SIGNAL"
        }

    live = signals(day.live)
    assert live == signals(day.backtest)
    assert {sender for sender, *_ in live.values()} == day.bots


def test_the_desks_verdicts_are_the_same(day: Day) -> None:
    live, backtest = (
        told(rows[RiskVerdict], "message_id", _PLACE | {"event_time"}) for rows in (day.live, day.backtest)
    )
    assert live == backtest


def test_the_orders_are_the_same(day: Day) -> None:
    live, backtest = (
        told(rows[OrderRow], "client_order_id", _PLACE | {"event_time"}) for rows in (day.live, day.backtest)
    )
    assert live == backtest


def test_what_follows_from_a_decision_has_its_moment(day: Day) -> None:
    """An order that a model-backed agent decided is dated as its decision: only bots speak when they speak."""

    def moments(rows: Rows) -> dict[str, Any]:
        return {row.client_order_id: row.event_time for row in rows[OrderRow] if row.agent not in day.bots}

    assert moments(day.live) == moments(day.backtest)
