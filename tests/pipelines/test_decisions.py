"""The decisions job as it is launched: a recorded log to files, and event time through the endpoints on a stream."""

import subprocess
import sys
from collections import Counter
from decimal import Decimal

import apache_beam as beam
import orjson
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to

from agents.endpoints.handler import DecisionHandler
from agents.endpoints.in_process import InProcess
from contracts.coder import register_contract_coders
from contracts.roster import read_roster
from contracts.settings import Settings
from pipelines.decisions import JOB
from pipelines.launch import LaunchError, launch
from tests.transforms.decisions.told import START, execution, snapshot, thesis
from transforms.decisions.deciding import Decide
from transforms.decisions.readers import AgentContexts, ContextIntake
from transforms.log import Raw
from transforms.ordering import ApplyInOrder

FILES = ["dead-letters", "decisions", "messages", "reasoning", "rows", "snapshots", "trading"]
MINUTES = 45
GOOD = [
    *(snapshot(n, f"{42_000 + 30 * n + n % 2}") for n in range(MINUTES)),
    *(snapshot(n, f"{2_500 + n % 3}", "ETHUSDT") for n in range(MINUTES)),
    thesis(3),
    execution(30.5, "0.002"),
]
BAD = {
    b"not JSON": "not_json",
    snapshot(1).to_json().replace(b"SNAPSHOT", b"GOSSIP"): "unknown_type",
    snapshot(1, "100").to_json().replace(b'"price":"100"', b'"price":"-1"'): "wrong_field",
    snapshot(1).to_json().replace(b'"schema_version":1', b'"schema_version":9'): "future_schema",
    thesis(1).model_copy(update={"recipient": None}).to_json(): "wrong_topic",
    thesis(1).to("freqtrade-hft").to_json(): "wrong_topic",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("decisions")
    lines = [*(said.to_json() for said in GOOD), *BAD]
    for name, log in (("one", lines), ("two", lines[::-1])):
        recorded = directory / f"{name}.jsonl"
        recorded.write_bytes(b"\n".join(log) + b"\n")
        launch(JOB, ["--input", str(recorded), "--output", str(directory / name)])
    return directory / "one", directory / "two"


def lines(directory, name):
    return [orjson.loads(line) for line in (directory / f"{name}.jsonl").read_bytes().splitlines()]


def test_equal_input_gives_equal_bytes_in_whatever_order_it_arrives(runs):
    one, two = runs
    assert sorted(path.stem for path in one.iterdir()) == FILES
    assert all((one / f"{n}.jsonl").read_bytes() == (two / f"{n}.jsonl").read_bytes() for n in FILES)


def test_every_agent_is_asked_and_every_call_is_a_row(runs):
    decisions = lines(runs[0], "decisions")
    asked = Counter((d["sender"], d["payload"]["symbol"]) for d in decisions)
    agents = ["deepseek-v3", "qwen-7b", "fingpt-alpha", "lagllama-degen", "profit-maximizer"]
    assert asked == {(agent, symbol): MINUTES for agent in agents for symbol in ("BTCUSDT", "ETHUSDT")}
    assert {d["payload"]["model"] for d in decisions} == {
        "rule:momentum", "rule:mean_reversion", "rule:sentiment_neutral", "forecast:statistical", "rule:allocation",
    }  # fmt: skip
    calls = [row["row"] for row in lines(runs[0], "rows") if row["table"] == "model_calls"]
    assert sorted(call["decision_id"] for call in calls) == sorted(d["correlation_id"] for d in decisions)
    assert {(call["outcome"], call["latency_ms"]) for call in calls} == {("answered", None)}
    assert {Decimal(call["cost_usd"]) for call in calls} == {0}  # rules cost nothing
    usages = lines(runs[0], "snapshots")
    assert sorted(usage["correlation_id"] for usage in usages) == sorted(
        call["decision_id"] for call in calls
    )


def test_a_trade_has_a_proposal_and_a_thesis_and_a_hold_has_none(runs):
    decisions = lines(runs[0], "decisions")
    trades = {d["correlation_id"] for d in decisions if d["payload"]["side"] != "HOLD"}
    assert trades
    for name, kind in (("trading", "PROPOSAL"), ("messages", "TRADE_THESIS")):
        said = [message for message in lines(runs[0], name) if message["type"] != "INSIGHT"]
        assert {message["type"] for message in said} == {kind}
        assert sorted(message["correlation_id"] for message in said) == sorted(trades)
    momentum = [
        decision["payload"]["side"]
        for decision in decisions
        if (decision["sender"], decision["payload"]["symbol"]) == ("deepseek-v3", "BTCUSDT")
    ]
    assert (momentum[18], momentum[30], momentum[31]) == ("BUY", "BUY", "HOLD")  # it holds from 10:30:30 on


def test_what_an_agent_noticed_goes_to_messages_once_for_each_answer_that_has_it(runs):
    insights = [message for message in lines(runs[0], "messages") if message["type"] == "INSIGHT"]
    assert {insight["sender"] for insight in insights} == {"lagllama-degen"}
    causes = {d["correlation_id"] for d in lines(runs[0], "decisions") if d["sender"] == "lagllama-degen"}
    assert len(insights) == len({insight["correlation_id"] for insight in insights} & causes) > 0


def test_what_is_refused_is_a_dead_letter_with_its_reason(runs):
    letters = lines(runs[0], "dead-letters")
    assert Counter(letter["reason"] for letter in letters) == Counter(BAD.values())


def test_a_roster_that_is_not_there_is_one_sentence(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"")
    with pytest.raises(LaunchError, match="there is no roster at"):
        launch(JOB, ["--input", str(log), "--output", str(tmp_path), "--roster", str(tmp_path / "none.yaml")])


def test_the_job_is_a_command(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "pipelines.decisions", "--input", "nowhere.jsonl", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (2, "decisions: there is no file nowhere.jsonl\n")


class _WithTime(beam.DoFn):
    def process(self, emission, moment=beam.DoFn.TimestampParam):
        yield (
            emission.port,
            emission.value.event_time.timestamp() if emission.port != "rows" else 0,
            float(moment),
        )


@pytest.mark.parametrize("bundles", [[[0], [1]], [[0, 1, 2, 3]]], ids=["apart", "asked together"])
def test_event_time_survives_the_endpoints_on_a_stream(bundles):
    register_contract_coders()
    roster = read_roster(Settings().roster)
    began = START.timestamp()
    stream = test_stream.TestStream().advance_watermark_to(began - 60)
    for minutes in bundles:
        raws = [(Raw(snapshot(minute).to_json(), {}, 0), began + 60 * minute) for minute in minutes]
        stream.add_elements([beam.window.TimestampedValue(raw, moment) for raw, moment in raws])
    options = PipelineOptions()
    options.view_as(StandardOptions).streaming = True
    options.view_as(StandardOptions).runner = "BundleBasedDirectRunner"
    with beam.Pipeline(options=options) as pipeline:
        decided = (
            pipeline
            | stream.advance_watermark_to_infinity()
            | ApplyInOrder("decisions", ContextIntake(roster), AgentContexts(roster), streaming=True)
            | Decide(DecisionHandler(roster, InProcess.of(roster)))
            | beam.ParDo(_WithTime())
            | beam.Filter(lambda timed: timed[0] == "decisions")
        )
        moments = [began + 60 * minute for minutes in bundles for minute in minutes]
        expected = [("decisions", moment, moment) for moment in moments]
        assert_that(decided, equal_to(expected * 5))
