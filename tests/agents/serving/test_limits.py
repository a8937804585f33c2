"""What a server does when it is asked too much, too early, or too often."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from agents.serving.app import create_app
from agents.serving.backend import Backend, Busy, CannotServe, ModelFailed, backend_named
from agents.serving.options import ServerOptions
from agents.serving.size_limit import MOST_BYTES
from agents.serving.turns import Turns


class Held(Backend):
    """Loads and answers when it is let; `closed` once it is."""

    needs_loading = True
    most_instances = 2
    parallel = 1

    def __init__(self, cannot: str | None = None) -> None:
        self.may_load, self.may_answer, self.asked = threading.Event(), threading.Event(), threading.Event()
        self.cannot = cannot
        self.broken: str | None = None
        self.closed = False

    runs = "a test"

    @property
    def failed(self):
        return self.broken

    def models(self):
        return ("m",)

    def load(self):
        assert self.may_load.wait(30)
        if self.cannot:
            raise CannotServe(self.cannot)

    def predict(self, model, instance):
        self.asked.set()
        assert self.may_answer.wait(30)
        if instance.get("fail"):
            raise ModelFailed("it broke down")
        return {"model": model, "usage": {"prompt_tokens": 3, "completion_tokens": 2}}

    def close(self):
        self.closed = True


def served(backend, **options):
    return TestClient(create_app(backend, "/health", "/predict", "m", ServerOptions(**options)))


def ask(client, count=1, **fields):
    return client.post("/predict", json={"instances": [fields] * count})


def wait_until_ready(client, backend):
    backend.may_load.set()
    while client.get("/health").status_code != 200:
        pass


def test_nobody_is_sent_to_a_model_that_is_loading():
    backend = Held()
    with served(backend) as client:
        health = client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "loading")
        early = ask(client)
        assert (early.status_code, early.json()["error"]) == (503, "the model is still loading")
        assert "sapphire_model_ready 0.0" in client.get("/metrics").text
        wait_until_ready(client, backend)
        assert client.get("/health").json() == {"status": "ready", "runs": "a test", "models": ["m"]}
        backend.broken = "its process ended"
        health = client.get("/health")
        assert (health.status_code, health.json()["error"]) == (503, "its process ended")
    assert backend.closed


def test_a_model_that_broke_is_told_once():
    told = []
    backend = Held()
    app = create_app(backend, "/health", "/predict", "m", on_failure=told.append)
    with TestClient(app) as client:
        wait_until_ready(client, backend)
        assert told == []
        backend.broken = "its process ended"
        for _ in range(2):
            assert client.get("/health").status_code == 503
        assert told == ["its process ended"]


def test_a_model_that_cannot_be_loaded_is_told():
    told = threading.Event()
    backend = Held(cannot="no weights")
    app = create_app(backend, "/health", "/predict", "m", on_failure=lambda why: told.set())
    with TestClient(app) as client:
        backend.may_load.set()
        assert told.wait(30)
        assert client.get("/health").json()["error"] == "no weights"
        assert ask(client).json()["error"] == "no weights"


def test_one_more_than_may_wait_is_turned_away():
    backend = Held()
    with served(backend, queue=1) as client, ThreadPoolExecutor(2) as clients:
        wait_until_ready(client, backend)
        first = clients.submit(ask, client)
        assert backend.asked.wait(30)
        second = clients.submit(ask, client)
        while "sapphire_predictions_waiting 1.0" not in client.get("/metrics").text:
            pass
        third = ask(client)
        assert (third.status_code, third.headers["retry-after"]) == (429, "1")
        backend.may_answer.set()
        assert (first.result().status_code, second.result().status_code) == (200, 200)


def test_what_happened_is_counted():
    backend = Held()
    backend.may_answer.set()
    with served(backend) as client:
        wait_until_ready(client, backend)
        assert ask(client).status_code == 200
        failed = ask(client, fail=True)
        assert (failed.status_code, failed.json()) == (503, {"error": "it broke down"})
        assert ask(client, count=3).status_code == 400
        metrics = client.get("/metrics").text
    for line in (
        'sapphire_predictions_total{model="m",status="200"} 1.0',
        'sapphire_predictions_total{model="m",status="503"} 1.0',
        'sapphire_predictions_total{model="m",status="400"} 1.0',
        'sapphire_tokens_total{direction="in",model="m"} 3.0',
        'sapphire_tokens_total{direction="out",model="m"} 2.0',
        'sapphire_prediction_seconds_count{model="m"} 3.0',
        "sapphire_model_ready 1.0",
        "sapphire_predictions_running 0.0",
    ):
        assert line in metrics


def test_a_stranger_costs_no_label():
    client = TestClient(create_app(backend_named("rule"), "/health", "/predict/{model}"))
    for name in ("astrology", "tarot"):
        assert client.post(f"/predict/{name}", json={"instances": [{}]}).status_code == 404
    assert 'sapphire_predictions_total{model="unknown",status="404"} 2.0' in client.get("/metrics").text


def test_too_large_is_not_read_to_its_end():
    client = TestClient(create_app(backend_named("rule"), "/health", "/predict/{model}"))

    def endless():
        yield b'{"instances": ["'
        for _ in range(2 * MOST_BYTES // 10_000):
            yield b"x" * 10_000

    answer = client.post("/predict/momentum", content=endless())
    assert answer.status_code == 413
    assert f"larger than {MOST_BYTES} bytes" in answer.json()["error"]


def test_a_turn_that_does_not_come_in_time_is_given_up():
    turns = Turns(parallel=1, queue=1, seconds=0.01)
    with turns.taken(), pytest.raises(Busy, match="no turn came within"), turns.taken():
        pass
    assert (turns.running, turns.waiting) == (0, 0)
    with turns.taken():
        assert turns.running == 1
