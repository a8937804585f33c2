"""Faults behind the endpoint emulator: what a model server does wrong reaches the right agent with the right meaning."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from agents.endpoints.client import EndpointClient, VertexConnection
from agents.endpoints.directory import Vertex, find_endpoints
from agents.endpoints.handler import DecisionHandler
from agents.serving.listening import Listening
from contracts.decisions import CallOutcome, CallStatus
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Endpoints
from tests.agents.endpoints import scripted
from tests.agents.endpoints.test_faults import BACKINGS, FAULTY, HOLD, WELL
from tests.agents.questions import question, roster

FAULTY_RULE, WELL_RULE = (roster().by_agent[agent].backing.rule for agent in (FAULTY, WELL))


def text_that_is_json(handler: scripted.Handler) -> None:
    """A sound answer under another content type: what it says counts."""
    choice = {"index": 0, "message": {"role": "assistant", "content": HOLD}}
    body = json.dumps({"predictions": [{"model": "m", "choices": [choice]}]}).encode()
    handler.answer(200, body, "text/plain")


@contextmanager
def vertex(deeds: list[scripted.Deed]) -> Iterator[tuple[Vertex, Endpoints, list[float]]]:
    """The emulator in front of a model server whose model for the faulty agent follows a script."""
    endpoints = Endpoints.of(roster())
    models = scripted.serving({FAULTY_RULE: deeds, WELL_RULE: [scripted.says(HOLD)]})
    with models as served, Listening("127.0.0.1", 0) as listening:
        config = uvicorn.Config(create_app(endpoints, served.url), log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening.socket],))
        thread.start()
        try:
            yield Vertex("p-local", "here", listening.url), endpoints, []
        finally:
            served.released.set()
            server.should_exit = True
            thread.join()


class Desk:
    """Two agents that are asked together, through endpoints that were found at the emulator."""

    def __init__(self, at: Vertex, pauses: list[float], deadline: float = 30.0) -> None:
        found = find_endpoints(at, [BACKINGS[FAULTY], BACKINGS[WELL]])
        connection = VertexConnection(at, found, deadline_seconds=deadline, wait_seconds=0.001)
        predictions = connection.connect().predictions
        self.client = EndpointClient(connection, predictions, sleep=pauses.append)
        self.handler = DecisionHandler(roster(), connection)

    def ask(self) -> tuple[CallOutcome, CallOutcome]:
        faulty, well = self.handler.run_inference([question(FAULTY), question(WELL)], self.client)
        return faulty, well


@pytest.mark.parametrize(
    ("deeds", "status", "attempts"),
    [
        pytest.param([scripted.fails(429)], CallStatus.THROTTLED, 3, id="429"),
        pytest.param([scripted.fails(500)], CallStatus.UNAVAILABLE, 3, id="500"),
        pytest.param([scripted.fails(503)], CallStatus.UNAVAILABLE, 3, id="503"),
        pytest.param([scripted.resets], CallStatus.UNAVAILABLE, 3, id="reset"),
        pytest.param([scripted.half], CallStatus.UNAVAILABLE, 3, id="half an answer"),
        pytest.param([scripted.html], CallStatus.UNAVAILABLE, 3, id="a page instead of JSON"),
        pytest.param([text_that_is_json], CallStatus.ANSWERED, 1, id="JSON under another content type"),
        pytest.param([scripted.fails(400)], CallStatus.REFUSED, 1, id="400"),
        pytest.param([scripted.fails(503), scripted.says(HOLD)], CallStatus.ANSWERED, 2, id="503 once"),
    ],
)
def test_a_fault_costs_its_own_agent_only(deeds, status, attempts):
    with vertex(deeds) as (at, _, pauses):
        faulty, well = Desk(at, pauses).ask()
    assert (faulty.status, faulty.attempts, well.status) == (status, attempts, CallStatus.ANSWERED), (
        faulty.error
    )


def test_retry_after_passes_through():
    with vertex([scripted.fails(429, "3"), scripted.says(HOLD)]) as (at, _, pauses):
        faulty, _ = Desk(at, pauses).ask()
    assert (faulty.status, faulty.attempts, pauses) == (CallStatus.ANSWERED, 2, [3.0])


def test_a_slow_model_is_not_waited_for():
    with vertex([scripted.never]) as (at, _, pauses):
        faulty, _ = Desk(at, pauses, deadline=1.0).ask()
    assert (faulty.status, faulty.attempts) == (CallStatus.DEADLINE, 1)


def test_an_endpoint_that_is_undeployed_while_the_job_runs_is_refused_and_comes_back():
    with vertex([scripted.says(HOLD)]) as (at, endpoints, pauses):
        desk = Desk(at, pauses)
        (deployed,) = [e for e in endpoints._by_id.values() if e.display_name == BACKINGS[FAULTY]]
        before = desk.ask()
        del endpoints._by_id[deployed.id]
        without = desk.ask()
        endpoints._by_id[deployed.id] = deployed
        after = desk.ask()
    assert [outcome.status for outcome, _ in (before, without, after)] == [
        CallStatus.ANSWERED, CallStatus.REFUSED, CallStatus.ANSWERED,
    ]  # fmt: skip
    assert {well.status for _, well in (before, without, after)} == {CallStatus.ANSWERED}
    assert "The Endpoint does not exist" in without[0].error
