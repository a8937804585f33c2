"""The backtest against the jobs: each job's own steps, as a stream, on the log that it would have had.

The logs are the backtest's; transport is Beam's TestStream instead of Pub/Sub. Each message goes through its bytes, is
addressed and read as in the job, and the core's state goes through its state cell. What a job then says must be what the
backtest said: the same snapshots, decisions, deliveries, verdicts and orders, with the same ids, to the byte.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream

from agents.endpoints.handler import DecisionHandler
from agents.endpoints.in_process import InProcess
from contracts.market_data import MarketKind
from contracts.message import Message
from contracts.settings import Settings
from contracts.topics import MESSAGES, SNAPSHOTS, TRADING, Topic
from pipelines.backtesting import run as backtest_run
from pipelines.backtesting.collecting import Collected
from pipelines.backtesting.data import open_data
from pipelines.backtesting.market_log import market_news, settings_of
from pipelines.backtesting.run import run_scenario
from tests.pipelines.backtesting.worlds import roster, scenario, spec_of, write_bars
from transforms.coordination import desk as coordination
from transforms.coordination.desk import CoordinationOf
from transforms.coordination.reading import CoordinationIntake
from transforms.core import ROWS, Output
from transforms.decisions.agent_context import REQUESTS
from transforms.decisions.consequences import DECISIONS, PROPOSALS
from transforms.decisions.deciding import Decide
from transforms.decisions.readers import AgentContexts, ContextIntake
from transforms.emission import Emission
from transforms.intake import MarketDataIntake
from transforms.log import Raw
from transforms.market.job import MarketOf
from transforms.market.symbol import MARKS
from transforms.market.symbol import SNAPSHOTS as SNAPSHOT_PORT
from transforms.ordering import ApplyInOrder
from transforms.portfolio.desk import Desk
from transforms.portfolio.reading import TradingIntake
from transforms.portfolio.report import ORDERS

MINUTES = 26

_emitted: dict[str, list[Emission]] = {}


class _Keep(beam.DoFn):
    """Keeps what a job emits: the local streaming runner works in this process."""

    def __init__(self, job: str) -> None:
        self._job = job

    def process(self, emission: Emission) -> None:
        _emitted[self._job].append(emission)


def as_a_stream(job: str, raws: Iterable[Raw], step: Callable[[Any], Any]) -> dict[str, list[bytes]]:
    """What a job says by port, in the order in which it was said for each key."""
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    _emitted[job] = []
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
    source = (
        TestStream(coder=registry.get_coder(Raw)).add_elements(list(raws)).advance_watermark_to_infinity()
    )
    emissions = step(pipeline | "Source" >> source)
    _ = emissions | "Keep" >> beam.ParDo(_Keep(job)).with_output_types(None)
    pipeline.run().wait_until_finish()
    said = defaultdict(list)
    for emission in sorted(_emitted[job], key=lambda emission: emission.order):
        said[emission.port].append(emission.value.to_json())
    return said


class Told(Collected):
    """Keeps every output beside the counts."""

    unheard = frozenset()
    said: dict[str, dict[str, list[bytes]]]

    def output(self, job: str, output: Output) -> None:
        self.said[job][output.port].append(output.value.to_json())
        super().output(job, output)


class Slice:
    """A slice of a day in the backtest: each job's log, and what each job said."""

    def __init__(self, bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spec = spec_of(bars)
        self.logs: dict[Topic, list[Message]] = defaultdict(list)
        Told.said = defaultdict(lambda: defaultdict(list))
        monkeypatch.setattr(backtest_run, "Collected", Told)
        self.result = run_scenario(self.spec, scenario(), observer=self._observe)
        self.said = Told.said

    def _observe(self, micros: int, topic: Topic, message: Message) -> None:
        self.logs[topic].append(message)

    def log(self, topic: Topic) -> list[Raw]:
        return [Raw(message.to_json(), {}, 0) for message in self.logs[topic]]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Slice]:
    with pytest.MonkeyPatch.context() as patch:
        yield Slice(write_bars(tmp_path_factory.mktemp("day"), MINUTES), patch)


def test_the_market_job_says_the_same(day: Slice) -> None:
    raws = [Raw(t.batch.encode(), t.batch.attributes(), 0) for t in open_data(day.spec).batches()]
    settings = settings_of(day.spec, scenario().market)
    step = ApplyInOrder("market", MarketDataIntake(), MarketOf(roster().desk, settings), streaming=True)
    said = as_a_stream("market", raws, lambda source: source | "Follow markets" >> step)
    news = market_news(day.spec, roster().desk, scenario().market)
    assert said[SNAPSHOT_PORT] == [message.to_json() for item in news for message in item.snapshots]
    assert said[MARKS] == [message.to_json() for item in news for message in item.marks]
    assert len(said[SNAPSHOT_PORT]) == MINUTES
    assert {timed.batch.kind for timed in open_data(day.spec).batches()} == {MarketKind.BAR}


def test_the_decisions_job_decides_the_same(day: Slice) -> None:
    contexts = ApplyInOrder(
        "decisions", ContextIntake(roster()), AgentContexts(scenario().roster), streaming=True
    )
    handler = DecisionHandler(scenario().roster, InProcess.of(roster()), tells_latency=False)
    said = as_a_stream(
        "decisions",
        day.log(SNAPSHOTS),
        lambda source: source | "Keep contexts" >> contexts | "Decide" >> Decide(handler),
    )
    for port in (DECISIONS, PROPOSALS, ROWS):
        assert sorted(said[port]) == sorted(day.said["decisions"][port]), port
    assert len(said[DECISIONS]) == 5 * MINUTES
    assert said[PROPOSALS]
    assert not said[REQUESTS]


def test_the_coordination_job_delivers_the_same(day: Slice) -> None:
    path = str(Settings().roster)
    step = ApplyInOrder("coordination", CoordinationIntake(path), CoordinationOf(path), streaming=True)
    said = as_a_stream("coordination", day.log(MESSAGES), lambda source: source | "Coordinate" >> step)
    for port in (coordination.INBOX, coordination.CONTEXTS, coordination.ADMITTED, ROWS):
        assert said[port] == day.said["coordination"][port], port
    assert said[coordination.CONTEXTS]


def test_the_trading_job_orders_the_same(day: Slice) -> None:
    told = scenario()
    step = ApplyInOrder(
        "trading",
        TradingIntake(told.roster),
        lambda desk: Desk(desk, told.roster, told.limits),
        streaming=True,
    )
    said = as_a_stream("trading", day.log(TRADING), lambda source: source | "Keep the book" >> step)
    assert said[ORDERS] == day.said["trading"][ORDERS]
    assert said[ROWS] == day.said["trading"][ROWS][: len(said[ROWS])], (
        "a bounded run tells the book once more in the end"
    )
    assert len(said[ORDERS]) > 5
