"""What endpoints do wrong, at the HTTP edge: each costs its own agent a HOLD and gives an outcome that says what it was."""

import json
from decimal import Decimal

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from agents.endpoints.client import VertexConnection
from agents.endpoints.directory import Vertex
from agents.endpoints.handler import DecisionHandler
from agents.kinds.forecast import BARS_AHEAD
from contracts.coder import register_contract_coders
from contracts.decisions import UNANSWERED, CallOutcome, CallStatus
from contracts.payloads import Side
from contracts.rows.decisions import ModelCall
from tests.agents.endpoints import scripted
from tests.agents.questions import question, roster
from transforms.decisions.agent_context import REQUESTS
from transforms.decisions.deciding import Decide
from transforms.emission import Emission

HOLD = json.dumps(
    {
        "symbol": "BTCUSDT",
        "side": "HOLD",
        "confidence": 0.5,
        "size_fraction": 0.0,
        "horizon_seconds": 60,
        "rationale": "Wait.",
    }
)
BACKINGS = {profile.agent: profile.backing.endpoint for profile in roster().agents if profile.is_model_backed}
RESOURCES = {name: f"projects/p/locations/l/endpoints/{name}" for name in BACKINGS.values()}
FAULTY, WELL = "deepseek-v3", "qwen-7b"


def asked(server: scripted.ScriptedServer, deadline: float, *agents: str) -> list[CallOutcome]:
    """The outcomes of asking the agents one after another."""
    connection = VertexConnection(
        Vertex("p", "l", server.url), RESOURCES, deadline_seconds=deadline, attempts=3, wait_seconds=0.001
    )
    handler = DecisionHandler(roster(), connection)
    model = handler.load_model()
    return [next(iter(handler.run_inference([question(agent)], model))) for agent in agents]


@pytest.mark.parametrize(
    ("deeds", "deadline", "status", "attempts"),
    [
        pytest.param([scripted.never], 0.3, CallStatus.DEADLINE, 1, id="never answers"),
        pytest.param([scripted.drips], 0.3, CallStatus.DEADLINE, 1, id="drips"),
        pytest.param([scripted.fails(500)], 30, CallStatus.UNAVAILABLE, 3, id="500"),
        pytest.param([scripted.fails(503)], 30, CallStatus.UNAVAILABLE, 3, id="503"),
        pytest.param([scripted.fails(429)], 30, CallStatus.THROTTLED, 3, id="429"),
        pytest.param([scripted.resets], 30, CallStatus.UNREACHABLE, 3, id="reset"),
        pytest.param([scripted.half], 30, CallStatus.UNREACHABLE, 3, id="half an answer"),
        pytest.param([scripted.fails(404)], 30, CallStatus.REFUSED, 1, id="undeployed"),
        pytest.param([scripted.fails(400)], 30, CallStatus.REFUSED, 1, id="400"),
        pytest.param([scripted.html], 30, CallStatus.NOT_JSON, 1, id="not JSON"),
        pytest.param([scripted.predicts({"text": "buy"})], 30, CallStatus.BAD_ANSWER, 1, id="no completion"),
        pytest.param([scripted.says("Buy it!")], 30, CallStatus.BAD_ANSWER, 1, id="prose"),
        pytest.param([scripted.fails(503), scripted.says(HOLD)], 30, CallStatus.ANSWERED, 2, id="503 once"),
        pytest.param([scripted.resets, scripted.says(HOLD)], 30, CallStatus.ANSWERED, 2, id="reset once"),
    ],
)
def test_a_fault_costs_its_own_agent_only(deeds, deadline, status, attempts):
    scripts = {BACKINGS[FAULTY]: deeds, BACKINGS[WELL]: [scripted.says(HOLD)]}
    with scripted.serving(scripts) as server:
        (faulty,) = asked(server, deadline, FAULTY)
        (well,) = asked(server, 30, WELL)
    assert (faulty.status, faulty.attempts) == (status, attempts), faulty.error
    assert (faulty.opinion is None) == (status is not CallStatus.ANSWERED)
    assert bool(faulty.error) == (status is not CallStatus.ANSWERED)
    assert faulty.latency_ms > 0
    assert (well.status, well.opinion.side) == (CallStatus.ANSWERED, Side.HOLD)
    assert server.calls == {BACKINGS[FAULTY]: attempts, BACKINGS[WELL]: 1}


def test_a_pipeline_asks_all_endpoints_through_one_stage_and_a_fault_costs_its_own_agent_only():
    register_contract_coders()
    mood = {"symbol": "BTCUSDT", "score": 0.0, "confidence": 0.0, "rationale": "Calm."}
    mix = {"weights": {"BTCUSDT": 0.0}, "confidence": 0.5, "rationale": "Wait."}
    calm = [[100.0, 101.0, 102.0, 103.0, 104.0]] * BARS_AHEAD
    scripts = {
        BACKINGS[FAULTY]: [scripted.fails(400)],
        BACKINGS[WELL]: [scripted.says(HOLD)],
        BACKINGS["fingpt-alpha"]: [scripted.says(json.dumps(mood))],
        BACKINGS["lagllama-degen"]: [scripted.predicts({"model": "lag-llama", "quantiles": calm})],
        BACKINGS["profit-maximizer"]: [scripted.says(json.dumps(mix))],
    }
    with scripted.serving(scripts) as server:
        handler = DecisionHandler(roster(), VertexConnection(Vertex("p", "l", server.url), RESOURCES))
        emissions = [
            Emission(REQUESTS, question(agent, decision_id=f"decision-{agent}"), f"main/{agent}", 1, 0)
            for agent in BACKINGS
        ]
        with beam.Pipeline("BundleBasedDirectRunner") as pipeline:
            decided = pipeline | beam.Create(emissions, reshuffle=False) | Decide(handler)
            calls = decided | beam.Filter(lambda emission: emission.value.__class__ is ModelCall)
            told = calls | beam.Map(lambda emission: (emission.value.agent, emission.value.outcome))
            expected = [(agent, "refused" if agent == FAULTY else "answered") for agent in BACKINGS]
            assert_that(told, equal_to(expected))


def test_an_answer_tells_its_model_and_tokens():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.says(HOLD)]}) as server:
        (outcome,) = asked(server, 30, FAULTY)
    assert (outcome.model, outcome.tokens_in, outcome.tokens_out) == ("org.Some-Model", 11, 7)
    assert outcome.endpoint == "deepseek-momentum-endpoint"
    assert outcome.cost_usd == Decimal("0.00001078")  # 11 tokens at 0.28 and 7 at 1.10 USD a million
    assert outcome.deadline_ms == 30_000
    assert outcome.prompt.startswith("decide.2-")


def test_a_bad_answer_is_kept_and_an_unanswered_call_has_no_model():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.says("Buy it!"), scripted.fails(400)]}) as server:
        bad, refused = asked(server, 30, FAULTY, FAULTY)
    assert (bad.answer, bad.model) == ("Buy it!", "org.Some-Model")
    assert (refused.answer, refused.model) == ("", UNANSWERED)
    assert refused.cost_usd == Decimal("0.00142336")  # no usage was told: the most that it can be


def test_an_endpoint_that_nobody_found_is_refused_without_a_call():
    with scripted.serving({}) as server:
        connection = VertexConnection(Vertex("p", "l", server.url), {})
        handler = DecisionHandler(roster(), connection, tells_latency=False)
        (outcome,) = handler.run_inference([question()], handler.load_model())
    assert (outcome.status, outcome.attempts, outcome.latency_ms) == (CallStatus.REFUSED, 0, None)
