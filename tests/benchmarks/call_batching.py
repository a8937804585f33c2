"""What it brings to ask several questions in one call: CPU time and delay of sixteen questions, by questions a call.

Client, endpoint emulator and model server share this process and its CPU clock, so a question's figure is all that it
costs anywhere. The statistical forecaster and a chat rule answer; both take far less time than the call around them. What
a GPU gains besides, this machine cannot show.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median

import uvicorn
from fastapi import FastAPI

from agents.endpoints.client import VertexConnection
from agents.endpoints.directory import Vertex, find_endpoints
from agents.endpoints.handler import DecisionHandler
from agents.serving.app import create_app as model_server
from agents.serving.backend import backend_named
from agents.serving.listening import Listening
from contracts.decisions import CallStatus, DecisionRequest
from contracts.roster import EndpointBacking, Roster, read_roster
from contracts.settings import Settings
from infra.local.vertex.api import create_app as vertex_emulator
from infra.local.vertex.endpoints import Endpoints
from tests.agents.questions import question
from tests.benchmarks.figure import Figure, Figures

QUESTIONS = 16
BATCHES = (1, 4, 8, 16)
ROUNDS = 15
KINDS = {"forecast": "lagllama-degen", "chat": "deepseek-v3"}


def measure() -> Figures:
    """For each kind of question and each size of call, beside one question a call."""
    figures: Figures = {}
    with _vertex() as vertex:
        for kind, agent in KINDS.items():
            told = {batch: _cost(vertex, agent, batch) for batch in BATCHES}
            for batch, (cpu, delay) in told.items():
                name = f"{kind}, {QUESTIONS} questions at once, {batch} a call"
                beside = {"1 a call": told[1]} if batch > 1 else {}
                figures[f"{name}: CPU of a question"] = Figure(
                    cpu, "ms", {peer: value[0] for peer, value in beside.items()}
                )
                figures[f"{name}: until all are answered"] = Figure(
                    delay, "ms", {peer: value[1] for peer, value in beside.items()}
                )
    return figures


def _cost(vertex: Vertex, agent: str, batch: int) -> tuple[float, float]:
    """Milliseconds: CPU for each question, and until the last of them is answered; medians of the rounds."""
    roster = _with_batch(read_roster(Settings().roster), agent, batch)
    backing = roster.by_agent[agent].backing
    if not isinstance(backing, EndpointBacking):
        raise TypeError(f"{agent} has no endpoint")
    connection = VertexConnection(vertex, find_endpoints(vertex, [backing.endpoint]), deadline_seconds=60)
    handler, client = DecisionHandler(roster, connection), connection.connect()
    requests = [_question(agent, number) for number in range(QUESTIONS)]
    cpu, delay = [], []
    for _ in range(ROUNDS + 1):
        began, began_cpu = time.perf_counter(), time.process_time()
        outcomes = handler.run_inference(requests, client)
        cpu.append((time.process_time() - began_cpu) * 1e3 / QUESTIONS)
        delay.append((time.perf_counter() - began) * 1e3)
        if any(outcome.status is not CallStatus.ANSWERED for outcome in outcomes):
            raise AssertionError("a question was not answered: what it cost says nothing")
    return median(cpu[1:]), median(delay[1:])


def _question(agent: str, number: int) -> DecisionRequest:
    asked = question(agent, decision_id=f"d-{number}")
    closes = tuple(100.0 + (bar * 7 + number) % 5 for bar in range(60))
    return asked.with_valid(closes=closes, event_time=asked.event_time + timedelta(minutes=number))


def _with_batch(roster: Roster, agent: str, batch: int) -> Roster:
    agents = [
        profile.with_valid(backing=profile.backing.with_valid(batch=batch))
        if profile.agent == agent
        else profile
        for profile in roster.agents
    ]
    return roster.with_valid(agents=tuple(agents))


@contextmanager
def _vertex() -> Iterator[Vertex]:
    """The endpoint emulator in front of a model server, both in this process."""
    models = model_server(backend_named("rule"), "/health", "/predict/{model}")
    with _served(models) as address:
        endpoints = Endpoints.of(read_roster(Settings().roster))
        with _served(vertex_emulator(endpoints, address)) as emulator:
            yield Vertex("p-local", "here", emulator)


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    with Listening("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening.socket],))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield listening.url
        finally:
            server.should_exit = True
            thread.join()
